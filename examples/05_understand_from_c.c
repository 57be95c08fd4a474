/* SPDX-License-Identifier: Apache-2.0 */
/* What utterances mean, from C, with libcoppice_runtime alone: MODEL, then a text a line on standard input; of each the
 * intent, "name<TAB>score", and "<TAB>domain" where it has one (an empty line where the model has no intents), its slots,
 * "name<TAB>words" a line, and an empty line behind them.
 *
 * cc -Iruntime examples/05_understand_from_c.c build/release/runtime/libcoppice_runtime.a -lm -o understand */
#include <stdio.h>
#include <string.h>

#include "coppice_runtime.h"

enum { MOST_SLOTS = 64, MOST_BYTES = 65536 };

static int fail(const coppice_error* error) {
  fprintf(stderr, "error: %s\n", error->message);
  return error->code;
}

static int print_intent(const coppice_model* model, coppice_state* state, coppice_answer intent, coppice_error* error) {
  const uint32_t domain = coppice_label_domain(model, intent.label);
  char name[256] = "";
  if (coppice_label_name(model, state, intent.label, name, sizeof name, NULL, error) != COPPICE_OK) return error->code;
  printf("%s\t%.9g", name, intent.score);
  if (domain == COPPICE_NO_DOMAIN) return COPPICE_OK;
  if (coppice_domain_name(model, domain, name, sizeof name, NULL, error) != COPPICE_OK) return error->code;
  printf("\t%s", name);
  return COPPICE_OK;
}

static int understand(const coppice_model* model, coppice_state* state, const char* text, coppice_error* error) {
  coppice_answer intent;
  coppice_slot slots[MOST_SLOTS];
  char name[256] = "";
  size_t count, i;
  if (coppice_understand(model, state, text, strlen(text), &intent, slots, MOST_SLOTS, &count, error) != COPPICE_OK) {
    return error->code;
  }
  if (intent.label != COPPICE_NO_LABEL && print_intent(model, state, intent, error) != COPPICE_OK) return error->code;
  printf("\n");
  for (i = 0; i < count && i < MOST_SLOTS; ++i) {
    if (coppice_slot_name(model, slots[i].slot, name, sizeof name, NULL, error) != COPPICE_OK) return error->code;
    printf("%s\t%.*s\n", name, (int)(slots[i].end - slots[i].begin), text + slots[i].begin);
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
      if (understand(model, state, line, &error) != COPPICE_OK) break;
    }
  }
  coppice_free_state(state);
  coppice_close(model);
  return error.code == COPPICE_OK ? 0 : fail(&error);
}
