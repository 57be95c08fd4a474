// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "coppice/core/parallel.h"
#include "coppice/math/array.h"
#include "coppice/math/level_hash.h"
#include "coppice/math/pilot_hash.h"

namespace coppice {

/// How keys become numbers.
enum class PerfectHash : uint8_t { pilots, levels };

struct KeyIndexOptions {
  PerfectHash perfect_hash = PerfectHash::pilots;
  uint32_t fingerprint_bits = 8;  ///< 0, 4, 8 or 16
  double gamma = 2;               ///< of LevelHash
  PilotHashOptions pilots;
};

/// A set of keys without the keys: each has a number below their count, and a fingerprint by which keys that are not of
/// the set are told; of these one in 2^fingerprint_bits is taken for one of the set all the same.
///
/// Storage: 2.6 bits a key and the fingerprint. Immutable. Threads: const methods are thread-safe.
class KeyIndex {
 public:
  static constexpr uint32_t kNone = LevelHash::kNone;
  using Hash = std::variant<PilotHash, LevelHash>;

  KeyIndex() = default;
  /// Throws `ErrorCode::data` unless there are as many fingerprints as keys.
  KeyIndex(Hash hash, uint32_t fingerprint_bits, Array<uint8_t> fingerprints);

  /// Throws `ErrorCode::data` when two keys are equal. The same for any number of threads.
  static KeyIndex build(std::span<const KeyHash> keys, ThreadPool& pool, const KeyIndexOptions& options = {});

  uint64_t size() const noexcept;
  uint64_t size_bytes() const noexcept;
  const Hash& hash() const noexcept { return hash_; }
  uint32_t fingerprint_bits() const noexcept { return fingerprint_bits_; }
  const Array<uint8_t>& fingerprints() const noexcept { return fingerprints_; }

  /// The number of a key of the set, the same or kNone for others. Below size() whatever the tables hold.
  uint32_t find(KeyHash key) const noexcept;

  /// As many at once, whose cache misses overlap: `numbers` has room for them all.
  void find(std::span<const KeyHash> keys, uint32_t* numbers) const noexcept;

  /// Throws `ErrorCode::data` naming the first broken invariant. Cost: linear in the tables.
  void verify() const;

 private:
  bool has_fingerprint(KeyHash key, uint32_t slot) const noexcept;

  Hash hash_;
  uint32_t fingerprint_bits_ = 0;
  Array<uint8_t> fingerprints_;
};

}  // namespace coppice
