// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "coppice/math/bits.h"

namespace coppice {

/// Numbers in unary lie one behind the other, each as many ones and a zero. What reads them reads no further than
/// kUnarySlack bytes behind their end, whatever the bits are.
inline constexpr size_t kUnarySlack = 40;

/// Bits of a load that are good.
inline constexpr uint32_t kLoadedBits = 56;

inline uint64_t loaded_bits(const std::byte* bytes, uint64_t at) noexcept {
  return load_bits(bytes, at) & ((uint64_t{1} << kLoadedBits) - 1);
}

/// The bit behind the first `n` zeros from bit `at` on. Where there are fewer before `end`, any bit up to 232 behind
/// it. Always in line, so that it is compiled for the instruction set of the kernel that asks.
template <class Select = SoftwareSelect>
[[gnu::always_inline]] inline uint64_t behind_zeros(const std::byte* bytes, uint64_t at, uint64_t end,
                                                    uint64_t n) noexcept {
  constexpr uint64_t kMask = (uint64_t{1} << kLoadedBits) - 1;
  // Mostly it is in one of three words: all are looked at, and one taken, without a branch, which would be guessed
  // wrongly.
  const uint64_t words[] = {~load_bits(bytes, at) & kMask, ~load_bits(bytes, at + kLoadedBits) & kMask,
                            ~load_bits(bytes, at + 2 * kLoadedBits) & kMask};
  const auto first = static_cast<uint64_t>(std::popcount(words[0]));
  const uint64_t both = first + static_cast<uint64_t>(std::popcount(words[1]));
  const uint64_t in_second = uint64_t{0} - static_cast<uint64_t>(n > first);
  const uint64_t in_third = uint64_t{0} - static_cast<uint64_t>(n > both);
  uint64_t zeros = words[0] ^ ((words[0] ^ words[1]) & in_second) ^ ((words[1] ^ words[2]) & in_third);
  n -= (first & in_second) + ((both - first) & in_third);
  at += (kLoadedBits & in_second) + (kLoadedBits & in_third);
  for (uint64_t count; (count = static_cast<uint64_t>(std::popcount(zeros))) < n && at < end;) {
    n -= count;
    at += kLoadedBits;
    zeros = ~load_bits(bytes, at) & kMask;
  }
  // As if a zero were before the first bit. 57 bits at most: of ranks beyond them, one stands for all.
  return at + Select::select(zeros << 1 | 1, static_cast<uint32_t>(std::min<uint64_t>(n, 63)));
}

/// How many ones follow one another from bit `at` on, none of them at `end` or behind it.
inline uint64_t run_of_ones(const std::byte* bytes, uint64_t at, uint64_t end) noexcept {
  const uint64_t begin = at;
  uint64_t run = kLoadedBits;
  for (; run == kLoadedBits && at < end; at += run)
    run = static_cast<uint64_t>(std::countr_one(loaded_bits(bytes, at)));
  return std::min(at, std::max(begin, end)) - begin;
}

/// The set ones among the `n` bits from `at` on.
inline uint64_t count_ones(const std::byte* bytes, uint64_t at, uint64_t n) noexcept {
  uint64_t count = 0;
  for (; n > kLoadedBits; n -= kLoadedBits, at += kLoadedBits) {
    count += static_cast<uint64_t>(std::popcount(loaded_bits(bytes, at)));
  }
  return count + static_cast<uint64_t>(std::popcount(read_bits(bytes, at, static_cast<uint32_t>(n))));
}

}  // namespace coppice
