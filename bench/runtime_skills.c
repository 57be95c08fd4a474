/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_skills LIST keep QUERIES | runtime_skills LIST close: opens the models of LIST in turn, each answers one
 * text, and prints what that took, in microseconds, as JSON. A line of LIST is a path and texts, separated by tabs.
 * keep: all stay open, and QUERIES texts are then put to them, one of a model's own to a model drawn by chance.
 * close: each is closed before the next is opened. With COLD=1 in the environment the files are first sent out of the
 * page cache, all of them. */
#include <dirent.h>
#include <stdint.h>
#include <string.h>

#include "coppice_runtime.h"
#include "runtime_measure.h"

enum { kMostSkills = 1 << 20, kMostTexts = 16 };

typedef struct skill {
  const char* path;
  const char* texts[kMostTexts];
  size_t n_texts;
  coppice_model* model;
} skill;

static skill* skills;
static size_t n_skills;
static coppice_state* state;

static void expect_ok(int code, const char* what, const coppice_error* error) {
  if (code == COPPICE_OK) return;
  fprintf(stderr, "%s: %s\n", what, error->message);
  exit(code);
}

static int read_list(const char* path) {
  FILE* const file = fopen(path, "r");
  char* line = NULL;
  size_t room = 0;
  skills = calloc(kMostSkills, sizeof *skills);
  if (file == NULL || skills == NULL) return COPPICE_IO;
  while (n_skills < kMostSkills && getline(&line, &room, file) > 0) {
    skill* const s = &skills[n_skills++];
    char* text = line;
    line[strcspn(line, "\n")] = '\0';
    s->path = strsep(&text, "\t");
    while (text != NULL && s->n_texts < kMostTexts) s->texts[s->n_texts++] = strsep(&text, "\t");
    if (s->n_texts == 0) return COPPICE_USAGE;
    line = NULL; /* the skill's from now on */
    room = 0;
  }
  fclose(file);
  return n_skills > 0 ? COPPICE_OK : COPPICE_USAGE;
}

/* Prints how large the files are, and how much of them is in the page cache, after sending them out of it if told so.
 */
static void print_files(int cold) {
  const long page = sysconf(_SC_PAGESIZE);
  long bytes = 0, pages = 0, cached = 0;
  size_t i;
  for (i = 0; i < n_skills; ++i) {
    struct stat status;
    const int file = open(skills[i].path, O_RDONLY);
    if (file < 0 || fstat(file, &status) != 0) exit(COPPICE_IO);
    if (cold) send_out_of_cache(file);
    bytes += status.st_size;
    pages += (status.st_size + page - 1) / page;
    cached += cached_pages(file, (size_t)status.st_size, page);
    close(file);
  }
  printf("{\"skills\": %zu, \"file_bytes\": %ld, \"file_pages\": %ld, \"cached_pages_before\": %ld", n_skills, bytes,
         pages, cached);
}

static long status_bytes(const char* key) {
  FILE* const file = fopen("/proc/self/status", "r");
  char line[256];
  long kilobytes = 0;
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) kilobytes = atol(line + strlen(key));
  }
  fclose(file);
  return kilobytes * 1024;
}

static size_t count_mappings(void) {
  FILE* const file = fopen("/proc/self/maps", "r");
  size_t lines = 0;
  int c;
  if (file == NULL) return 0;
  while ((c = getc(file)) != EOF) lines += c == '\n';
  fclose(file);
  return lines;
}

static size_t count_open_files(void) {
  DIR* const folder = opendir("/proc/self/fd");
  size_t count = 0;
  if (folder == NULL) return 0;
  while (readdir(folder) != NULL) ++count;
  closedir(folder);
  return count - 3; /* ".", ".." and the folder itself */
}

static void print_memory(const char* name) {
  const size_t mappings = count_mappings(), files = count_open_files();
  printf(
      ", \"%s\": {\"anonymous\": %ld, \"of_files\": %ld, \"page_tables\": %ld, \"mappings\": %zu, \"open_files\": %zu}",
      name, status_bytes("RssAnon:"), status_bytes("RssFile:"), status_bytes("VmPTE:"), mappings, files);
}

static void answer(const skill* s, const char* text) {
  coppice_error error;
  coppice_answer answers[5];
  size_t count;
  expect_ok(coppice_predict(s->model, state, text, strlen(text), NULL, answers, 5, &count, &error), s->path, &error);
  if (count > 0) return;
  fprintf(stderr, "%s: no answer\n", s->path);
  exit(COPPICE_INTERNAL);
}

static void open_all(int keep) {
  double* const opening = malloc(n_skills * sizeof *opening);
  double* const answered = malloc(n_skills * sizeof *answered);
  const double begin = now_us();
  coppice_error error;
  size_t i;
  for (i = 0; i < n_skills; ++i) {
    skill* const s = &skills[i];
    const double start = now_us();
    expect_ok(coppice_open(s->path, &s->model, &error), s->path, &error);
    opening[i] = now_us() - start;
    answer(s, s->texts[0]);
    if (!keep) coppice_close(s->model);
    answered[i] = now_us() - start; /* with closing, where each is closed */
  }
  printf(", \"seconds\": %.4f, ", (now_us() - begin) * 1e-6);
  print_quantiles("open_us", opening, n_skills);
  printf(", ");
  print_quantiles("open_and_answer_us", answered, n_skills);
  free(opening);
  free(answered);
}

/* Marsaglia's xorshift. */
static uint64_t draw(void) {
  static uint64_t x = 88172645463325252u;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return x;
}

static void ask(size_t n) {
  double* const us = malloc(n * sizeof *us);
  size_t i;
  for (i = 0; i < n; ++i) {
    const skill* const s = &skills[draw() % n_skills];
    const char* const text = s->texts[draw() % s->n_texts];
    const double start = now_us();
    answer(s, text);
    us[i] = now_us() - start;
  }
  printf(", \"queries\": %zu, ", n);
  print_quantiles("query_us", us, n);
  free(us);
}

int main(int argc, char** argv) {
  coppice_error error;
  const int keep = argc == 4 && strcmp(argv[2], "keep") == 0;
  size_t i;
  int code;
  if (!keep && (argc != 3 || strcmp(argv[2], "close") != 0)) return COPPICE_USAGE;
  if ((code = read_list(argv[1])) != COPPICE_OK) return code;
  expect_ok(coppice_create_state(&state, &error), "a state", &error);
  print_files(getenv("COLD") != NULL);
  print_memory("before");
  open_all(keep);
  print_memory("opened");
  if (keep) {
    ask((size_t)atol(argv[3]));
    print_memory("asked");
    for (i = 0; i < n_skills; ++i) coppice_close(skills[i].model);
  }
  printf("}\n");
  coppice_free_state(state);
  return 0;
}
