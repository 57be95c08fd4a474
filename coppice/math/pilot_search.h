// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "coppice/math/key_hash.h"

namespace coppice {

/// One part of a perfect hash in the making.
struct PilotTask {
  std::span<const KeyHash> keys;  ///< ascending by `high`, so that buckets follow each other
  size_t n_parts = 1;             ///< of the whole hash
  uint32_t n_slots = 0;           ///< a few more than keys
  uint64_t seed = 0;
};

/// Chooses the pilots of a part's buckets, one byte each, so that no two keys share a slot; false when it gives up and
/// wants another seed. Deterministic.
///
/// Buckets are placed largest first, with the first pilot that sends all keys to free slots. Where there is none, the
/// pilot is taken whose slots belong to the fewest other keys, and their buckets are placed again.
/// Threads: pure.
bool find_pilots(const PilotTask& task, std::span<uint8_t> pilots);

}  // namespace coppice
