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
/// Reads no further than eight bytes behind its bits, whatever they are; what it gives back is at most `n_ones`.
struct UnaryGroups {
  static constexpr uint32_t kGroupsPerSample = 64;

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

  /// Ones before group 64 i, i at least 1; whatever is stored there.
  uint64_t sample(uint64_t i) const noexcept {
    uint32_t value = 0;
    std::memcpy(&value, samples + (i - 1) * sample_width(), sample_width());
    return value;
  }

  /// The members of a group, `group` below n_groups. Cost: a look at 64 groups' bits at most, where these are sound.
  template <class Select = SoftwareSelect>
  [[gnu::always_inline]] inline Members of(uint64_t group) const noexcept;

 private:
  static constexpr uint32_t kStep = 56;  // bits of a load that are good

  /// The bit where a group begins.
  template <class Select>
  [[gnu::always_inline]] inline uint64_t place_of(uint64_t group) const noexcept;
};

// In the header, and always in line, so that they are compiled for the instruction set of the kernel that asks.
template <class Select>
uint64_t UnaryGroups::place_of(uint64_t group) const noexcept {
  const uint64_t sample = group / kGroupsPerSample;
  const uint64_t ones = sample > 0 ? std::min(this->sample(sample), n_ones) : 0;
  uint64_t at = sample * kGroupsPerSample + ones;  // where group 64 * sample begins
  auto zeros = static_cast<uint32_t>(group % kGroupsPerSample);
  while (zeros > 0 && at < n_bits()) {  // behind as many zeros as there are groups before
    const uint64_t ends = ~load_bits(bits, at) & ((uint64_t{1} << kStep) - 1);
    const auto count = static_cast<uint32_t>(std::popcount(ends));
    if (count >= zeros) return at + Select::select(ends, zeros - 1) + 1;
    zeros -= count;
    at += kStep;
  }
  return at;
}

template <class Select>
UnaryGroups::Members UnaryGroups::of(uint64_t group) const noexcept {
  uint64_t at = place_of<Select>(group);
  const uint64_t begin = std::min(at - std::min(at, group), n_ones);
  uint64_t end = begin;
  while (at < n_bits()) {
    const uint64_t run = std::min<uint64_t>(static_cast<uint64_t>(std::countr_one(load_bits(bits, at))), kStep);
    end += run;
    at += run;
    if (run < kStep) break;
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
    const uint64_t low = number & ((uint64_t{1} << low_bits) - 1);
    const UnaryGroups::Members members = upper.of<Select>(number >> low_bits);
    for (uint64_t i = members.begin; i < members.end; ++i) {
      if (read_bits(lower, i * low_bits, low_bits) == low) return i;
    }
    return kNone;
  }

  /// The bits of the lower parts for which `n` numbers below 2^universe_bits take the least room.
  static uint32_t best_low_bits(uint64_t n, uint32_t universe_bits) noexcept;
};

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
