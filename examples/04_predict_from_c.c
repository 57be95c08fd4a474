/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from C, with libcoppice_runtime alone: MODEL, then a text a line on standard input; of each the five best
 * labels, "score<TAB>name" a line, and an empty line behind them.
 *
 * cc -Iruntime examples/04_predict_from_c.c build/release/runtime/libcoppice_runtime.a -lm -o predict */
#include <stdio.h>
#include <string.h>

#include "coppice_runtime.h"

enum { MOST_ANSWERS = 5, MOST_BYTES = 65536 };

static int fail(const coppice_error* error) {
  fprintf(stderr, "error: %s\n", error->message);
  return error->code;
}

static int answer(const coppice_model* model, coppice_state* state, const char* text, coppice_error* error) {
  coppice_answer answers[MOST_ANSWERS];
  char name[256];
  size_t count, i;
  if (coppice_predict(model, state, text, strlen(text), NULL, answers, MOST_ANSWERS, &count, error) != COPPICE_OK) {
    return error->code;
  }
  for (i = 0; i < count; ++i) {
    if (coppice_label_name(model, state, answers[i].label, name, sizeof name, NULL, error) != COPPICE_OK) {
      return error->code;
    }
    printf("%.9g\t%s\n", answers[i].score, name);
  }
  printf("\n");
  return COPPICE_OK;
}

int main(int argc, char** argv) {
  static char line[MOST_BYTES];
  coppice_error error;
  coppice_model* model = NULL;
  coppice_state* state = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL <TEXTS\n", argv[0]);
    return COPPICE_USAGE;
  }
  if (coppice_open(argv[1], &model, &error) != COPPICE_OK) return fail(&error);
  if (coppice_create_state(&state, &error) == COPPICE_OK) {
    while (fgets(line, sizeof line, stdin) != NULL) {
      line[strcspn(line, "\n")] = '\0';
      if (answer(model, state, line, &error) != COPPICE_OK) break;
    }
  }
  coppice_free_state(state);
  coppice_close(model);
  return error.code == COPPICE_OK ? 0 : fail(&error);
}
