// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/matcher.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/block_search.h"

namespace coppice {
namespace {

/// Rows of different lengths, as they come from blocks, joined into one matrix.
Csr join_rows(std::vector<uint64_t> offsets, std::span<const uint64_t> keys, size_t width, uint32_t n_columns) {
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  std::vector<uint32_t> columns(offsets.back());
  std::vector<float> values(offsets.back());
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    for (uint64_t place = offsets[i]; place < offsets[i + 1]; ++place) {
      const uint64_t key = keys[i * width + (place - offsets[i])];
      columns[place] = candidate_id(key);
      values[place] = candidate_score(key);
    }
  }
  Csr matrix;
  matrix.n_columns = n_columns;
  matrix.offsets = std::move(offsets);
  matrix.columns = std::move(columns);
  matrix.values = std::move(values);
  return matrix;
}

SearchPlan plan_of(const MatcherInput& input, uint32_t beam, PostProcessor post_processor) {
  check(!input.levels.empty() && input.levels.size() <= input.tree.depth(), "matching needs trained levels");
  SearchPlan plan;
  plan.levels = input.levels;
  plan.n_features = input.levels.front().n_features();
  plan.post_processor = post_processor;
  for (size_t level = 0; level < plan.levels.size(); ++level) {
    check(plan.levels[level].n_chunks() == input.tree.n_chunks(level) &&
              plan.levels[level].n_nodes() == input.tree.n_nodes(level + 1) &&
              plan.levels[level].n_features() == plan.n_features,
          "levels have the shape of the tree");
    plan.keep.push_back(static_cast<uint32_t>(std::min<size_t>(beam, plan.levels[level].n_nodes())));
  }
  return plan;
}

}  // namespace

BeamMatcher::BeamMatcher(uint32_t beam, PostProcessor post_processor) : beam_(beam), post_processor_(post_processor) {
  if (beam == 0) throw Error(ErrorCode::usage, "a beam of 0, expected 1 or more");
}

Csr BeamMatcher::match(const MatcherInput& input, ThreadPool& pool) const {
  const SearchPlan plan = plan_of(input, beam_, post_processor_);
  const size_t width = plan.keep.back();
  std::vector<uint64_t> offsets(input.queries.n_rows() + 1);
  std::vector<uint64_t> keys(input.queries.n_rows() * width);
  search_blocks(plan, {input.queries}, pool, [&](size_t row, std::span<const uint64_t> candidates) {
    offsets[row + 1] = candidates.size();
    uint64_t* place = keys.data() + row * width;
    std::copy(candidates.begin(), candidates.end(), place);
    std::sort(place, place + candidates.size(),
              [](uint64_t a, uint64_t b) { return candidate_id(a) < candidate_id(b); });
  });
  release_free_memory();  // of the search, before the keys are there twice
  return join_rows(std::move(offsets), keys, width, static_cast<uint32_t>(plan.levels.back().n_nodes()));
}

FoundMatches::FoundMatches(const Ranker& ranker, const Csr& queries, uint32_t beam, ThreadPool& pool) {
  const BeamMatcher matcher(beam, ranker.post_processor);
  by_level_.resize(1);
  for (size_t level = 1; level < ranker.levels.size(); ++level) {
    by_level_.push_back(matcher.match({queries, ranker.tree, std::span(ranker.levels).first(level)}, pool));
  }
}

Csr FoundMatches::match(const MatcherInput& input, ThreadPool&) const {
  check(input.levels.size() < by_level_.size(), "a tree as deep as the one that was searched");
  return by_level_[input.levels.size()];
}

void check_matches(const Csr& matches, size_t n_rows, size_t n_nodes) {
  if (matches.n_rows() != n_rows || matches.n_columns != n_nodes) {
    throw Error(ErrorCode::data, "the matches are " + std::to_string(matches.n_rows()) + " x " +
                                     std::to_string(matches.n_columns) + ", expected " + counted(n_rows, "row") +
                                     " x " + counted(n_nodes, "node") + " of the tree's level");
  }
  matches.validate("matches");
}

}  // namespace coppice
