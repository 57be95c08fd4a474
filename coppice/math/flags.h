// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "coppice/math/bits.h"

namespace coppice {

/// Flags lie side by side, a bit each, from any bit on. Where things of several kinds follow one another, a flag for
/// each says whether it is the first of its kind. What reads flags reads no further than kFlagSlack bytes behind their
/// end, whatever the bits are. Always in line, so that it is compiled for the instruction set of the kernel that asks.
inline constexpr size_t kFlagSlack = 40;

/// Bits of a load that are good.
inline constexpr uint32_t kLoadedBits = 56;

inline uint64_t loaded_bits(const std::byte* bytes, uint64_t at) noexcept {
  return load_bits(bytes, at) & ((uint64_t{1} << kLoadedBits) - 1);
}

inline uint64_t load_word(const std::byte* bytes) noexcept {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

inline bool has_flag(const std::byte* bytes, uint64_t at) noexcept {
  return ((bytes[at / 8] >> (at % 8)) & std::byte{1}) != std::byte{0};
}

/// The bit of the flag that is set and has `rank` set ones before it, counted from bit `at` on. Where there is none
/// before `end`, any bit from there on. Mostly it is in the first `kWords` words: all are looked at, and one taken,
/// without a branch, which would be guessed wrongly.
template <size_t kWords, class Select = SoftwareSelect>
[[gnu::always_inline]] inline uint64_t nth_flag(const std::byte* bytes, uint64_t at, uint64_t end,
                                                uint64_t rank) noexcept {
  const std::byte* place = bytes + at / 8;
  uint64_t begin = at / 8 * 8;
  uint64_t word = load_word(place) & (~uint64_t{0} << at % 8);
  auto count = static_cast<uint64_t>(std::popcount(word));
  for (size_t i = 1; i < kWords; ++i) {
    const uint64_t next = load_word(place + 8 * i);
    const uint64_t is_further = uint64_t{0} - static_cast<uint64_t>(rank >= count);
    begin += 64 & is_further;
    rank -= count & is_further;
    word ^= (word ^ next) & is_further;
    count = static_cast<uint64_t>(std::popcount(word));
  }
  while (rank >= count && begin < end) {
    rank -= count;
    begin += 64;
    word = load_word(bytes + begin / 8);
    count = static_cast<uint64_t>(std::popcount(word));
  }
  return rank >= count ? std::max(begin, end) : begin + Select::select(word, static_cast<uint32_t>(rank));
}

/// From bit `at` on, which is a flag, to the next one behind it that is set, or to `end`.
[[gnu::always_inline]] inline uint64_t to_next_flag(const std::byte* bytes, uint64_t at, uint64_t end) noexcept {
  uint64_t next = at + 1;
  for (uint64_t zeros = kLoadedBits; zeros == kLoadedBits && next < end; next += zeros) {
    zeros = static_cast<uint64_t>(std::countr_zero(load_bits(bytes, next) | uint64_t{1} << kLoadedBits));
  }
  return std::min(next, std::max(at, end)) - at;
}

/// How many of the `n` flags from bit `at` on are set.
inline uint64_t count_flags(const std::byte* bytes, uint64_t at, uint64_t n) noexcept {
  uint64_t count = 0;
  for (; n > kLoadedBits; n -= kLoadedBits, at += kLoadedBits) {
    count += static_cast<uint64_t>(std::popcount(loaded_bits(bytes, at)));
  }
  return count + static_cast<uint64_t>(std::popcount(read_bits(bytes, at, static_cast<uint32_t>(n))));
}

}  // namespace coppice
