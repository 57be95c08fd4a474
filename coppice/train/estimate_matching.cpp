// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/estimate_matching.h"

#include <algorithm>

#include "coppice/rank/block_search.h"
#include "coppice/train/estimate_clock.h"

namespace coppice {
namespace {

/// A whole level in which each chunk has the weights of a pilot.
LevelWeights stand_in(const PilotLevel& level, uint32_t n_features) {
  const uint32_t n_nodes = level.first_child.back();
  std::vector<std::byte> payload;
  std::vector<ChunkEntry> entries;
  for (const EncodedChunk& pilot : level.pilots) {
    entries.push_back(pilot.entry);
    entries.back().offset = payload.size();
    payload.insert(payload.end(), pilot.payload.begin(), pilot.payload.end());
    payload.resize((payload.size() + 7) / 8 * 8);
  }
  payload.resize(payload.size() + LevelWeights::kPayloadSlack);
  std::vector<ChunkEntry> chunks(level.by_size.size());
  std::vector<float> bias(n_nodes);
  for (size_t rank = 0; rank < chunks.size(); ++rank) {
    const size_t pilot = rank * level.pilots.size() / chunks.size();
    ChunkEntry& entry = chunks[level.by_size[rank]] = entries[pilot];
    // Some have a child more or less than the pilot, so that nodes may overlap: the search does not mind.
    entry.first_node = std::min(level.first_child[level.by_size[rank]], n_nodes - entry.n_children);
    std::copy(level.pilots[pilot].bias.begin(), level.pilots[pilot].bias.end(), bias.begin() + entry.first_node);
  }
  return LevelWeights({n_features, std::move(chunks), std::move(bias), std::move(payload)});
}

/// Up to `beam` nodes for each of the rows: their own, and those of rows further on.
Csr nodes_of(const Csr& members, std::span<const uint32_t> rows, size_t beam) {
  constexpr size_t kStep = 7919;  // a prime, for neighbours in a file may be alike
  const size_t n_members = std::max<size_t>(members.n_rows(), 1);
  CsrBuilder builder(members.n_columns);
  std::vector<uint32_t> nodes;
  for (const uint32_t row : rows) {
    nodes.clear();
    // Rows of popular nodes only bring few: the beam may stay narrower than it will be.
    for (size_t i = 0; i < 4 * beam && nodes.size() < beam; ++i) {
      for (const uint32_t node : members.row((row + i * kStep) % n_members).columns) {
        if (nodes.size() < beam && std::find(nodes.begin(), nodes.end(), node) == nodes.end()) nodes.push_back(node);
      }
    }
    for (const uint32_t node : nodes) builder.add(node, 1);
    builder.end_row();
  }
  return builder.build();
}

/// All at the root.
Csr root_of(size_t n_rows) {
  CsrBuilder builder(1);
  for (size_t row = 0; row < n_rows; ++row) {
    builder.add(0, 1);
    builder.end_row();
  }
  return builder.build();
}

}  // namespace

double level_search_seconds(const PilotLevel& level, const SearchSample& sample) {
  const size_t n_rows = sample.features.n_rows(), beam = sample.options.matcher_beam;
  const size_t n_sample = std::min(block_queries(n_rows, beam, sample.threads), n_rows);
  std::vector<uint32_t> rows(n_sample);
  for (size_t i = 0; i < n_sample; ++i) rows[i] = static_cast<uint32_t>(i * n_rows / n_sample);
  const Csr queries = select_rows(sample.features, rows);
  const Csr nodes = sample.nodes == nullptr ? root_of(n_sample) : nodes_of(*sample.nodes, rows, beam);
  const LevelWeights weights = stand_in(level, sample.features.n_columns);
  SearchPlan plan;
  plan.levels = {&weights, 1};
  plan.n_features = weights.n_features();
  plan.post_processor = sample.options.post_processor;
  plan.keep = {static_cast<uint32_t>(std::min<size_t>(beam, weights.n_nodes()))};
  ThreadPool pool(1);
  const double begin = thread_seconds();
  search_blocks(plan, {queries, 0, &nodes}, pool, [](size_t, std::span<const uint64_t>) {});
  return (thread_seconds() - begin) * static_cast<double>(n_rows) / static_cast<double>(n_sample);
}

}  // namespace coppice
