// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/ranker_training.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {
namespace {

struct Data {
  Csr features;
  Csr labels;
};

// Each label likes three features of its own; a third of the rows have two labels, some have none.
Data random_data(uint64_t seed, size_t n_rows, uint32_t n_labels) {
  Random random(seed);
  CsrBuilder features(n_labels * 3 + 40);
  CsrBuilder labels(n_labels);
  for (size_t i = 0; i < n_rows; ++i) {
    const uint32_t count = i % 17 == 0 ? 0 : 1 + (random.below(3) == 0);
    std::vector<uint32_t> own;
    for (uint32_t k = 0; k < count; ++k) own.push_back(random.below(n_labels));
    if (own.size() == 2 && own[0] == own[1]) own.pop_back();
    for (const uint32_t label : own) {
      labels.add(label, 1.0F + static_cast<float>(label % 3));
      features.add(label * 3 + random.below(3), 1.0F);
      features.add(label * 3 + random.below(3), 0.5F);
    }
    for (int j = 0; j < 6; ++j) features.add(n_labels * 3 + random.below(40), 0.4F);
    labels.end_row();
    features.end_row();
  }
  ThreadPool pool(1);
  return {normalize_rows_l2(features.build(), pool), labels.build()};
}

// A tree whose nodes have `branching` children and whose leaves hold the labels in order.
LabelTree tree_of(uint32_t n_labels, const std::vector<uint32_t>& widths) {
  LabelTree tree;
  tree.n_labels = n_labels;
  std::vector<uint32_t> all = widths;
  all.push_back(n_labels);
  uint32_t parents = 1;
  for (const uint32_t nodes : all) {
    std::vector<uint32_t> first;
    for (uint32_t p = 0; p <= parents; ++p) first.push_back(static_cast<uint32_t>(uint64_t{p} * nodes / parents));
    tree.first_child.emplace_back(first);
    parents = nodes;
  }
  std::vector<uint32_t> leaves(n_labels);
  std::iota(leaves.begin(), leaves.end(), 0U);
  tree.leaf_label = leaves;
  return tree;
}

Ranker train(const Data& data, const LabelTree& tree, const RankerOptions& options, size_t threads = 1,
             TrainingHooks hooks = {}) {
  ThreadPool pool(threads);
  Progress progress;
  return train_ranker({data.features, data.labels}, tree, options, {pool, progress}, std::move(hooks));
}

void expect_same_bytes(const Ranker& a, const Ranker& b) {
  ASSERT_EQ(a.levels.size(), b.levels.size());
  for (size_t level = 0; level < a.levels.size(); ++level) {
    const LevelArrays& x = a.levels[level].arrays();
    const LevelArrays& y = b.levels[level].arrays();
    EXPECT_TRUE(std::ranges::equal(x.payload, y.payload)) << "level " << level;
    EXPECT_TRUE(std::ranges::equal(x.bias, y.bias)) << "level " << level;
    EXPECT_EQ(x.chunks.size(), y.chunks.size());
  }
}

double precision_at_1(const Ranker& ranker, const Data& data) {
  ThreadPool pool(1);
  const Predictions predictions = predict_batch(ranker, data.features, {}, pool);
  double hits = 0;
  double rows = 0;
  for (size_t i = 0; i < data.labels.n_rows(); ++i) {
    const auto labels = data.labels.row(i).columns;
    if (labels.empty()) continue;
    ++rows;
    hits += std::ranges::find(labels, predictions.row_labels(i)[0]) != labels.end() ? 1 : 0;
  }
  return hits / rows;
}

TEST(TrainRanker, GivesTheSameBytesForAnyNumberOfThreads) {
  const Data data = random_data(1, 600, 90);
  for (const char* negatives : {"tfn", "tfn+man"}) {
    for (const auto& widths : {std::vector<uint32_t>{4, 20}, std::vector<uint32_t>{}, std::vector<uint32_t>{30}}) {
      RankerOptions options;
      options.negatives = {negatives};
      options.matcher_beam = 5;
      const LabelTree tree = tree_of(90, widths);
      const Ranker one = train(data, tree, options, 1);
      one.verify();
      EXPECT_GT(one.n_weights(), 500U);
      for (const size_t threads : {2U, 7U}) {
        SCOPED_TRACE(threads);
        expect_same_bytes(one, train(data, tree, options, threads));
      }
    }
  }
}

TEST(TrainRanker, LearnsWhatThereIsToLearn) {
  const Data data = random_data(2, 900, 60);
  for (const Loss loss : {Loss::squared_hinge, Loss::hinge, Loss::logistic}) {
    RankerOptions options;
    options.solver.loss = loss;
    options.prune.threshold = 0.01F;
    EXPECT_GT(precision_at_1(train(data, tree_of(60, {6}), options), data), 0.9) << static_cast<int>(loss);
  }
}

TEST(TrainRanker, WithOneLevelIsOneVersusRest) {
  const Data data = random_data(3, 250, 40);
  RankerOptions options;
  options.prune.threshold = 0.05F;
  const Ranker ranker = train(data, tree_of(40, {}), options);
  const ChunkRows rows = ranker.levels[0].rows(0);
  std::vector<std::vector<float>> dense(data.features.n_columns, std::vector<float>(40, 0.0F));
  for (size_t r = 0; r < rows.features.size(); ++r) {
    for (uint32_t e = rows.first_entry[r]; e < rows.first_entry[r + 1]; ++e) {
      dense[rows.features[r]][rows.children[e]] = rows.values[e];
    }
  }
  Csr nodes = data.labels;
  nodes.values = std::vector<float>(nodes.n_nonzeros(), 1.0F);
  std::vector<uint32_t> all(250);
  std::iota(all.begin(), all.end(), 0U);
  for (uint32_t label = 0; label < 40; ++label) {
    const ChunkProblem alone = ChunkGatherer().gather({&data.features, &nodes, {}, 1.0F}, {0, label, 1}, all);
    const LaneWeights weights = solve_children(alone, {0, 1}, options.solver, options.prune);
    EXPECT_EQ(weights.bias[0], rows.bias[label]);
    size_t count = 0;
    for (size_t feature = 0; feature < dense.size(); ++feature) count += dense[feature][label] != 0.0F ? 1 : 0;
    EXPECT_EQ(count, weights.weights.size());
    for (const ChunkWeight& weight : weights.weights) EXPECT_EQ(dense[weight.feature][label], weight.value);
  }
}

TEST(TrainRanker, GoesOnFromFinishedLevelsToTheSameBytes) {
  const Data data = random_data(4, 400, 64);
  const LabelTree tree = tree_of(64, {4, 16});
  for (const char* negatives : {"tfn", "tfn+man"}) {
    RankerOptions options;
    options.negatives = {negatives};
    options.matcher_beam = 3;
    std::vector<std::vector<LevelWeights>> seen;
    TrainingHooks record;
    record.level_done = [&](const std::vector<LevelWeights>& levels) { seen.push_back(levels); };
    const Ranker whole = train(data, tree, options, 2, std::move(record));
    ASSERT_EQ(seen.size(), 3U);
    for (size_t done = 0; done < seen.size(); ++done) {
      ASSERT_EQ(seen[done].size(), done + 1);
      TrainingHooks resume;
      resume.finished = seen[done];
      expect_same_bytes(whole, train(data, tree, options, 2, std::move(resume)));
    }
  }
}

/// Finds the one node that it is told, for every row.
class OneNode final : public Matcher {
 public:
  explicit OneNode(uint32_t node, uint32_t missing_rows = 0) : node_(node), missing_rows_(missing_rows) {}

  Csr match(const MatcherInput& input, ThreadPool&) const override {
    CsrBuilder builder(static_cast<uint32_t>(input.tree.n_nodes(input.levels.size())));
    for (size_t i = missing_rows_; i < input.queries.n_rows(); ++i) {
      builder.add(node_, 1);
      builder.end_row();
    }
    return builder.build();
  }

 private:
  uint32_t node_;
  uint32_t missing_rows_;
};

TEST(TrainRanker, TakesNegativesFromAMatcherOfTheCallersOwn) {
  const Data data = random_data(5, 500, 60);
  const LabelTree tree = tree_of(60, {10});
  RankerOptions options;
  options.negatives = {"man"};
  options.matcher_beam = 100;  // must not stand in for the matcher's own answer
  const OneNode matcher(3);
  const auto with = [&](const OneNode& own) {
    TrainingHooks hooks;
    hooks.matcher = &own;
    return train(data, tree, options, 2, std::move(hooks));
  };
  const Ranker ranker = with(matcher);
  for (size_t chunk = 0; chunk < 10; ++chunk) {
    EXPECT_EQ(ranker.levels[1].rows(chunk).features.empty(), chunk != 3) << chunk;
  }
  try {
    with(OneNode(3, 1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_NE(std::string(error.what()).find("499 x 10, expected 500 rows x 10 nodes"), std::string::npos);
  }
}

/// Gives each child its own number as the weight of every feature.
class NumberSolver final : public ChunkSolver {
 public:
  LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions&,
                    const PruneOptions&) const override {
    LaneWeights result;
    result.first_child = children.first;
    for (uint32_t child = children.first; child < children.first + children.count; ++child) {
      for (size_t f = 1; f < problem.features.size(); ++f) {
        result.weights.push_back({problem.features[f], static_cast<uint16_t>(child), float(child + 1)});
      }
      result.bias.push_back(-1);
      result.iterations.push_back(1);
    }
    return result;
  }
};

TEST(TrainRanker, TakesTheWeightsOfASolverOfTheCallersOwn) {
  const Data data = random_data(6, 300, 40);
  const NumberSolver solver;
  for (const size_t threads : {1U, 7U}) {
    TrainingHooks hooks;
    hooks.solver = &solver;
    const Ranker ranker = train(data, tree_of(40, {8}), {}, threads, std::move(hooks));
    ranker.verify();
    for (const LevelWeights& level : ranker.levels) {
      const ChunkRows rows = level.rows(0);
      ASSERT_FALSE(rows.values.empty());
      for (size_t i = 0; i < rows.values.size(); ++i) EXPECT_EQ(rows.values[i], float(rows.children[i] + 1));
      EXPECT_EQ(rows.bias, std::vector<float>(rows.bias.size(), -1.0F));
    }
  }
}

TEST(TrainRanker, HasMoreNegativesWithAMatcherAndAllOfThemWithAWideBeam) {
  const Data data = random_data(5, 500, 60);
  const LabelTree tree = tree_of(60, {10});
  RankerOptions teacher;
  RankerOptions matcher;
  matcher.negatives = {"tfn+man"};
  matcher.matcher_beam = 9;
  RankerOptions wide = matcher;
  wide.matcher_beam = 10;  // room for all nodes: every chunk sees every row
  const auto mean_bias = [](const Ranker& ranker) {
    const Array<float>& bias = ranker.levels[1].arrays().bias;
    return std::accumulate(bias.begin(), bias.end(), 0.0) / static_cast<double>(bias.size());
  };
  const double few = mean_bias(train(data, tree, teacher));
  const double more = mean_bias(train(data, tree, matcher));
  const double all = mean_bias(train(data, tree, wide));
  EXPECT_LT(more, few - 0.05);
  EXPECT_NEAR(all, more, 0.05);

  // The same as one versus rest, as each label sees all rows; the order of rows differs, hence not the same bits.
  RankerOptions tight = wide;
  tight.solver.epsilon = 1e-4F;
  tight.solver.max_iterations = 1000;
  const Ranker by_tree = train(data, tree, tight);
  const Ranker flat = train(data, tree_of(60, {}), tight);
  for (uint32_t label = 0; label < 60; ++label) {
    EXPECT_NEAR(by_tree.levels[1].arrays().bias[label], flat.levels[0].arrays().bias[label], 2e-3);
  }
}

TEST(TrainRanker, UsesTheUsersNegatives) {
  const Data data = random_data(6, 300, 40);
  const LabelTree tree = tree_of(40, {8});
  RankerOptions options;
  options.negatives = {"tfn+usn"};
  EXPECT_THROW(train(data, tree, options), Error);
  CsrBuilder none(40), some(40);
  for (size_t i = 0; i < 300; ++i) {
    none.end_row();
    some.add(static_cast<uint32_t>(i % 40), 1.0F);
    some.end_row();
  }
  const Csr empty = none.build();
  const Csr given = some.build();
  ThreadPool pool(2);
  Progress progress;
  RankerInput input{data.features, data.labels, {}, &empty};
  RankerOptions teacher;
  expect_same_bytes(train(data, tree, teacher), train_ranker(input, tree, options, {pool, progress}));
  input.negatives = &given;
  const Ranker with_user = train_ranker(input, tree, options, {pool, progress});
  EXPECT_FALSE(
      std::ranges::equal(with_user.levels[1].arrays().bias, train(data, tree, teacher).levels[1].arrays().bias));
  EXPECT_TRUE(
      std::ranges::equal(with_user.levels[0].arrays().bias, train(data, tree, teacher).levels[0].arrays().bias));
}

TEST(TrainRanker, WeighsRelevanceWhereItIsAskedTo) {
  const Data data = random_data(7, 400, 40);
  const LabelTree tree = tree_of(40, {8});
  RankerOptions options;
  const Ranker plain = train(data, tree, options);
  options.relevance = Relevance::leaf;
  const Ranker leaf = train(data, tree, options);
  options.relevance = Relevance::induce;
  const Ranker induced = train(data, tree, options);
  const auto same = [](const Ranker& a, const Ranker& b, size_t level) {
    return std::ranges::equal(a.levels[level].arrays().payload, b.levels[level].arrays().payload);
  };
  EXPECT_TRUE(same(plain, leaf, 0));
  EXPECT_FALSE(same(plain, leaf, 1));
  EXPECT_FALSE(same(plain, induced, 0));
  EXPECT_TRUE(same(leaf, induced, 1));
}

TEST(TrainRanker, TakesOptionsByLevel) {
  const Data data = random_data(8, 300, 40);
  const LabelTree tree = tree_of(40, {8});
  RankerOptions options;
  options.level_max_weights = {0, 3};
  const Ranker ranker = train(data, tree, options);
  for (size_t chunk = 0; chunk < 8; ++chunk) {
    const ChunkRows rows = ranker.levels[1].rows(chunk);
    std::vector<size_t> count(rows.bias.size());
    for (const uint16_t child : rows.children) ++count[child];
    for (const size_t weights : count) EXPECT_LE(weights, 3U);
  }
  EXPECT_GT(ranker.levels[0].rows(0).values.size(), 24U);
  options.level_max_weights = {};
  options.level_threshold = {1e6F, 0.0F};
  const Ranker pruned = train(data, tree, options);
  EXPECT_TRUE(pruned.levels[0].rows(0).values.empty());
  EXPECT_GT(pruned.n_weights(), ranker.n_weights());
  for (const float bias : pruned.levels[0].arrays().bias) EXPECT_NE(bias, 0.0F);
}

TEST(TrainRanker, TrainsLabelsAndRowsThatSayNothing) {
  Data data;
  CsrBuilder features(5), labels(6);
  for (int i = 0; i < 4; ++i) {
    features.end_row();
    labels.end_row();
  }
  data.features = features.build();
  data.labels = labels.build();
  for (const char* negatives : {"tfn", "tfn+man"}) {
    RankerOptions options;
    options.negatives = {negatives};
    options.matcher_beam = 2;
    const Ranker ranker = train(data, tree_of(6, {3}), options);
    ranker.verify();
    EXPECT_EQ(ranker.n_weights(), 0U);
  }
  data.features = Csr{5, {}, {}, {}};
  data.labels = Csr{6, {}, {}, {}};
  train(data, tree_of(6, {3}), {}).verify();
}

TEST(TrainRanker, RefusesInputThatBreaksItsPromises) {
  const Data good = random_data(9, 50, 10);
  const LabelTree tree = tree_of(10, {2});
  const auto code_of = [&](const RankerInput& input) {
    ThreadPool pool(1);
    Progress progress;
    try {
      train_ranker(input, tree, {}, {pool, progress});
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  Data bad = good;
  std::vector<float> values(bad.features.values.begin(), bad.features.values.end());
  values[7] = std::numeric_limits<float>::quiet_NaN();
  bad.features.values = values;
  EXPECT_EQ(code_of({bad.features, bad.labels}), ErrorCode::data);
  const Data shorter = random_data(9, 49, 10);
  EXPECT_EQ(code_of({good.features, shorter.labels}), ErrorCode::data);
  const Data wider = random_data(9, 50, 11);
  EXPECT_EQ(code_of({good.features, wider.labels}), ErrorCode::data);
  std::vector<float> weights(50, 1.0F);
  weights[3] = -1.0F;
  EXPECT_EQ(code_of({good.features, good.labels, weights}), ErrorCode::data);
}

TEST(TrainRanker, HugeWeightsAndRelevancesGiveFiniteModels) {
  Data data = random_data(11, 120, 12);
  const LabelTree tree = tree_of(12, {3});
  std::vector<float> relevances(data.labels.n_nonzeros(), 1.0F);
  relevances[2] = 0;
  relevances[3] = 3e38F;
  data.labels.values = relevances;
  std::vector<float> weights(120, 1.0F);
  for (const size_t row : {1, 5, 7}) weights[row] = 3e38F;
  ThreadPool pool(1);
  Progress progress;
  for (const Loss loss : {Loss::squared_hinge, Loss::hinge, Loss::logistic}) {
    RankerOptions options;
    options.solver.loss = loss;
    options.solver.c_positive = 4;
    for (const Relevance relevance : {Relevance::ignore, Relevance::leaf, Relevance::induce}) {
      options.relevance = relevance;
      const Ranker ranker = train_ranker({data.features, data.labels, weights}, tree, options, {pool, progress});
      ranker.verify();
      EXPECT_GT(ranker.n_weights(), 0U);
    }
  }
}

std::string message_of_training(const Data& data, const LabelTree& tree, TrainingHooks hooks = {}) {
  try {
    train(data, tree, {}, 1, std::move(hooks));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "";
}

TEST(TrainRanker, RefusesRowsWhoseLengthOverflows) {
  Data data = random_data(12, 50, 10);
  std::vector<float> values(data.features.values.begin(), data.features.values.end());
  const LabelTree tree = tree_of(10, {2});
  const auto first = static_cast<size_t>(data.features.offsets[7]);
  values[first] = 1e15F;
  data.features.values = values;
  EXPECT_EQ(message_of_training(data, tree), "");
  values[first] = 3e38F;
  data.features.values = values;
  EXPECT_NE(message_of_training(data, tree).find("features: row 7 "), std::string::npos);
}

/// Finds a weight or a bias that is no number.
class OverflowingSolver final : public ChunkSolver {
 public:
  explicit OverflowingSolver(bool in_bias) : in_bias_(in_bias) {}
  LaneWeights solve(const ChunkProblem&, ChildRange children, const SolverOptions&,
                    const PruneOptions&) const override {
    LaneWeights result;
    result.first_child = children.first;
    result.bias.assign(children.count, in_bias_ ? std::numeric_limits<float>::quiet_NaN() : 0.0F);
    result.iterations.assign(children.count, 1);
    if (!in_bias_) result.weights.push_back({0, 0, std::numeric_limits<float>::infinity()});
    return result;
  }

 private:
  bool in_bias_;
};

TEST(TrainRanker, RefusesWeightsThatAreNotFinite) {
  const Data data = random_data(13, 50, 10);
  for (const bool in_bias : {false, true}) {
    const OverflowingSolver solver(in_bias);
    TrainingHooks hooks;
    hooks.solver = &solver;
    const std::string message = message_of_training(data, tree_of(10, {2}), std::move(hooks));
    EXPECT_NE(message.find("level 1, chunk 0: "), std::string::npos) << message;
    EXPECT_NE(message.find("not finite"), std::string::npos) << message;
  }
}

TEST(TrainRanker, StopsOnRequest) {
  const Data data = random_data(10, 100, 10);
  ThreadPool pool(2);
  Progress progress;
  progress.request_stop();
  try {
    train_ranker({data.features, data.labels}, tree_of(10, {2}), {}, {pool, progress});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

}  // namespace
}  // namespace coppice
