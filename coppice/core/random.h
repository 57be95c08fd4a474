// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace coppice {

/// A small, fast random stream (SplitMix64), the same on every machine.
///
/// Streams are derived from (seed, stream) so that work split in fixed chunks draws the same numbers whatever thread
/// runs a chunk. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) noexcept : state_(mix(seed) ^ mix(stream * 2 + 1)) {}

  uint64_t next() noexcept { return mix(state_ += 0x9E3779B97F4A7C15u); }

  /// Uniform in [0, bound), without modulo bias worth speaking of (bound < 2^32). `bound` > 0.
  uint32_t below(uint32_t bound) noexcept { return static_cast<uint32_t>(((next() >> 32) * bound) >> 32); }

  /// Uniform in [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) noexcept {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(static_cast<uint32_t>(i))]);
  }

 private:
  static uint64_t mix(uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace coppice
