// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/ranker_training.h"

#include <algorithm>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/level_training.h"

namespace coppice {
namespace {

template <class T>
T at_level(const std::vector<T>& list, size_t level, T otherwise) {
  return list.empty() ? otherwise : list[std::min(level, list.size() - 1)];
}

/// The matrix with every value 1.
Csr without_values(const Csr& matrix) {
  Csr result = matrix;
  result.values = std::vector<float>(matrix.values.size(), 1.0F);
  return result;
}

class RankerTrainer {
 public:
  RankerTrainer(const RankerInput& input, LabelTree tree, const RankerOptions& options, ThreadPool& pool,
                Progress& progress)
      : input_(input), options_(options), pool_(pool), progress_(progress) {
    ranker_.tree = std::move(tree);
    ranker_.n_features = input.features.n_columns;
    ranker_.post_processor = options.post_processor;
  }

  Ranker train(TrainingHooks hooks) {
    ranker_.levels = std::move(hooks.finished);
    if (ranker_.levels.size() < ranker_.tree.depth()) {
      members_ = labels_up_the_tree(ranker_.tree, input_.labels, pool_);
      if (options_.relevance == Relevance::ignore) input_relevance_away(members_.size());
      if (options_.relevance == Relevance::leaf) input_relevance_away(members_.size() - 1);
    }
    while (ranker_.levels.size() < ranker_.tree.depth()) {
      train_next();
      if (hooks.level_done) hooks.level_done(ranker_.levels);
    }
    return std::move(ranker_);
  }

 private:
  void input_relevance_away(size_t n_levels) {
    for (size_t t = 0; t < n_levels; ++t) members_[t] = without_values(members_[t]);
  }

  void train_next() {
    const size_t level = ranker_.levels.size();
    const LevelOptions options = options_of_level(options_, level);
    const ChunkRowSets sets = row_sets(level, options.negatives);
    const TrainingRows rows{&input_.features, &members_[level], input_.weights, options.solver.bias};
    const LevelTask task{rows, sets, ranker_.tree.first_child[level].span(), static_cast<uint32_t>(level), options};
    progress_.stage("training level " + std::to_string(level + 1) + " of " + std::to_string(ranker_.tree.depth()),
                    work_of(task));
    ranker_.levels.push_back(train_level(task, pool_, progress_));
    if (level > 0) members_[level - 1] = Csr();  // the chunks of deeper levels do not look back
  }

  static uint64_t work_of(const LevelTask& task) {
    uint64_t work = 0;
    for (size_t chunk = 0; chunk < task.row_sets.n_chunks(); ++chunk) {
      work += task.row_sets.of(chunk).size() * (task.first_child[chunk + 1] - task.first_child[chunk]);
    }
    return work;
  }

  ChunkRowSets row_sets(size_t level, Negatives negatives) {
    if (level == 0) return all_rows_in_one_chunk(input_.features.n_rows());
    std::vector<const Csr*> memberships{&members_[level - 1]};
    Csr matched, users;
    if (needs_matcher(negatives)) {
      progress_.stage("matching for level " + std::to_string(level + 1), 0);
      matched = match_nodes({ranker_.tree, ranker_.levels, options_.matcher_beam, options_.post_processor},
                            input_.features, pool_);
      memberships.push_back(&matched);
    }
    if (needs_user_matrix(negatives)) {
      if (input_.negatives == nullptr) {
        throw Error(ErrorCode::usage, "negatives of the user's own are asked for, but no matrix is given");
      }
      users = labels_up_the_tree(ranker_.tree, *input_.negatives, pool_)[level - 1];
      memberships.push_back(&users);
    }
    return rows_by_chunk(memberships, ranker_.tree.n_chunks(level));
  }

  const RankerInput& input_;
  const RankerOptions& options_;
  ThreadPool& pool_;
  Progress& progress_;
  Ranker ranker_;
  std::vector<Csr> members_;  // by level: n x nodes of the level below
};

void check_shapes(const RankerInput& input, const LabelTree& tree) {
  const size_t n = input.features.n_rows();
  const auto expect = [n](size_t got, const char* what) {
    if (got == n) return;
    throw Error(ErrorCode::data, std::string(what) + " have " + std::to_string(got) + " rows, the features " +
                                     std::to_string(n));
  };
  expect(input.labels.n_rows(), "labels");
  if (!input.weights.empty()) expect(input.weights.size(), "weights");
  if (input.negatives != nullptr) expect(input.negatives->n_rows(), "negatives");
  if (input.labels.n_columns > tree.n_labels) {
    throw Error(ErrorCode::data, "the tree has " + std::to_string(tree.n_labels) + " labels, the examples " +
                                     std::to_string(input.labels.n_columns));
  }
}

}  // namespace

void describe(OptionTable& table, RankerOptions& options) {
  describe(table, options.solver);
  describe(table, options.prune);
  table.add("negatives", options.negatives,
            "Which rows a label learns from beside its own, per level: tfn (rows of its siblings; teacher-forced), man "
            "(those and the rows that a beam search brings there; PECOS: tfn+man; better at rank 1, several times the "
            "rows), user (tfn and a matrix of your own; PECOS: usn), man_user (all). The last entry serves all deeper "
            "levels.");
  table.add("matcher_beam", options.matcher_beam, 1, 1000,
            "How many nodes per row the beam search for matcher-aware negatives keeps. Fewer is quicker; more finds "
            "harder negatives.");
  table.add("level_threshold", options.level_threshold, 0, 1e6, "threshold per level; empty = the same everywhere.");
  table.add("level_c_positive", options.level_c_positive, 1e-6, 1e6,
            "c_positive per level; empty = the same everywhere.");
  table.add("level_c_negative", options.level_c_negative, 1e-6, 1e6,
            "c_negative per level; empty = the same everywhere.");
  table.add("level_max_weights", options.level_max_weights, 0, UINT32_MAX,
            "max_weights per level; empty = the same everywhere.");
  table.add("relevance", options.relevance,
            {{Relevance::ignore, "ignore"}, {Relevance::leaf, "leaf"}, {Relevance::induce, "induce"}},
            "Cost-sensitive training: whether a label's relevance in a row multiplies the cost of a mistake: not at all, "
            "at the last level (PECOS: ranker-only), or at every level, where a node counts as its most relevant label "
            "(PECOS: induce).");
  table.add("train_post_processor", options.post_processor,
            {{PostProcessor::noop, "noop"},
             {PostProcessor::sigmoid, "sigmoid"},
             {PostProcessor::log_sigmoid, "log_sigmoid"},
             {PostProcessor::l1_hinge, "l1_hinge"},
             {PostProcessor::l2_hinge, "l2_hinge"},
             {PostProcessor::l3_hinge, "l3_hinge"},
             {PostProcessor::l4_hinge, "l4_hinge"},
             {PostProcessor::log_l1_hinge, "log_l1_hinge"},
             {PostProcessor::log_l2_hinge, "log_l2_hinge"},
             {PostProcessor::log_l3_hinge, "log_l3_hinge"},
             {PostProcessor::log_l4_hinge, "log_l4_hinge"},
             {PostProcessor::softmax, "softmax"},
             {PostProcessor::log_softmax, "log_softmax"}},
            "How a margin becomes a score; stored in the model and used by its matcher. l3_hinge suits the hinge losses, "
            "sigmoid the logistic one.");
}

LevelOptions options_of_level(const RankerOptions& options, size_t level) {
  LevelOptions own{options.solver, options.prune, Negatives::tfn};
  own.negatives = negatives_from_name(at_level(options.negatives, level, std::string("tfn")));
  own.prune.threshold = at_level(options.level_threshold, level, options.prune.threshold);
  own.prune.max_weights = at_level(options.level_max_weights, level, options.prune.max_weights);
  own.solver.c_positive = at_level(options.level_c_positive, level, options.solver.c_positive);
  own.solver.c_negative = at_level(options.level_c_negative, level, options.solver.c_negative);
  return own;
}

Ranker train_ranker(const RankerInput& input, LabelTree tree, const RankerOptions& options, ThreadPool& pool,
                    Progress& progress, TrainingHooks hooks) {
  check_shapes(input, tree);
  for (size_t level = 0; level < tree.depth(); ++level) (void)options_of_level(options, level);
  return RankerTrainer(input, std::move(tree), options, pool, progress).train(std::move(hooks));
}

}  // namespace coppice
