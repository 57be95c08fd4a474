// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/bits.h"

namespace coppice {

/// Runs of ones, each ended by a zero, as bits: run i has as many ones as group i has members. Where a group begins is
/// found from a sample kept for every 64 groups.
///
/// Reads no further than kSlack bytes behind its bits, whatever they are; what it gives back is at most `n_ones`.
struct UnaryGroups {
  static constexpr uint32_t kGroupsPerSample = 64;
  static constexpr size_t kSlack = 32;

  const std::byte* bits = nullptr;
  const std::byte* samples = nullptr;  ///< ones before group 64, 128, ..; u16, or u32 where there are more ones
  uint64_t n_groups = 0;
  uint64_t n_ones = 0;

  struct Members {
    uint64_t begin;
    uint64_t end;
  };

  uint64_t n_bits() const noexcept { return n_groups + n_ones; }
  uint64_t sample_width() const noexcept { return n_ones > 0xFFFF ? 4 : 2; }
  uint64_t samples_bytes() const noexcept {
    return n_groups == 0 ? 0 : (n_groups - 1) / kGroupsPerSample * sample_width();
  }
  uint64_t size_bytes() const noexcept { return samples_bytes() + bytes_of_bits(n_bits()); }

  /// Ones before group 64 i; whatever is stored there, which for the first groups is nothing.
  uint64_t sample(uint64_t i) const noexcept {
    uint32_t value;
    const uint64_t begin = i - static_cast<uint64_t>(i > 0);
    std::memcpy(&value, samples + begin * sample_width(), sizeof value);  // two bytes too many, maybe, but no branch
    return value & (n_ones > 0xFFFF ? 0xFFFFFFFF : 0xFFFF) & (uint32_t{0} - static_cast<uint32_t>(i > 0));
  }

  /// The members of a group, `group` below n_groups. Cost: a look at 64 groups' bits at most, where these are sound.
  template <class Select = SoftwareSelect>
  [[gnu::always_inline]] inline Members of(uint64_t group) const noexcept;

  static constexpr uint32_t kStep = 56;  ///< bits of a load that are good

 private:
  static constexpr uint32_t kPlainSteps = 2;

  /// The bit where a group begins.
  template <class Select>
  [[gnu::always_inline]] inline uint64_t place_of(uint64_t group) const noexcept;

  /// The ends of groups among the bits from `at` on, as ones.
  uint64_t ends_from(uint64_t at) const noexcept {
    return ~load_bits(bits, at) & ((uint64_t{1} << kStep) - 1);
  }
};

// In the header, and always in line, so that they are compiled for the instruction set of the kernel that asks.
template <class Select>
uint64_t UnaryGroups::place_of(uint64_t group) const noexcept {
  const uint64_t sample = group / kGroupsPerSample;
  uint64_t at = sample * kGroupsPerSample + std::min(this->sample(sample), n_ones);  // where group 64 * sample begins
  uint64_t left = group % kGroupsPerSample;                                          // groups to pass
  uint64_t ends = ends_from(at);
  // Mostly it is behind the first word or the second: steps without a branch, which would be guessed wrongly.
  for (uint32_t step = 0; step < kPlainSteps; ++step) {
    const auto count = static_cast<uint64_t>(std::popcount(ends));
    const uint64_t passed = uint64_t{0} - static_cast<uint64_t>(left > count);
    left -= count & passed;
    at += kStep & passed;
    ends = ends_from(at);
  }
  for (uint64_t count; (count = static_cast<uint64_t>(std::popcount(ends))) < left && at < n_bits();) {
    left -= count;
    at += kStep;
    ends = ends_from(at);
  }
  return at + Select::select(ends << 1 | 1, static_cast<uint32_t>(left));  // as if an end were before the first bit
}

template <class Select>
UnaryGroups::Members UnaryGroups::of(uint64_t group) const noexcept {
  uint64_t at = place_of<Select>(group);
  const uint64_t begin = std::min(at - std::min(at, group), n_ones);
  uint64_t end = begin;
  uint64_t run = kStep;
  for (; run == kStep && at < n_bits(); at += run, end += run) {
    run = static_cast<uint64_t>(std::countr_one(load_bits(bits, at) & ((uint64_t{1} << kStep) - 1)));
  }
  return {begin, std::min(end, n_ones)};
}

/// Ascending numbers without repeats: upper parts in unary, lower ones side by side.
/// Storage: 2 + log2(universe / n) bits each. Source: Elias, 1974; Fano, 1971.
struct EliasFano {
  UnaryGroups upper;  ///< one group for each upper part
  const std::byte* lower = nullptr;
  uint32_t low_bits = 0;

  static constexpr uint64_t kNone = ~uint64_t{0};

  /// The position of a number below the universe, or kNone.
  template <class Select = SoftwareSelect>
  [[gnu::always_inline]] uint64_t find(uint64_t number) const noexcept {
    const uint64_t mask = (uint64_t{1} << low_bits) - 1;
    const UnaryGroups::Members members = upper.of<Select>(number >> low_bits);
    const uint64_t n = members.end - members.begin;
    uint64_t found = kNone;
    if (n > 2 || low_bits > UnaryGroups::kStep / 2) [[unlikely]] {
      for (uint64_t i = members.begin; i < members.end && found == kNone; ++i) {
        if (read_bits(lower, i * low_bits, low_bits) == (number & mask)) found = i;
      }
      return found;
    }
    // Both at once, if there are two, without a branch: which one it is can not be foreseen.
    const uint64_t lows = load_bits(lower, members.begin * low_bits);
    const uint64_t first = ((lows ^ number) & mask) | static_cast<uint64_t>(n == 0);  // 0: it is the number
    const uint64_t second = ((lows >> low_bits ^ number) & mask) | static_cast<uint64_t>(n < 2);
    found = second == 0 ? members.begin + 1 : found;
    return first == 0 ? members.begin : found;
  }

  /// The bits of the lower parts for which `n` numbers below 2^universe_bits take the least room.
  static uint32_t best_low_bits(uint64_t n, uint32_t universe_bits) noexcept;
};

/// Runs of members that lie side by side, by their ends: upper parts in unary, as differences, lower ones side by side.
/// Storage: 2 + log2(members / runs) bits a run at most, where one member a run or more is the mean.
struct RunEnds {
  UnaryGroups upper;  ///< a group for each run: by how much the upper part of its end is above that of the run before
  const std::byte* lower = nullptr;
  uint32_t low_bits = 0;
  uint64_t n_members = 0;

  static constexpr uint32_t kMostLowBits = 24;

  /// Sizes alone.
  static RunEnds of_shape(uint64_t n_runs, uint64_t n_members) noexcept;

  uint64_t n_runs() const noexcept { return upper.n_groups; }
  uint64_t lower_bytes() const noexcept { return bytes_of_bits(n_runs() * low_bits); }

  /// The members of a run, `run` below n_runs(); inside [0, n_members] whatever the bytes are.
  template <class Select = SoftwareSelect>
  [[gnu::always_inline]] UnaryGroups::Members of(uint64_t run) const noexcept {
    const UnaryGroups::Members uppers = upper.of<Select>(run);
    const uint64_t mask = (uint64_t{1} << low_bits) - 1;
    const uint64_t inner = uint64_t{0} - static_cast<uint64_t>(run > 0);  // all ones but for the first run
    const uint64_t lows = load_bits(lower, (run - (inner & 1)) * low_bits);
    const uint64_t begin = (uppers.begin << low_bits | (lows & mask)) & inner;
    const uint64_t end = std::min(uppers.end << low_bits | (lows >> (inner & low_bits) & mask), n_members);
    return {std::min(begin, end), end};
  }

  /// Where a run ends that has this upper part; not clamped.
  uint64_t end_of(uint64_t run, uint64_t upper_part) const noexcept {
    return upper_part << low_bits | read_bits(lower, run * low_bits, low_bits);
  }
};

/// Appends samples and upper parts, then lower parts, of runs with these numbers of members.
void write_run_ends(std::span<const uint32_t> n_members, std::vector<std::byte>& bytes);

/// Appends the samples and bits of groups with these numbers of members.
void write_groups(std::span<const uint32_t> n_members, std::vector<std::byte>& bytes);

/// The groups, read in order: for whoever wants them all.
class GroupReader {
 public:
  explicit GroupReader(const UnaryGroups& groups) : groups_(groups) {}
  /// How many members the next group has, cut to what is left.
  uint64_t next() noexcept;
  /// Whether the groups that were read are all there is.
  bool ended() const noexcept { return at_ == groups_.n_bits() && seen_ == groups_.n_ones; }

 private:
  const UnaryGroups& groups_;
  uint64_t at_ = 0;
  uint64_t seen_ = 0;
};

}  // namespace coppice
