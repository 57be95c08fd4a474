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

/// From now on, blocks of a megabyte or more go back to the system as soon as they are freed.
///
/// The C library would keep blocks of up to 32 MB for later, once one of that size was freed: quicker for small work,
/// and for training a third more memory than it uses. This is a setting of the whole process, for programs to make.
void return_large_blocks();

}  // namespace coppice
