// SPDX-License-Identifier: Apache-2.0
// Which worker trains which chunks.
#include <algorithm>
#include <numeric>

#include "coppice/dist/tree_over_ranks.h"

namespace coppice {
namespace {

uint64_t sum(const std::vector<uint64_t>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

/// How much of the chunks that are shared out each rank is to take: the first one has the levels of one chunk already.
std::vector<double> capacities(std::span<const std::vector<uint64_t>> costs, uint32_t n_ranks) {
  double all = 0, alone = 0;
  for (const auto& task : costs) {
    all += static_cast<double>(sum(task));
    if (task.size() == 1) alone += static_cast<double>(sum(task));
  }
  std::vector<double> room(n_ranks);
  room[0] = std::max(0.0, all / n_ranks - alone);
  for (uint32_t rank = 1; rank < n_ranks; ++rank) room[rank] = (all - alone - room[0]) / (n_ranks - 1);
  return room;
}

/// One run of chunks after the other to the ranks, each filled up to `share` of its capacity; whatever is left over
/// goes to the last one. Nothing where that is more than its share.
std::vector<ChunkSpan> fill(const std::vector<uint64_t>& costs, const std::vector<double>& room, double share) {
  std::vector<ChunkSpan> spans(room.size());
  size_t rank = 0;
  double load = 0;
  for (size_t chunk = 0; chunk < costs.size(); ++chunk) {
    const auto cost = static_cast<double>(costs[chunk]);
    while (load + cost > share * room[rank]) {
      if (++rank == room.size()) return {};
      spans[rank] = {chunk, chunk};
      load = 0;
    }
    load += cost;
    spans[rank].end = chunk + 1;
  }
  for (++rank; rank < room.size(); ++rank) spans[rank] = {costs.size(), costs.size()};
  return spans;
}

/// The runs whose largest load is the least, to within a thousandth.
std::vector<ChunkSpan> share_level(const std::vector<uint64_t>& costs, const std::vector<double>& room) {
  const auto all = static_cast<double>(sum(costs));
  double least = all / std::accumulate(room.begin(), room.end(), 0.0), most = least;
  std::vector<ChunkSpan> best = fill(costs, room, most);
  while (best.empty()) best = fill(costs, room, most *= 2);
  while (most - least > 1e-3 * most) {
    const double middle = (least + most) / 2;
    std::vector<ChunkSpan> found = fill(costs, room, middle);
    (found.empty() ? least : most) = middle;
    if (!found.empty()) best = std::move(found);
  }
  return best;
}

}  // namespace

std::vector<uint64_t> chunk_costs(const LevelTask& task) {
  constexpr uint32_t kLanes = 8;  // that are solved together at least
  const auto nonzeros = [&](std::span<const uint32_t> rows) {
    uint64_t count = 1;
    for (const uint32_t row : rows) count += 1 + task.rows.features->row(row).size();  // the bias is one
    return count;
  };
  const uint64_t of_all = task.row_sets.shared ? nonzeros(task.row_sets.rows) : 0;
  std::vector<uint64_t> costs;
  for (size_t chunk = 0; chunk < task.n_chunks(); ++chunk) {
    const uint64_t lanes = (task.n_children(chunk) + kLanes - 1) / kLanes * kLanes;
    costs.push_back(lanes * (task.row_sets.shared ? of_all : nonzeros(task.row_sets.of(chunk))));
  }
  return costs;
}

std::vector<std::vector<ChunkSpan>> share_chunks(std::span<const std::vector<uint64_t>> costs, uint32_t n_ranks) {
  std::vector<std::vector<ChunkSpan>> shares(n_ranks, std::vector<ChunkSpan>(costs.size()));
  const std::vector<double> room = n_ranks > 1 ? capacities(costs, n_ranks) : std::vector<double>();
  for (size_t task = 0; task < costs.size(); ++task) {
    if (n_ranks == 1 || costs[task].size() < 2) {
      for (auto& share : shares) share[task] = {costs[task].size(), costs[task].size()};
      shares[0][task].begin = 0;
      continue;
    }
    const std::vector<ChunkSpan> spans = share_level(costs[task], room);
    for (uint32_t rank = 0; rank < n_ranks; ++rank) shares[rank][task] = spans[rank];
  }
  return shares;
}

}  // namespace coppice
