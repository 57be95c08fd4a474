// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <utility>

#include "coppice/core/random.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/tree_over_ranks_message.h"
#include "coppice/rank/ranker_training.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

struct Data {
  Csr features, labels, negatives;
  std::vector<float> weights;

  RankerInput input() const { return {features, labels, weights, &negatives}; }
};

// Each label likes three features of its own; rows have no label, one or two, relevances and weights, some of them 0.
Data random_data(uint64_t seed, size_t n_rows, uint32_t n_labels) {
  Random random(seed);
  CsrBuilder features(n_labels * 3 + 40), labels(n_labels), negatives(n_labels);
  Data data;
  for (size_t i = 0; i < n_rows; ++i) {
    for (uint32_t k = i % 17 == 0 ? 0 : 1 + random.below(2); k > 0; --k) {
      const uint32_t label = random.below(n_labels);
      labels.add(label, 1.0F + static_cast<float>(label % 3));
      features.add(label * 3 + random.below(3), 1.0F);
      features.add(label * 3 + random.below(3), 0.5F);
    }
    for (int j = 0; j < 6; ++j) features.add(n_labels * 3 + random.below(40), 0.4F);
    negatives.add(random.below(n_labels), 1);
    for (CsrBuilder* matrix : {&features, &labels, &negatives}) matrix->end_row();
    data.weights.push_back(static_cast<float>(random.below(4)));
  }
  ThreadPool pool(1);
  data.features = normalize_rows_l2(features.build(), pool);
  data.labels = labels.build();
  data.negatives = negatives.build();
  return data;
}

/// A tree whose levels have so many nodes, then a leaf for each label.
LabelTree tree_of(uint32_t n_labels, std::vector<uint32_t> widths) {
  LabelTree tree;
  tree.n_labels = n_labels;
  widths.push_back(n_labels);
  uint32_t parents = 1;
  for (const uint32_t nodes : widths) {
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

using RunWorkers = std::function<void(uint32_t, const std::function<void(Transport&)>&)>;

void in_shared_memory(uint32_t n_workers, const std::function<void(Transport&)>& work) {
  run_workers(n_workers, 0, work);
}

struct Crew {
  uint32_t n_ranks = 1;
  size_t threads = 1;
  RunWorkers run = in_shared_memory;
};

/// What the first rank has in the end.
struct Trained {
  Ranker ranker;
  std::vector<RankReport> reports;
};

Trained train_over(const Crew& crew, const RankerInput& input, const LabelTree& tree, const RankerOptions& options) {
  Trained trained;
  crew.run(crew.n_ranks, [&](Transport& transport) {
    ThreadPool pool(crew.threads);
    Progress progress;
    const Job job{pool, progress};
    if (transport.rank() > 0) return train_for_first_rank(transport, job);
    TreeOverRanks ranks(transport);
    TrainingHooks hooks;
    hooks.train_levels = [&](auto tasks, Job of_all, const auto& done) { ranks.train_levels(tasks, of_all, done); };
    trained.ranker = train_ranker(input, tree, options, job, std::move(hooks));
    trained.reports = ranks.finish();
  });
  return trained;
}

Ranker train_alone(const RankerInput& input, const LabelTree& tree, const RankerOptions& options) {
  ThreadPool pool(1);
  Progress progress;
  return train_ranker(input, tree, options, {pool, progress});
}

template <class T>
bool same_bytes(const Array<T>& a, const Array<T>& b) {
  return std::ranges::equal(std::as_bytes(a.span()), std::as_bytes(b.span()));
}

void expect_same_bytes(const Ranker& a, const Ranker& b) {
  ASSERT_EQ(a.levels.size(), b.levels.size());
  for (size_t level = 0; level < a.levels.size(); ++level) {
    const LevelArrays& x = a.levels[level].arrays();
    const LevelArrays& y = b.levels[level].arrays();
    EXPECT_TRUE(same_bytes(x.chunks, y.chunks) && same_bytes(x.bias, y.bias) && same_bytes(x.payload, y.payload))
        << "level " << level;
  }
}

RankerOptions with_negatives(std::vector<std::string> negatives) {
  RankerOptions options;
  options.negatives = std::move(negatives);
  options.matcher_beam = 5;
  return options;
}

TEST(TreeOverRanks, ARankerHasTheSameBytesForAnyNumberOfRanksAndAnyKindOfNegatives) {
  const Data data = random_data(1, 300, 60);
  const LabelTree tree = tree_of(60, {8, 20});
  for (const auto& negatives :
       {std::vector<std::string>{"tfn"}, {"man"}, {"usn"}, {"tfn+man"}, {"tfn+man+usn"}, {"tfn", "usn", "tfn+man"}}) {
    const RankerOptions options = with_negatives(negatives);
    const Ranker alone = train_alone(data.input(), tree, options);
    EXPECT_GT(alone.n_weights(), 500u);
    for (const uint32_t n_ranks : {1, 2, 3, 4, 7}) {
      for (const size_t threads : {1, 2}) {
        SCOPED_TRACE(testing::Message() << negatives.back() << ", " << n_ranks << " ranks, " << threads << " threads");
        expect_same_bytes(alone, train_over({n_ranks, threads}, data.input(), tree, options).ranker);
      }
    }
  }
}

TEST(TreeOverRanks, AnyTreeWillDo) {
  const Data data = random_data(2, 200, 40);
  for (const auto& widths : {std::vector<uint32_t>{}, {1}, {2}, {3, 6}, {2, 4, 8, 16}, {40}}) {
    const LabelTree tree = tree_of(40, widths);
    for (const char* negatives : {"tfn", "tfn+man"}) {
      const RankerOptions options = with_negatives({negatives});
      const Ranker alone = train_alone(data.input(), tree, options);
      for (const uint32_t n_ranks : {3, 4}) {
        SCOPED_TRACE(testing::Message() << widths.size() << " levels, " << negatives << ", " << n_ranks << " ranks");
        const Crew crew{n_ranks, 1, [](uint32_t n, const auto& work) { run_workers_by_messages(n, work); }};
        expect_same_bytes(alone, train_over(crew, data.input(), tree, options).ranker);
      }
    }
  }
}

TEST(TreeOverRanks, OptionsOfLevelsCostsAndWeightsReachTheOthers) {
  const Data data = random_data(3, 300, 50);
  const LabelTree tree = tree_of(50, {12});
  const RankerInput no_weights{data.features, data.labels};
  RankerOptions pruned = with_negatives({"tfn+man"});
  pruned.level_max_weights = {30, 7};
  pruned.level_threshold = {0.01F, 0.2F};
  RankerOptions costs = with_negatives({"tfn"});
  costs.level_c_positive = {1, 4};
  costs.level_c_negative = {1, 0.5};
  costs.relevance = Relevance::induce;
  RankerOptions solver = with_negatives({"tfn"});
  solver.relevance = Relevance::leaf;
  solver.solver = {Loss::logistic, 2, 1, 0.5, 0.01F, 17, 5, nullptr};
  for (const RankerOptions& options : {pruned, costs, solver}) {
    for (const RankerInput& input : {data.input(), no_weights}) {
      expect_same_bytes(train_alone(input, tree, options), train_over({3}, input, tree, options).ranker);
    }
  }
}

TEST(TreeOverRanks, AWorkerGetsTheRowsOfItsSubTreesAlone) {
  // Rows of one label each, and of one feature: a quarter of the labels needs a quarter of the rows.
  CsrBuilder features(64), labels(64);
  for (uint32_t i = 0; i < 640; ++i) {
    features.add(i % 64, 1), labels.add(i % 64, 1);
    features.end_row(), labels.end_row();
  }
  const Csr x = features.build(), y = labels.build();
  const Trained trained = train_over({4}, {x, y}, tree_of(64, {16}), with_negatives({"tfn"}));
  ASSERT_EQ(trained.reports.size(), 4u);
  EXPECT_EQ(trained.reports[0].rows, 640u);
  uint64_t chunks = 0;
  for (const RankReport& report : trained.reports) chunks += report.chunks;
  EXPECT_EQ(chunks, 17u);
  for (uint32_t rank = 1; rank < 4; ++rank) EXPECT_LE(trained.reports[rank].rows, 320u) << rank;
}

TEST(TreeOverRanks, ARowGoesToAWorkerOnce) {
  const Data data = random_data(4, 300, 60);
  const Trained trained = train_over({3}, data.input(), tree_of(60, {12, 30}), with_negatives({"tfn+man"}));
  for (const RankReport& report : trained.reports) EXPECT_LE(report.rows, 300u);
}

struct FailingSolver final : ChunkSolver {
  LaneWeights solve(const ChunkProblem&, ChildRange, const SolverOptions&, const PruneOptions&) const override {
    throw Error(ErrorCode::data, "a weight that is no number", "level 2", "scale it down");
  }
};

/// Runs two ranks, the second of which fails in its own training: what each of them throws.
std::vector<std::string> failure_of_second(const Data& data) {
  std::vector<std::string> said(2);
  run_workers(2, 0, [&](Transport& transport) {
    ThreadPool pool(1);
    Progress progress;
    try {
      if (transport.rank() == 1) return train_for_first_rank(transport, {pool, progress}, FailingSolver());
      TreeOverRanks ranks(transport);
      TrainingHooks hooks;
      hooks.train_levels = [&](auto tasks, Job job, const auto& done) { ranks.train_levels(tasks, job, done); };
      train_ranker(data.input(), tree_of(40, {10}), with_negatives({"tfn"}), {pool, progress}, std::move(hooks));
    } catch (const Error& error) {
      said[transport.rank()] = std::string(name(error.code())) + ": " + error.what();
    }
  });
  return said;
}

TEST(TreeOverRanks, WhatAWorkerThrowsComesBackWithItsCodeAndItsNumber) {
  const std::vector<std::string> said = failure_of_second(random_data(5, 200, 40));
  EXPECT_EQ(said[0], "data: worker 1: a weight that is no number");
  EXPECT_EQ(said[1], "data: a weight that is no number");
}

TEST(TreeOverRanks, WhatTheFirstWorkerThrowsEndsTheOthers) {
  std::vector<std::string> said(3);
  run_workers(3, 0, [&](Transport& transport) {
    ThreadPool pool(1);
    Progress progress;
    if (transport.rank() == 0) return TreeOverRanks(transport).fail(Error(ErrorCode::io, "no such file", "a.jsonl"));
    try {
      train_for_first_rank(transport, {pool, progress});
    } catch (const Error& error) {
      said[transport.rank()] = error.message();
      EXPECT_EQ(error.code(), ErrorCode::io);
    }
  });
  for (const uint32_t rank : {1, 2}) EXPECT_THAT(said[rank], HasSubstr("worker 0: no such file")) << rank;
}

TEST(TreeOverRanks, WhoIsToldToStopWhileItWaitsForOthersStops) {
  const Data data = random_data(6, 200, 40);
  ErrorCode code = ErrorCode::internal;
  run_workers(2, 0, [&](Transport& transport) {
    ThreadPool pool(1);
    Progress progress;
    if (transport.rank() == 1) {  // takes what comes, and never answers
      try {
        for (;;) transport.receive(0);
      } catch (const Error&) {
        return;
      }
    }
    TreeOverRanks ranks(transport);
    TrainingHooks hooks;
    hooks.train_levels = [&](auto tasks, Job job, const auto& done) {
      const std::jthread stopping([&] { progress.request_stop(); });
      ranks.train_levels(tasks, job, done);
    };
    try {
      train_ranker(data.input(), tree_of(40, {10}), with_negatives({"tfn"}), {pool, progress}, std::move(hooks));
    } catch (const Error& error) {
      code = error.code();
      ranks.fail(error);
    }
  });
  EXPECT_EQ(code, ErrorCode::cancelled);
}

TEST(TreeOverRanks, AWorkerIsNotTakenForDeadWhileItLives) {
  // Four times as long as the limit, and nobody says anything but that it lives.
  const auto idle = [](double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); };
  const auto run = [&](bool lives) {
    run_workers_by_messages(2, [&](Transport& transport) {
      transport.set_time_limit(0.1);
      ThreadPool pool(1);
      Progress progress;
      if (transport.rank() == 1) return train_for_first_rank(transport, {pool, progress});
      if (!lives) return idle(0.3);
      TreeOverRanks ranks(transport);
      idle(0.4);
      ranks.finish();
    });
  };
  run(true);
  try {
    run(false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr("workers that did not come in time: 0"));
  }
}

TEST(ShareChunks, RunsOfNeighboursCoverEachLevelAndWeighAboutTheSame) {
  Random random(7);
  std::vector<std::vector<uint64_t>> costs{{1000}, {}, {}};
  for (int i = 0; i < 50; ++i) costs[1].push_back(1 + random.below(100));
  for (int i = 0; i < 1000; ++i) costs[2].push_back(1 + random.below(100));
  for (const uint32_t n_ranks : {1, 2, 3, 4, 7, 64}) {
    const auto shares = share_chunks(costs, n_ranks);
    double all = 0, most = 0;
    for (size_t task = 0; task < costs.size(); ++task) {
      size_t next = 0;
      for (uint32_t rank = 0; rank < n_ranks; ++rank) {
        EXPECT_EQ(shares[rank][task].begin, next);
        next = shares[rank][task].end;
      }
      EXPECT_EQ(next, costs[task].size());
    }
    EXPECT_EQ(shares[0][0].end, 1u);
    for (const auto& share : shares) {
      double load = 0;
      for (size_t task = 0; task < costs.size(); ++task) {
        for (size_t chunk = share[task].begin; chunk < share[task].end; ++chunk) {
          load += static_cast<double>(costs[task][chunk]);
        }
      }
      all += load;
      most = std::max(most, load);
    }
    EXPECT_LE(most, all / n_ranks + 200) << n_ranks;  // two chunks
  }
}

TEST(TreeMessage, OneThatIsCutOffIsAnErrorAtAnyByte) {
  const Data data = random_data(8, 20, 8);
  TreeMessageWriter message(TreeMessage::rows);
  write(message, SharedRows{8,
                            data.features.n_nonzeros(),
                            {1, 5, 7},
                            select_rows(data.features, std::vector<uint32_t>{1, 5, 7}),
                            {1, 2, 3}});
  const std::vector<std::byte> whole(message.bytes().begin(), message.bytes().end());
  TreeMessageReader same(whole);
  EXPECT_EQ(same.kind(), TreeMessage::rows);
  EXPECT_EQ(read_rows(same).numbers, (std::vector<uint32_t>{1, 5, 7}));
  EXPECT_TRUE(same.at_end());
  for (size_t size = 0; size < whole.size(); ++size) {
    const auto part = whole.begin() + static_cast<std::ptrdiff_t>(size);
    EXPECT_THROW(
        {
          TreeMessageReader cut(std::vector<std::byte>(whole.begin(), part));
          read_rows(cut);
        },
        Error)
        << size;
  }
}

}  // namespace
}  // namespace coppice
