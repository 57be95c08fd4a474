// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/chunk_problem.h"

#include <algorithm>

namespace coppice {
namespace {

// Features numbered below this are expected to stay in the cache by themselves; later ones are worth a prefetch.
constexpr uint32_t kHotFeatures = 2048;

// A slot that stands for "occurs in one row only" once counting is over.
constexpr uint32_t kOwn = 0xFFFFFFFFU;

}  // namespace

uint64_t ChunkProblem::size_bytes() const noexcept {
  const auto bytes = [](const auto&... vectors) { return (... + (vectors.size() * sizeof(vectors[0]))); };
  return bytes(features, places, entries, own_begin, own_values, own_norm, norm, weight, positive_begin, positives);
}

void ChunkGatherer::count_features(const Csr& features) {
  slots_.resize(std::max<size_t>(slots_.size(), features.n_columns), 0);
  touched_.clear();
  for (const uint32_t row : rows_) {
    for (const uint32_t column : features.row(row).columns) {
      if (slots_[column]++ == 0) touched_.push_back(column);
    }
  }
}

void ChunkGatherer::number_features(ChunkProblem& problem) {
  // Counting sort by frequency, highest first; ties by first occurrence.
  constexpr uint32_t kMostBuckets = 4096;
  std::vector<uint32_t> start(kMostBuckets + 1, 0);
  const auto bucket = [&](uint32_t feature) { return kMostBuckets - std::min(slots_[feature], kMostBuckets); };
  uint32_t n_own = 0;
  for (const uint32_t feature : touched_) {
    if (slots_[feature] == 1)
      ++n_own;
    else
      ++start[bucket(feature) + 1];
  }
  for (size_t b = 1; b <= kMostBuckets; ++b) start[b] += start[b - 1];
  problem.n_shared = 1 + static_cast<uint32_t>(touched_.size()) - n_own;
  problem.features.resize(problem.n_shared);
  problem.features.reserve(1 + touched_.size());
  problem.features[0] = 0;
  for (const uint32_t feature : touched_) {
    if (slots_[feature] == 1) {
      slots_[feature] = kOwn;
      continue;
    }
    const uint32_t local = 1 + start[bucket(feature)]++;
    problem.features[local] = feature;
    slots_[feature] = local;
  }
}

void ChunkGatherer::add_row(const Csr& features, uint32_t row, ChunkProblem& problem) {
  const SparseRow values = features.row(row);
  const size_t begin = problem.entries.size();
  problem.entries.resize(begin + 1 + values.size());
  RowEntry* hot = problem.entries.data() + begin;
  RowEntry* cold = problem.entries.data() + problem.entries.size();
  *hot++ = {0, problem.bias};
  float own_norm = 0.0F;
  float norm = problem.bias * problem.bias;
  for (size_t j = 0; j < values.size(); ++j) {
    const float value = values.values[j];
    const uint32_t local = slots_[values.columns[j]];
    norm += value * value;
    if (local == kOwn) {
      own_norm += value * value;
      problem.features.push_back(values.columns[j]);
      problem.own_values.push_back(value);
    } else if (local < kHotFeatures) {
      *hot++ = {local, value};
    } else {
      *--cold = {local, value};
    }
  }
  const auto n_hot = static_cast<size_t>(hot - (problem.entries.data() + begin));
  const RowEntry* end = problem.entries.data() + problem.entries.size();
  const auto size = static_cast<uint32_t>(n_hot + static_cast<size_t>(end - cold));
  std::move(cold, problem.entries.data() + problem.entries.size(), hot);
  const size_t padded = (size + ChunkProblem::kRowStep - 1) / ChunkProblem::kRowStep * ChunkProblem::kRowStep;
  problem.entries.resize(begin + size);
  problem.entries.resize(begin + padded, RowEntry{0, 0.0F});
  problem.places.push_back({begin, size, static_cast<uint32_t>(n_hot)});
  problem.own_begin.push_back(problem.own_values.size());
  problem.own_norm.push_back(own_norm);
  problem.norm.push_back(norm);
}

void ChunkGatherer::add_positives(const TrainingRows& all, const ChunkRange& chunk, uint32_t row,
                                  ChunkProblem& problem) {
  const SparseRow nodes = all.nodes->row(row);
  const auto first = std::lower_bound(nodes.columns.begin(), nodes.columns.end(), chunk.first_node);
  for (auto node = first; node != nodes.columns.end() && *node - chunk.first_node < chunk.n_children; ++node) {
    const float relevance = nodes.values[static_cast<size_t>(node - nodes.columns.begin())];
    problem.positives.push_back({static_cast<uint16_t>(*node - chunk.first_node), relevance});
    problem.has_relevance |= relevance != 1.0F;
  }
  problem.positive_begin.push_back(problem.positives.size());
}

ChunkProblem ChunkGatherer::gather(const TrainingRows& all, const ChunkRange& chunk, std::span<const uint32_t> rows) {
  ChunkProblem problem;
  problem.id = chunk.id;
  problem.n_children = chunk.n_children;
  problem.bias = all.bias;
  rows_.clear();
  size_t n_entries = 0;
  for (const uint32_t row : rows) {
    if (!all.weights.empty() && !(all.weights[row] > 0.0F)) continue;
    rows_.push_back(row);
    n_entries += all.features->row(row).size() + ChunkProblem::kRowStep;
  }
  count_features(*all.features);
  number_features(problem);
  problem.entries.reserve(n_entries);
  problem.own_values.reserve(1 + touched_.size() - problem.n_shared);
  problem.places.reserve(rows_.size());
  problem.own_norm.reserve(rows_.size());
  problem.norm.reserve(rows_.size());
  for (auto* offsets : {&problem.own_begin, &problem.positive_begin}) {
    offsets->reserve(rows_.size() + 1);
    offsets->push_back(0);
  }
  for (const uint32_t row : rows_) {
    add_row(*all.features, row, problem);
    add_positives(all, chunk, row, problem);
    if (!all.weights.empty()) problem.weight.push_back(all.weights[row]);
  }
  for (const uint32_t feature : touched_) slots_[feature] = 0;
  return problem;
}

}  // namespace coppice
