/* SPDX-License-Identifier: Apache-2.0 */
/* out_of_memory MODEL <TEXTS: opens the model and understands the texts again and again, where each time one more
 * allocation succeeds before one fails, or all do from there on, until none is left to fail. Each failure must come back
 * as COPPICE_MEMORY, and once there is memory again, the same state must give the same answers. Prints how many
 * allocations failed. Linked with --wrap=malloc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coppice_runtime.h"

void* __real_malloc(size_t size);

static unsigned long left = ~0UL; /* that succeed */
static int for_good, has_failed;

void* __wrap_malloc(size_t size) {
  if (left > 0) {
    --left;
    return __real_malloc(size);
  }
  if (has_failed && !for_good) return __real_malloc(size);
  has_failed = 1;
  return NULL;
}

enum { MOST_TEXTS = 100, MOST_BYTES = 4096, CAPACITY = 5 };
static char texts[MOST_TEXTS][MOST_BYTES];
static size_t n_texts;

typedef struct {
  coppice_answer answers[CAPACITY], intent;
  coppice_slot slots[CAPACITY];
  size_t n_answers, n_slots;
  char name[64];
} answer;

static int query(const coppice_model* model, coppice_state* state, const char* text, answer* a, coppice_error* error) {
  int code = COPPICE_OK;
  a->n_answers = 0;
  if (coppice_label_count(model) > 0) { /* or it finds slots alone */
    code = coppice_predict(model, state, text, strlen(text), NULL, a->answers, CAPACITY, &a->n_answers, error);
  }
  if (code == COPPICE_OK && a->n_answers > 0) {
    code = coppice_label_name(model, state, a->answers[0].label, a->name, sizeof a->name, NULL, error);
  }
  if (code == COPPICE_OK) {
    code = coppice_understand(model, state, text, strlen(text), &a->intent, a->slots, CAPACITY, &a->n_slots, error);
  }
  return code;
}

/* Whether all went well; ends the program where a failure was no COPPICE_MEMORY. */
static int went_well(int code, const coppice_error* error) {
  if (code == COPPICE_OK) return 1;
  if (code == COPPICE_MEMORY && error->code == code && error->message[0] != '\0') return 0;
  fprintf(stderr, "code %d: %s\n", code, error->message);
  exit(1);
}

static void expect(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "%s\n", what);
  exit(1);
}

/* Returns whether an allocation failed. */
static int round_with(const char* path, unsigned long that_succeed, const answer* expected) {
  coppice_error error;
  coppice_model* model;
  coppice_state* state = NULL;
  int failed;
  size_t i;
  left = that_succeed;
  has_failed = 0;
  if (!went_well(coppice_open(path, &model, &error), &error)) {
    expect(model == NULL, "a model in spite of an error");
  } else if (!went_well(coppice_create_state(&state, &error), &error)) {
    expect(state == NULL, "a state in spite of an error");
  } else {
    answer ignored;
    for (i = 0; i < n_texts && went_well(query(model, state, texts[i], &ignored, &error), &error); ++i) continue;
  }
  failed = has_failed;
  left = ~0UL;
  if (state != NULL) {
    for (i = 0; i < n_texts; ++i) {
      answer again;
      memset(&again, 0, sizeof again);
      expect(query(model, state, texts[i], &again, &error) == COPPICE_OK, error.message);
      expect(memcmp(&again, &expected[i], sizeof again) == 0, "another answer after a failure");
    }
  }
  coppice_free_state(state);
  coppice_close(model);
  return failed;
}

static answer answers_of[MOST_TEXTS];

int main(int argc, char** argv) {
  coppice_error error;
  coppice_model* model;
  coppice_state* state;
  unsigned long failures = 0, k;
  size_t i;
  if (argc != 2) return COPPICE_USAGE;
  while (n_texts < MOST_TEXTS && fgets(texts[n_texts], MOST_BYTES, stdin) != NULL) ++n_texts;
  expect(coppice_open(argv[1], &model, &error) == COPPICE_OK, error.message);
  expect(coppice_create_state(&state, &error) == COPPICE_OK, error.message);
  for (i = 0; i < n_texts; ++i) {
    expect(query(model, state, texts[i], &answers_of[i], &error) == COPPICE_OK, error.message);
  }
  coppice_free_state(state);
  coppice_close(model);
  for (for_good = 0; for_good < 2; ++for_good) {
    for (k = 0; round_with(argv[1], k, answers_of); ++k) ++failures;
  }
  printf("%lu\n", failures);
  return 0;
}
