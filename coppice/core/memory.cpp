// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/memory.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <fstream>
#include <string>

namespace coppice {
namespace {

/// A line "VmHWM:   1234 kB" of /proc/self/status, in bytes.
uint64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != key) continue;
    uint64_t kilobytes = 0;
    status >> kilobytes;
    return kilobytes * 1024;
  }
  return 0;
}

}  // namespace

uint64_t resident_memory_bytes() {
  return status_bytes("VmRSS:");
}
uint64_t peak_memory_bytes() {
  return status_bytes("VmHWM:");
}

void reset_peak_memory() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

void release_free_memory() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

void return_large_blocks() {
#if defined(__GLIBC__)
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);  // said once, it no longer moves by itself
#endif
}

}  // namespace coppice
