/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_first_answer MODEL TEXT: opens the model and answers once, as a fresh process would, and prints what that
 * took, in microseconds, as JSON. With COLD=1 in the environment the file is first sent out of the page cache. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "coppice_runtime.h"

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void send_out_of_cache(int file) {
  fdatasync(file); /* pages that wait to be written would stay */
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

/* How many pages of the file lie in the page cache; -1 when the system does not say. */
static long cached_pages(int file, size_t bytes, long page) {
  const size_t n = (bytes + (size_t)page - 1) / (size_t)page;
  unsigned char* in_core = malloc(n);
  void* mapped = mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0);
  long count = -1;
  size_t i;
  if (in_core != NULL && mapped != MAP_FAILED && mincore(mapped, bytes, in_core) == 0) {
    for (count = 0, i = 0; i < n; ++i) count += in_core[i] & 1;
  }
  if (mapped != MAP_FAILED) munmap(mapped, bytes);
  free(in_core);
  return count;
}

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
