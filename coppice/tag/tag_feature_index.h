// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/array.h"
#include "coppice/math/key_index.h"

namespace coppice {

/// The features of a tagger: each has a number below their count, and is known by its hash. With the hashes themselves
/// at hand, a feature that is none of them is always told; without them (in a compressed tagger) by fingerprints.
///
/// Immutable. Threads: const methods are thread-safe.
class TagFeatureIndex {
 public:
  TagFeatureIndex() = default;
  /// `hashes`: low and high half of each feature's by its number, or none. Throws `ErrorCode::data` when there are not
  /// two for each.
  TagFeatureIndex(KeyIndex index, Array<uint64_t> hashes);

  /// Keeps the hashes. Throws `ErrorCode::data` when two are equal. The same for any number of threads.
  static TagFeatureIndex build(std::span<const KeyHash> hashes, ThreadPool& pool);

  uint32_t size() const noexcept { return static_cast<uint32_t>(index_.size()); }
  uint64_t size_bytes() const noexcept { return index_.size_bytes() + hashes_.size_bytes(); }
  const KeyIndex& index() const noexcept { return index_; }
  const Array<uint64_t>& hashes() const noexcept { return hashes_; }
  bool has_hashes() const noexcept { return !hashes_.empty(); }
  KeyHash hash(uint32_t feature) const noexcept {
    return {hashes_[2 * size_t{feature}], hashes_[2 * size_t{feature} + 1]};
  }

  /// The number of each of `keys`, or KeyIndex::kNone: `numbers` has room for all. Below size() whatever the tables
  /// hold.
  void find(std::span<const KeyHash> keys, uint32_t* numbers) const noexcept;

  /// Throws `ErrorCode::data` naming the first broken invariant. Cost: linear.
  void verify() const;

 private:
  KeyIndex index_;
  Array<uint64_t> hashes_;
};

}  // namespace coppice
