// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "coppice/math/array.h"
#include "coppice/math/key_hash.h"

namespace coppice {

/// A minimal perfect hash by levels: an array of bits per level, a hash function per level. A key that no other key
/// meets in a level's array owns its bit there; those that meet go on to the next, smaller level. The number of a key
/// is the number of bits set before its own.
///
/// Kept as the reference for `PilotHash`, and as a choice: it takes more bits (2.9 a key with gamma 1, 3.5 with 2) and
/// more cache lines a look-up, is built faster, and rejects some of the keys it was not made of by itself. Immutable.
/// Threads: const methods are thread-safe. Source: Limasset et al., "Fast and scalable minimal perfect hashing for
/// massive key sets", SEA 2017 (BBHash); the same scheme in Strimel et al., "Statistical model compression for
/// small-footprint natural language understanding", Interspeech 2018. The hash functions mix one hash of 128 bits with
/// MurmurHash3's finaliser.
class LevelHash {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr size_t kMostLevels = 64;

  /// As they lie in a file.
  struct Tables {
    uint64_t n_keys = 0;
    Array<uint64_t> level_words;  ///< words of 64 bits by level
    Array<uint64_t> bits;         ///< the levels' arrays, one after the other
    Array<uint32_t> ranks;        ///< bits set before words 0, 8, 16, ..

    template <class Visit>
    void visit(Visit&& visit) {
      visit("n_keys", n_keys), visit("level_words", level_words), visit("bits", bits), visit("ranks", ranks);
    }
  };

  LevelHash() = default;
  /// Throws `ErrorCode::data` when the sizes of the tables do not fit each other.
  explicit LevelHash(Tables tables);

  /// On one thread. `gamma`: bits in a level by keys that come to it, at least 1; more are faster. Throws
  /// `ErrorCode::data` when two keys are equal.
  static LevelHash build(std::span<const KeyHash> keys, double gamma = 2);

  uint64_t size() const noexcept { return tables_.n_keys; }
  const Tables& tables() const noexcept { return tables_; }
  uint64_t size_bytes() const noexcept;

  /// The number of a key; for others any number below n, or kNone.
  uint32_t slot(KeyHash key) const noexcept;

  /// Throws `ErrorCode::data` naming the first broken invariant. Cost: linear in the tables.
  void verify() const;

 private:
  Tables tables_;
};

}  // namespace coppice
