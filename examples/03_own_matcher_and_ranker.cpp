// SPDX-License-Identifier: Apache-2.0
// A matcher and a ranker of your own: a table of which words occur with which branch of the tree says where to look,
// and naive Bayes weighs the words.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "coppice/coppice.h"

namespace {

using namespace coppice;

/// The branches that the words of a row occurred with in training, and how often: at most two a row.
class CooccurrenceMatcher : public Matcher {
 public:
  explicit CooccurrenceMatcher(const TrainingSet& set) : set_(set) {}

  Csr match(const MatcherInput& input, ThreadPool&) const override {
    const size_t level = input.levels.size();
    const auto seen = branches_of_words(input.tree, level);
    CsrBuilder builder(static_cast<uint32_t>(input.tree.n_nodes(level)));
    for (size_t i = 0; i < input.queries.n_rows(); ++i) {
      std::map<uint32_t, float> votes;
      float total = 0;
      for (const uint32_t word : input.queries.row(i).columns) {
        for (const auto& [branch, count] : seen[word]) {
          votes[branch] += count;
          total += count;
        }
      }
      std::vector<std::pair<float, uint32_t>> best;
      for (const auto& [branch, count] : votes) best.emplace_back(count / total, branch);
      std::sort(best.rbegin(), best.rend());
      for (size_t j = 0; j < std::min<size_t>(2, best.size()); ++j) builder.add(best[j].second, best[j].first);
      builder.end_row();
    }
    return builder.build();
  }

 private:
  std::vector<std::map<uint32_t, float>> branches_of_words(const LabelTree& tree, size_t level) const {
    ThreadPool alone(1);
    const Csr branches = labels_up_the_tree(tree, set_.labels, alone)[level - 1];
    std::vector<std::map<uint32_t, float>> seen(set_.features.n_columns);
    for (size_t i = 0; i < set_.features.n_rows(); ++i) {
      for (const uint32_t word : set_.features.row(i).columns) {
        for (const uint32_t branch : branches.row(i).columns) seen[word][branch] += 1;
      }
    }
    return seen;
  }

  const TrainingSet& set_;
};

/// For each child the logarithm of how much likelier a word is in its rows than in its siblings'.
class NaiveBayes : public ChunkSolver {
 public:
  LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions&,
                    const PruneOptions& prune) const override {
    LaneWeights result;
    result.first_child = children.first;
    for (uint32_t i = 0; i < children.count; ++i) weigh(problem, children.first + i, prune, result);
    return result;
  }

 private:
  static void weigh(const ChunkProblem& problem, uint32_t child, const PruneOptions& prune, LaneWeights& result) {
    std::vector<float> inside(problem.features.size(), 1), outside(problem.features.size(), 1);  // add-one smoothing
    for (size_t row = 0; row < problem.n_rows(); ++row) {
      const auto positives = problem.row_positives(row);
      const bool mine = std::any_of(positives.begin(), positives.end(), [&](auto& p) { return p.child == child; });
      auto& counts = mine ? inside : outside;
      for (const RowEntry& entry : problem.row_entries(row)) counts[entry.feature] += entry.value;
    }
    for (uint32_t feature = 1; feature < problem.n_shared; ++feature) {  // 0 is the bias
      const float weight = std::log(inside[feature] / inside[0]) - std::log(outside[feature] / outside[0]);
      if (std::abs(weight) <= prune.threshold) continue;
      result.weights.push_back({problem.features[feature], static_cast<uint16_t>(child), weight});
    }
    result.bias.push_back(std::log(inside[0] / outside[0]));
    result.iterations.push_back(1);
  }
};

/// Row i has words i mod 12 and 12 + i mod 5, and label i mod 12.
TrainingSet twelve_labels() {
  CsrBuilder features(17), labels(12);
  for (uint32_t i = 0; i < 240; ++i) {
    features.add(i % 12, 1);
    features.add(12 + i % 5, 1);
    features.end_row();
    labels.add(i % 12, 1);
    labels.end_row();
  }
  TrainingSet set;
  set.features = features.build();
  set.labels = labels.build();
  return set;
}

}  // namespace

int main() {
  const TrainingSet set = twelve_labels();
  const CooccurrenceMatcher matcher(set);
  const NaiveBayes ranker;
  TrainExtras extras;
  extras.matcher = &matcher;
  extras.solver = &ranker;
  TrainOptions options;
  options.index.level_widths = {4};
  options.ranker.post_processor = PostProcessor::sigmoid;
  ThreadPool pool(2);
  Progress quiet;
  const Model model = train(set, options, extras, {pool, quiet});

  const size_t level = model.ranker().tree.depth() - 1;  // the nodes whose children are the labels
  const Csr matches =
      matcher.match({set.features, model.ranker().tree, std::span(model.ranker().levels).first(level)}, pool);
  const Predictions best = rank_matches(model.ranker(), set.features, {level, matches}, {}, pool);
  size_t hits = 0;
  for (size_t i = 0; i < best.n_rows(); ++i) hits += best.row_labels(i)[0] == i % 12 ? 1 : 0;
  std::cout << hits << " of " << best.n_rows() << " rows get their label first\n";
  return hits == best.n_rows() ? 0 : 1;
}
