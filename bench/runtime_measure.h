/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of the runtime's benches share: the time, files sent out of the page cache, quantiles. */
#ifndef COPPICE_BENCH_RUNTIME_MEASURE_H
#define COPPICE_BENCH_RUNTIME_MEASURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static inline double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static inline void send_out_of_cache(int file) {
  fdatasync(file); /* pages that wait to be written would stay */
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

/* How many pages of the file lie in the page cache; -1 when the system does not say. */
static inline long cached_pages(int file, size_t bytes, long page) {
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

static inline int compare_numbers(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

/* "name": {"p50": .., "p99": .., "most": ..}. Sorts the values. */
static inline void print_quantiles(const char* name, double* values, size_t n) {
  qsort(values, n, sizeof *values, compare_numbers);
  printf("\"%s\": {\"p50\": %.2f, \"p99\": %.2f, \"most\": %.2f}", name, values[n / 2], values[n * 99 / 100],
         values[n - 1]);
}

#endif
