/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_slots MODEL TEXTS: finds the slots of each line of TEXTS, one after the other, and prints what an utterance
 * took, in microseconds, as JSON. Of four passes the first warms up; for each utterance the best of the others counts
 * as "best_us". */
#include <string.h>

#include "coppice_runtime.h"
#include "runtime_measure.h"

enum { kPasses = 4, kMostTexts = 1 << 20, kMostSlots = 64 };

static char* texts[kMostTexts];
static double all[(kPasses - 1) * kMostTexts], best[kMostTexts];

static size_t read_texts(const char* path) {
  FILE* const file = fopen(path, "r");
  size_t n = 0, room = 0;
  char* line = NULL;
  if (file == NULL) return 0;
  while (n < kMostTexts && getline(&line, &room, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    texts[n++] = line;
    line = NULL;
    room = 0;
  }
  fclose(file);
  return n;
}

int main(int argc, char** argv) {
  coppice_error error;
  coppice_model* model;
  coppice_state* state;
  coppice_answer intent;
  coppice_slot slots[kMostSlots];
  size_t n, i, count, n_all = 0, n_slots = 0;
  int pass;
  if (argc != 3 || (n = read_texts(argv[2])) == 0) return COPPICE_USAGE;
  if (coppice_open(argv[1], &model, &error) != COPPICE_OK || coppice_create_state(&state, &error) != COPPICE_OK) {
    fprintf(stderr, "%s\n", error.message);
    return error.code;
  }
  for (pass = 0; pass < kPasses; ++pass) {
    for (i = 0, n_slots = 0; i < n; ++i) {
      const double start = now_us();
      const int code =
          coppice_understand(model, state, texts[i], strlen(texts[i]), &intent, slots, kMostSlots, &count, &error);
      const double us = now_us() - start;
      if (code != COPPICE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return code;
      }
      n_slots += count;
      if (pass == 0) continue;
      all[n_all++] = us;
      if (pass == 1 || us < best[i]) best[i] = us;
    }
  }
  printf("{\"texts\": %zu, \"slots\": %zu, ", n, n_slots);
  print_quantiles("us", all, n_all);
  printf(", ");
  print_quantiles("best_us", best, n);
  printf("}\n");
  coppice_free_state(state);
  coppice_close(model);
  return 0;
}
