// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/elias_fano.h"

#include <algorithm>

namespace coppice {

UnaryGroups::Members UnaryGroups::of(uint64_t group) const noexcept {
  constexpr uint32_t kStep = 56;  // bits of a load that are good
  const uint64_t sample = group / kGroupsPerSample;
  const uint64_t ones = sample > 0 ? std::min(this->sample(sample), n_ones) : 0;
  uint64_t at = sample * kGroupsPerSample + ones;  // the bit where group 64 * sample begins
  auto zeros = static_cast<uint32_t>(group % kGroupsPerSample);
  while (zeros > 0 && at < n_bits()) {  // behind as many zeros as there are groups before
    const uint64_t ends = ~load_bits(bits, at) & ((uint64_t{1} << kStep) - 1);
    const auto count = static_cast<uint32_t>(std::popcount(ends));
    if (count < zeros) {
      zeros -= count;
      at += kStep;
      continue;
    }
    at += select_bit(ends, zeros - 1) + 1;
    zeros = 0;
  }
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

uint32_t EliasFano::best_low_bits(uint64_t n, uint32_t universe_bits) noexcept {
  uint32_t low = 0;
  while (low < universe_bits && (uint64_t{1} << (universe_bits - low - 1)) >= n) ++low;
  return low;
}

void write_groups(std::span<const uint32_t> n_members, std::vector<std::byte>& bytes) {
  uint64_t n_ones = 0;
  for (const uint32_t count : n_members) n_ones += count;
  UnaryGroups groups;
  groups.n_ones = n_ones;
  BitWriter samples(bytes);
  uint64_t before = 0;
  for (size_t i = 0; i < n_members.size(); ++i) {
    if (i > 0 && i % UnaryGroups::kGroupsPerSample == 0)
      samples.put(before, static_cast<uint32_t>(8 * groups.sample_width()));
    before += n_members[i];
  }
  BitWriter bits(bytes);
  for (const uint32_t count : n_members) {
    for (uint32_t i = 0; i < count; ++i) bits.put(1, 1);
    bits.put(0, 1);
  }
  bits.end();
}

uint64_t GroupReader::next() noexcept {
  uint64_t count = 0;
  while (at_ < groups_.n_bits() && read_bits(groups_.bits, at_, 1) != 0) {
    ++count;
    ++at_;
  }
  ++at_;
  count = std::min(count, groups_.n_ones - seen_);
  seen_ += count;
  return count;
}

}  // namespace coppice
