// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/elias_fano.h"

#include <algorithm>
#include <bit>

namespace coppice {

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

RunEnds RunEnds::of_shape(uint64_t n_runs, uint64_t n_members) noexcept {
  RunEnds ends;
  const uint64_t mean = n_runs == 0 ? 0 : n_members / n_runs;
  if (mean > 1) ends.low_bits = std::min(static_cast<uint32_t>(std::bit_width(mean)) - 1, kMostLowBits);
  ends.n_members = n_members;
  ends.upper.n_groups = n_runs;
  ends.upper.n_ones = n_members >> ends.low_bits;
  return ends;
}

void write_run_ends(std::span<const uint32_t> n_members, std::vector<std::byte>& bytes) {
  uint64_t total = 0;
  for (const uint32_t count : n_members) total += count;
  const uint32_t low_bits = RunEnds::of_shape(n_members.size(), total).low_bits;
  std::vector<uint32_t> steps;
  uint64_t end = 0;
  for (const uint32_t count : n_members) {
    const uint64_t before = end >> low_bits;
    end += count;
    steps.push_back(static_cast<uint32_t>((end >> low_bits) - before));
  }
  write_groups(steps, bytes);
  BitWriter lower(bytes);
  end = 0;
  for (const uint32_t count : n_members) {
    end += count;
    lower.put(end & ((uint64_t{1} << low_bits) - 1), low_bits);
  }
  lower.end();
}

uint64_t GroupReader::next() noexcept {
  const uint64_t before = seen_;
  for (uint64_t run = UnaryGroups::kStep; run == UnaryGroups::kStep && at_ < groups_.n_bits();) {
    const uint64_t left = std::min<uint64_t>(UnaryGroups::kStep, groups_.n_bits() - at_);
    run = std::min(static_cast<uint64_t>(std::countr_one(load_bits(groups_.bits, at_))), left);
    seen_ += run;
    at_ += run;
  }
  ++at_;
  seen_ = std::min(seen_, groups_.n_ones);
  return seen_ - before;
}

}  // namespace coppice
