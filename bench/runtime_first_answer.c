/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_first_answer MODEL TEXT: opens the model and answers once, as a fresh process would, and prints what that
 * took, in microseconds, as JSON. With COLD=1 in the environment the file is first sent out of the page cache. */
#include <string.h>

#include "coppice_runtime.h"
#include "runtime_measure.h"

int main(int argc, char** argv) {
  coppice_error error;
  coppice_model* model;
  coppice_state* state;
  coppice_answer answers[5];
  struct stat status;
  size_t count = 0;
  double start, opened, answered, again;
  long cached;
  int file;
  if (argc != 3) return COPPICE_USAGE;
  file = open(argv[1], O_RDONLY);
  if (file < 0 || fstat(file, &status) != 0) return COPPICE_IO;
  if (getenv("COLD") != NULL) send_out_of_cache(file);
  cached = cached_pages(file, (size_t)status.st_size, sysconf(_SC_PAGESIZE));
  close(file);

  start = now_us();
  if (coppice_open(argv[1], &model, &error) != COPPICE_OK) return error.code;
  opened = now_us();
  if (coppice_create_state(&state, &error) != COPPICE_OK) return error.code;
  if (coppice_predict(model, state, argv[2], strlen(argv[2]), NULL, answers, 5, &count, &error) != COPPICE_OK) {
    return error.code;
  }
  answered = now_us();
  if (coppice_predict(model, state, argv[2], strlen(argv[2]), NULL, answers, 5, &count, &error) != COPPICE_OK) {
    return error.code;
  }
  again = now_us();
  printf("{\"file_bytes\": %ld, \"cached_pages_before\": %ld, \"open_us\": %.1f, \"open_and_first_answer_us\": %.1f, "
         "\"second_answer_us\": %.1f, \"answers\": %zu}\n",
         (long)status.st_size, cached, opened - start, answered - start, again - answered, count);
  coppice_free_state(state);
  coppice_close(model);
  return 0;
}
