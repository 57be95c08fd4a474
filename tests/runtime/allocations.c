/* SPDX-License-Identifier: Apache-2.0 */
/* allocations MODEL <TEXTS: predicts and understands each text once, then all of them again until there were 1,000
 * queries, and prints how often those asked for memory. Linked with --wrap for malloc and its kin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coppice_runtime.h"

void* __real_malloc(size_t size);
void* __real_calloc(size_t count, size_t size);
void* __real_realloc(void* block, size_t size);
void* __real_aligned_alloc(size_t alignment, size_t size);

static unsigned long allocations;

void* __wrap_malloc(size_t size) {
  ++allocations;
  return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {
  ++allocations;
  return __real_calloc(count, size);
}
void* __wrap_realloc(void* block, size_t size) {
  ++allocations;
  return __real_realloc(block, size);
}
void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __real_aligned_alloc(alignment, size);
}

enum { MOST_TEXTS = 1000, MOST_BYTES = 4096 };
static char texts[MOST_TEXTS][MOST_BYTES];

static void query(const coppice_model* model, coppice_state* state, const char* text) {
  coppice_answer answers[5];
  char name[256];
  coppice_error error;
  size_t count, i;
  int code = coppice_predict(model, state, text, strlen(text), NULL, answers, 5, &count, &error);
  for (i = 0; code == COPPICE_OK && i < count; ++i) {
    code = coppice_label_name(model, state, answers[i].label, name, sizeof name, NULL, &error);
  }
  if (code == COPPICE_OK) {
    code = coppice_understand(model, state, text, strlen(text), answers, NULL, 0, &count, &error);
  }
  if (code == COPPICE_OK && coppice_label_domain(model, answers[0].label) != COPPICE_NO_DOMAIN) {
    code = coppice_domain_name(model, coppice_label_domain(model, answers[0].label), name, sizeof name, NULL, &error);
  }
  if (code != COPPICE_OK) {
    fprintf(stderr, "error: %s\n", error.message);
    exit(code);
  }
}

int main(int argc, char** argv) {
  coppice_error error;
  coppice_model* model;
  coppice_state* state;
  unsigned long before, warming;
  size_t n = 0, i;
  if (argc != 2) return COPPICE_USAGE;
  while (n < MOST_TEXTS && fgets(texts[n], MOST_BYTES, stdin) != NULL) ++n;
  if (n == 0) return COPPICE_USAGE;
  if (coppice_open(argv[1], &model, &error) != COPPICE_OK) return error.code;
  if (coppice_create_state(&state, &error) != COPPICE_OK) return error.code;
  before = allocations;
  for (i = 0; i < n; ++i) query(model, state, texts[i]);
  warming = allocations - before;
  before = allocations;
  for (i = 0; i < 1000; ++i) query(model, state, texts[i % n]);
  printf("%lu %lu\n", warming, allocations - before);
  coppice_free_state(state);
  coppice_close(model);
  return 0;
}
