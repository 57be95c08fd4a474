// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/label_scorer.h"

#include <algorithm>
#include <limits>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/beam_walk.h"

namespace coppice {
namespace {

struct ScoredNode {
  uint32_t node;
  float score;
};

float worst_score(PostProcessor post_processor) noexcept {
  return transform(post_processor, std::numeric_limits<float>::quiet_NaN());
}

}  // namespace

struct LabelScorer::Scratch {
  std::vector<std::vector<ScoredNode>> needed;  ///< per level from the root: the nodes on the paths, ascending
  std::vector<uint32_t> hashes;
  std::vector<Hit> hits;
  std::vector<float> margins;
  std::vector<float> results;
  HashedQuery query;
};

LabelScorer::State::State() : scratch_(std::make_unique<Scratch>()) {}
LabelScorer::State::~State() = default;
LabelScorer::State::State(State&&) noexcept = default;
LabelScorer::State& LabelScorer::State::operator=(State&&) noexcept = default;

uint32_t parent_of(const LabelTree& tree, size_t level, uint32_t node) noexcept {
  const std::span<const uint32_t> first = tree.first_child[level];
  const auto behind = std::upper_bound(first.begin(), first.end(), node) - first.begin();
  const auto last = static_cast<ptrdiff_t>(first.size()) - 2;
  return static_cast<uint32_t>(std::clamp<ptrdiff_t>(behind - 1, 0, std::max<ptrdiff_t>(last, 0)));
}

LabelScorer::LabelScorer(const Ranker& ranker, PostProcessor post_processor)
    : ranker_(ranker),
      post_processor_(post_processor == PostProcessor::of_model ? ranker.post_processor : post_processor),
      first_leaf_(size_t{ranker.tree.n_labels} + 1) {
  const Array<uint32_t>& labels = ranker.tree.leaf_label;
  for (const uint32_t label : labels) {
    if (label < ranker.tree.n_labels) ++first_leaf_[label + 1];
  }
  for (size_t label = 0; label < ranker.tree.n_labels; ++label) first_leaf_[label + 1] += first_leaf_[label];
  std::vector<uint32_t> next(first_leaf_.begin(), first_leaf_.end() - 1);
  leaves_.resize(first_leaf_.back());
  for (size_t leaf = 0; leaf < labels.size(); ++leaf) {
    if (labels[leaf] < ranker.tree.n_labels) leaves_[next[labels[leaf]]++] = static_cast<uint32_t>(leaf);
  }
}

std::span<const uint32_t> LabelScorer::leaves(uint32_t label) const {
  if (label >= ranker_.tree.n_labels) {
    throw Error(ErrorCode::usage,
                "label " + std::to_string(label) + " for a model of " + counted(ranker_.tree.n_labels, "label"));
  }
  return {leaves_.data() + first_leaf_[label], first_leaf_[label + 1] - first_leaf_[label]};
}

std::span<const float> LabelScorer::score(SparseRow query, std::span<const uint32_t> labels, State& state) const {
  Scratch& scratch = *state.scratch_;
  const size_t known = known_features(query, ranker_.n_features);
  scratch.hashes.resize(std::max(scratch.hashes.size(), known));
  scratch.hits.resize(std::max(scratch.hits.size(), known + 1));
  hash_features(query.columns.first(known), ranker_.n_features, scratch.hashes.data());
  scratch.query = {query.columns.data(), scratch.hashes.data(), query.values.data(), known};

  const size_t depth = ranker_.levels.size();
  scratch.needed.resize(depth + 1);
  for (std::vector<ScoredNode>& nodes : scratch.needed) nodes.clear();
  const auto by_node = [](const ScoredNode& a, const ScoredNode& b) { return a.node < b.node; };
  const auto same_node = [](const ScoredNode& a, const ScoredNode& b) { return a.node == b.node; };
  for (const uint32_t label : labels) {
    for (const uint32_t leaf : leaves(label)) scratch.needed[depth].push_back({leaf, 0});
  }
  for (size_t level = depth;; --level) {
    std::vector<ScoredNode>& nodes = scratch.needed[level];
    std::sort(nodes.begin(), nodes.end(), by_node);
    nodes.erase(std::unique(nodes.begin(), nodes.end(), same_node), nodes.end());
    if (level == 0) break;
    for (const ScoredNode& node : nodes) {
      scratch.needed[level - 1].push_back({parent_of(ranker_.tree, level - 1, node.node), 0});
    }
  }
  for (ScoredNode& root : scratch.needed[0]) root.score = combine_identity(post_processor_);
  for (size_t level = 0; level < depth; ++level) score_level(level, scratch);

  scratch.results.clear();
  for (const uint32_t label : labels) {
    float best = worst_score(post_processor_);
    for (const uint32_t leaf : leaves(label)) {
      const auto& nodes = scratch.needed[depth];
      best = std::max(best, std::lower_bound(nodes.begin(), nodes.end(), ScoredNode{leaf, 0}, by_node)->score);
    }
    scratch.results.push_back(best);
  }
  return scratch.results;
}

void LabelScorer::score_level(size_t level, Scratch& scratch) const {
  std::vector<ScoredNode>& children = scratch.needed[level + 1];
  size_t next = 0;
  for (const ScoredNode& parent : scratch.needed[level]) {
    const ChunkView chunk = view_chunk(ranker_.levels[level], parent.node);
    scratch.margins.resize(std::max(scratch.margins.size(), margin_room(chunk)));
    float* margins = scratch.margins.data();
    const size_t n_hits = find_hits(chunk, scratch.query, scratch.hits.data());
    sum_hits(chunk, scratch.query, {scratch.hits.data(), n_hits}, margins);
    transform_siblings(post_processor_, parent.score, margins, margins, chunk.n_children);
    for (; next < children.size() && parent_of(ranker_.tree, level, children[next].node) == parent.node; ++next) {
      const uint32_t child = children[next].node - chunk.first_node;  // wraps when it is none of this chunk
      children[next].score = child < chunk.n_children ? margins[child] : worst_score(post_processor_);
    }
  }
}

Csr LabelScorer::score_all(const Csr& queries, const Csr& selected, ThreadPool& pool) const {
  if (queries.n_rows() != selected.n_rows()) {
    throw Error(ErrorCode::usage, counted(selected.n_rows(), "row") + " of labels to score for " +
                                      counted(queries.n_rows(), "query", "queries"));
  }
  constexpr size_t kGrain = 256;
  std::vector<float> values(selected.columns.size());
  std::vector<State> states(pool.threads());
  pool.for_ranges(queries.n_rows(), kGrain, [&](size_t begin, size_t end, size_t worker) {
    for (size_t i = begin; i < end; ++i) {
      const std::span<const float> scores = score(queries.row(i), selected.row(i).columns, states[worker]);
      std::copy(scores.begin(), scores.end(), values.begin() + static_cast<ptrdiff_t>(selected.offsets[i]));
    }
  });
  Csr result = selected;
  result.values = std::move(values);
  return result;
}

}  // namespace coppice
