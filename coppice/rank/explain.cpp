// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/explain.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "coppice/core/error.h"
#include "coppice/rank/chunk_scorer.h"
#include "coppice/rank/label_scorer.h"

namespace coppice {
namespace {

/// Explains paths for one query.
class PathExplainer {
 public:
  PathExplainer(const Ranker& ranker, SparseRow query, PostProcessor post_processor)
      : ranker_(ranker),
        post_processor_(post_processor == PostProcessor::of_model ? ranker.post_processor : post_processor),
        hashes_(known_features(query, ranker.n_features)),
        hits_(hashes_.size() + 1),
        query_{query.columns.data(), hashes_.data(), query.values.data(), hashes_.size()} {
    hash_features(query.columns.first(hashes_.size()), ranker.n_features, hashes_.data());
  }

  Explanation explain(uint32_t label, uint32_t leaf) {
    const size_t depth = ranker_.levels.size();
    std::vector<uint32_t> path(depth + 1, leaf);
    for (size_t level = depth; level > 0; --level) path[level - 1] = parent_of(ranker_.tree, level - 1, path[level]);
    Explanation explanation{label, combine_identity(post_processor_), {}};
    for (size_t level = 0; level < depth; ++level) {
      explanation.levels.push_back(explain_step(level, path[level], path[level + 1], explanation.score));
      explanation.score = explanation.levels.back().path_score;
    }
    return explanation;
  }

 private:
  LevelExplanation explain_step(size_t level, uint32_t parent, uint32_t node, float parent_score) {
    const ChunkView chunk = view_chunk(ranker_.levels[level], parent);
    const uint32_t child = node - chunk.first_node;
    if (child >= chunk.n_children) throw Error(ErrorCode::data, "the weights do not fit the tree");
    margins_.resize(std::max(margins_.size(), margin_room(chunk)));
    const size_t n_hits = find_hits(chunk, query_, hits_.data());
    sum_hits(chunk, query_, {hits_.data(), n_hits}, margins_.data());
    LevelExplanation step{node, chunk.bias[child], margins_[child], 0, 0, contributions(chunk, child)};
    std::vector<float> scores(chunk.n_children);
    const float identity = combine_identity(post_processor_);
    transform_siblings(post_processor_, identity, margins_.data(), scores.data(), chunk.n_children);
    step.score = scores[child];
    step.path_score = combine(post_processor_, parent_score, step.score);
    return step;
  }

  std::vector<FeatureContribution> contributions(const ChunkView& chunk, uint32_t child) const {
    std::vector<FeatureContribution> found;
    for (size_t j = 0; j < query_.size; ++j) {
      const float weight = weight_at(chunk, query_.features[j], query_.hashes[j], child);
      if (weight == 0) continue;
      found.push_back({query_.features[j], query_.values[j], weight, query_.values[j] * weight});
    }
    std::stable_sort(found.begin(), found.end(), [](const FeatureContribution& a, const FeatureContribution& b) {
      return std::fabs(a.contribution) > std::fabs(b.contribution);
    });
    return found;
  }

  const Ranker& ranker_;
  PostProcessor post_processor_;
  std::vector<uint32_t> hashes_;
  std::vector<Hit> hits_;
  std::vector<float> margins_;
  HashedQuery query_;
};

}  // namespace

Explanation explain_label(const Ranker& ranker, SparseRow query, uint32_t label, PostProcessor post_processor) {
  PathExplainer explainer(ranker, query, post_processor);
  std::vector<Explanation> found;
  for (size_t leaf = 0; leaf < ranker.tree.leaf_label.size(); ++leaf) {
    if (ranker.tree.leaf_label[leaf] != label) continue;
    Explanation explanation = explainer.explain(label, static_cast<uint32_t>(leaf));
    if (found.empty()) {
      found.push_back(std::move(explanation));
    } else if (explanation.score > found.front().score) {
      found.front() = std::move(explanation);
    }
  }
  if (found.empty()) throw Error(ErrorCode::usage, "label " + std::to_string(label) + " stands in no leaf of the tree");
  return std::move(found.front());
}

std::vector<Explanation> explain_best(const Ranker& ranker, SparseRow query, const PredictOptions& options) {
  SearchState state;
  std::vector<Explanation> explanations;
  for (const ScoredLabel& best : predict(ranker, query, options, state)) {
    explanations.push_back(explain_label(ranker, query, best.label, options.post_processor));
  }
  return explanations;
}

}  // namespace coppice
