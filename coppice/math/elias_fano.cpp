// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/elias_fano.h"

#include <algorithm>

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
