// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace coppice {

/// Bytes of memory this process holds now (resident set), 0 where the system does not say.
uint64_t resident_memory_bytes();

/// The most this process ever held, or since `reset_peak_memory`.
uint64_t peak_memory_bytes();

/// Starts the peak anew, where the system allows it (Linux: /proc/self/clear_refs); else it stays.
void reset_peak_memory();

/// Gives memory that was freed back to the system, so that the next stage does not count it.
void release_free_memory();

}  // namespace coppice
