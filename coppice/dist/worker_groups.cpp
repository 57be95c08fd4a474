// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/worker_groups.h"

#include <algorithm>
#include <functional>

#include "coppice/core/error.h"

namespace coppice {

WorkerGroups::WorkerGroups(std::span<const uint32_t> workers, uint32_t group_size, uint32_t rank) : rank_(rank) {
  check(group_size > 0 && rank < workers.size(), "a worker is one of them, and groups have members");
  check(std::is_sorted(workers.begin(), workers.end(), std::less_equal<>()), "workers ascend");
  for (uint32_t i = 0; i < workers.size(); ++i) {
    if (i == 0 || workers[i] / group_size != workers[i - 1] / group_size) groups_.emplace_back();
    if (i == rank) {
      own_group_ = n_groups() - 1;
      own_place_ = static_cast<uint32_t>(groups_.back().size());
    }
    groups_.back().push_back(i);
  }
  const auto fewer = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  smallest_ = static_cast<uint32_t>(std::min_element(groups_.begin(), groups_.end(), fewer)->size());
}

std::vector<uint32_t> WorkerGroups::peers() const {
  if (own_place_ >= smallest_) return {rank_};
  std::vector<uint32_t> ranks;
  for (const auto& group : groups_) ranks.push_back(group[own_place_]);
  return ranks;
}

}  // namespace coppice
