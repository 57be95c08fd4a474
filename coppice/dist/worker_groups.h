// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// Who is in which group. A worker has a number in the job that it keeps, and group k are those from g k to g k + g
/// - 1. The ranks are those of the workers that are there: when some are gone, groups are of unequal size, and a group
/// that has lost all is none any more.
class WorkerGroups {
 public:
  /// Shapes: workers[rank]: their numbers in the job, ascending. `rank`: this worker's.
  WorkerGroups(std::span<const uint32_t> workers, uint32_t group_size, uint32_t rank);

  uint32_t n_groups() const noexcept { return static_cast<uint32_t>(groups_.size()); }
  /// Members that each group has at least: so many shards are there of a model.
  uint32_t smallest() const noexcept { return smallest_; }

  /// Ranks in this worker's group, ascending.
  const std::vector<uint32_t>& members() const noexcept { return groups_[own_group_]; }
  /// Of all groups, in their order.
  const std::vector<std::vector<uint32_t>>& groups() const noexcept { return groups_; }
  uint32_t own_group() const noexcept { return own_group_; }
  /// Ranks of those who are at this worker's place in each group. One whose place some group lacks is alone.
  std::vector<uint32_t> peers() const;

 private:
  std::vector<std::vector<uint32_t>> groups_;
  uint32_t rank_, own_group_ = 0, own_place_ = 0, smallest_ = 0;
};

}  // namespace coppice
