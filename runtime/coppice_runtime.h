/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COPPICE_RUNTIME_H
#define COPPICE_RUNTIME_H

/*
 * Answers from a Coppice model, for programs that only predict: the C side of libcoppice_runtime, which needs libc and
 * libm alone.
 *
 *   coppice_error error;
 *   coppice_model* model;
 *   coppice_state* state;
 *   coppice_answer answers[5];
 *   size_t count;
 *   if (coppice_open("intents.coppice", &model, &error) != COPPICE_OK) { puts(error.message); ... }
 *   if (coppice_create_state(&state, &error) != COPPICE_OK) ...
 *   if (coppice_predict(model, state, text, strlen(text), NULL, answers, 5, &count, &error) != COPPICE_OK) ...
 *
 * Errors: a function that may fail returns COPPICE_OK or another code, and says why in `error` (which may be NULL).
 * What it was to give back (`model`, `count`, ...) is then NULL or 0. Nothing is thrown, printed or aborted.
 * Ownership: who opens or creates closes. A model may be closed when no call with it runs; states outlive models.
 * Threads: one model serves any number of threads at a time; each thread has a state of its own.
 * Memory: a state grows to what its texts need; a text no longer and no more varied than those before it allocates
 * nothing.
 */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define COPPICE_API __attribute__((visibility("default")))
#else
#define COPPICE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The same numbers as the exit codes of the program `coppice`. */
enum {
  COPPICE_OK = 0,
  COPPICE_INTERNAL = 1,    /* our own mistake */
  COPPICE_USAGE = 2,       /* a call that makes no sense: a NULL, a beam of 0 */
  COPPICE_DATA = 3,        /* the file is damaged or no model, the text is too long */
  COPPICE_IO = 4,          /* the file cannot be opened or mapped */
  COPPICE_MEMORY = 5,      /* no memory left */
  COPPICE_UNSUPPORTED = 6  /* a model of a later version, or one that takes no texts */
};

typedef struct coppice_error {
  int code;          /* of those above; COPPICE_OK when the call succeeded */
  char message[508]; /* "where: what\n  hint: ...", ends in a NUL; cut where it is longer */
} coppice_error;

typedef struct coppice_model coppice_model;
typedef struct coppice_state coppice_state;

/* Opens a model file, mapped read-only: it must not be changed or cut short while the model is open (replacing it by
 * renaming is fine). Models, compressed or not, must have been trained on texts alone: to rank labels, to find slots, or
 * both.
 * Cost: reads the header and little more, whatever the size. */
COPPICE_API int coppice_open(const char* path, coppice_model** model, coppice_error* error);

/* The same for a file that is in memory already, which is not copied: `bytes` must stay, unchanged, as long as the
 * model is open, and begin at a multiple of 64. */
COPPICE_API int coppice_open_memory(const void* bytes, size_t size, coppice_model** model, coppice_error* error);

/* NULL is fine. */
COPPICE_API void coppice_close(coppice_model* model);

/* The scratch memory of one thread, for any models in turn. */
COPPICE_API int coppice_create_state(coppice_state** state, coppice_error* error);
/* NULL is fine. */
COPPICE_API void coppice_free_state(coppice_state* state);

/* How labels are searched for. `size` tells the library which of the fields its caller knows. */
typedef struct coppice_options {
  size_t size;     /* sizeof(coppice_options) */
  uint32_t beam;   /* nodes kept in each level of the tree; wider is slower and finds more; at least 1 */
  float threshold; /* labels of a lower score are left out */
} coppice_options;

/* coppice_options options = COPPICE_DEFAULT_OPTIONS; */
#define COPPICE_DEFAULT_OPTIONS \
  { sizeof(coppice_options), 10, -1e30F }

typedef struct coppice_answer {
  uint32_t label; /* below coppice_label_count */
  float score;    /* as `coppice predict` prints it */
} coppice_answer;

/* The best labels of a text, at most `capacity` of them, best first, ties by label; `count` says how many there are.
 * `text`: UTF-8, `text_bytes` long, no NUL needed; what is no UTF-8 separates words. `options` may be NULL. */
COPPICE_API int coppice_predict(const coppice_model* model, coppice_state* state, const char* text, size_t text_bytes,
                                const coppice_options* options, coppice_answer* answers, size_t capacity,
                                size_t* count, coppice_error* error);

COPPICE_API uint32_t coppice_label_count(const coppice_model* model);

/* Writes the name of a label (its number, where labels have no names), cut to `capacity` - 1 bytes, and a NUL.
 * `name_bytes`: the bytes of the whole name, so that a caller sees that it was cut; may be NULL. `name` may be NULL
 * when `capacity` is 0. */
COPPICE_API int coppice_label_name(const coppice_model* model, coppice_state* state, uint32_t label, char* name,
                                   size_t capacity, size_t* name_bytes, coppice_error* error);

/* A slot of a text, such as the artist in "play jazz by miles davis": its bytes are [begin, end). */
typedef struct coppice_slot {
  uint32_t slot; /* its type, below coppice_slot_count */
  uint32_t begin;
  uint32_t end;
} coppice_slot;

/* In place of a label where there is none. */
#define COPPICE_NO_LABEL UINT32_MAX

/* What an utterance means: `intent` is the best label of the text (COPPICE_NO_LABEL where the model ranks none), the
 * slots are written from left to right. `count` says how many the text has, of which the first `capacity` are written (0
 * where the model finds none); `slots` may be NULL when `capacity` is 0. coppice_label_domain has the intent's domain. */
COPPICE_API int coppice_understand(const coppice_model* model, coppice_state* state, const char* text,
                                   size_t text_bytes, coppice_answer* intent, coppice_slot* slots, size_t capacity,
                                   size_t* count, coppice_error* error);

/* Types of slots; 0 for a model that finds none. */
COPPICE_API uint32_t coppice_slot_count(const coppice_model* model);

/* The name of a type of slots, as coppice_label_name writes that of a label. */
COPPICE_API int coppice_slot_name(const coppice_model* model, uint32_t slot, char* name, size_t capacity,
                                  size_t* name_bytes, coppice_error* error);

/* In place of a domain where a label has none. */
#define COPPICE_NO_DOMAIN UINT32_MAX

/* Domains that labels belong to, such as "banking"; 0 for a model that knows none. */
COPPICE_API uint32_t coppice_domain_count(const coppice_model* model);

/* The domain of a label, below coppice_domain_count, or COPPICE_NO_DOMAIN. */
COPPICE_API uint32_t coppice_label_domain(const coppice_model* model, uint32_t label);

/* The name of a domain, as coppice_label_name writes that of a label. */
COPPICE_API int coppice_domain_name(const coppice_model* model, uint32_t domain, char* name, size_t capacity,
                                    size_t* name_bytes, coppice_error* error);

/* "0.1.0". */
COPPICE_API const char* coppice_version(void);

#ifdef __cplusplus
}
#endif

#endif
