// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/beam_search.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "coppice/core/error.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/label_scorer.h"
#include "coppice/rank/matcher.h"
#include "coppice/rank/prediction_fixture.h"

namespace coppice {
namespace {

using testing::exhaustive;
using testing::naive_label_scores;
using testing::random_queries;
using testing::random_ranker;
using testing::RandomRanker;

std::vector<ScoredLabel> search(const Ranker& ranker, SparseRow query, const PredictOptions& options) {
  SearchState state;
  const std::span<const ScoredLabel> found = predict(ranker, query, options, state);
  return {found.begin(), found.end()};
}

void expect_ordered_and_unique(const std::vector<ScoredLabel>& found) {
  std::set<uint32_t> labels;
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(labels.insert(found[i].label).second) << "label " << found[i].label << " twice";
    if (i == 0) continue;
    EXPECT_TRUE(found[i - 1].score > found[i].score ||
                (found[i - 1].score == found[i].score && found[i - 1].label < found[i].label));
  }
}

/// The beam search of the paper, on margins in double precision: keeps the best by score, ties by node.
std::set<uint32_t> naive_beam(const Ranker& ranker, SparseRow query, const PredictOptions& options) {
  std::vector<std::pair<float, uint32_t>> beam = {{-combine_identity(ranker.post_processor), 0}};
  for (size_t level = 0; level < ranker.levels.size(); ++level) {
    std::vector<std::pair<float, uint32_t>> below;
    for (const auto& [negative_score, node] : beam) {
      const std::vector<double> margins = testing::naive_margins(ranker.levels[level].rows(node), query);
      std::vector<float> scores(margins.begin(), margins.end());
      transform_siblings(ranker.post_processor, -negative_score, scores.data(), scores.data(), scores.size());
      const uint32_t first = ranker.tree.first_child[level][node];
      for (uint32_t c = 0; c < scores.size(); ++c) below.emplace_back(-scores[c], first + c);
      if (level + 1 == ranker.levels.size()) {  // ties of the last level are broken by label
        for (size_t i = below.size() - scores.size(); i < below.size(); ++i) {
          below[i].second = ranker.tree.leaf_label[below[i].second];
        }
      }
    }
    std::sort(below.begin(), below.end());
    const bool last = level + 1 == ranker.levels.size();
    below.resize(std::min<size_t>(below.size(), last ? options.top_k : options.beam));
    beam = std::move(below);
  }
  std::set<uint32_t> labels;
  for (const auto& [score, label] : beam) labels.insert(label);
  return labels;
}

TEST(BeamSearch, ExhaustiveScoresAreThoseOfTheNaiveReference) {
  for (const uint32_t copies : {1U, 3U}) {
    RandomRanker shape;
    shape.label_copies = copies;
    const Ranker ranker = random_ranker(shape);
    ASSERT_NO_THROW(ranker.verify());
    const Csr queries = random_queries(12, shape.n_features, 40, 3);
    for (const auto& entry : post_processors()) {
      PredictOptions options = exhaustive();
      options.post_processor = entry.first;
      for (size_t i = 0; i < queries.n_rows(); ++i) {
        const std::vector<float> expected = naive_label_scores(ranker, queries.row(i), entry.first);
        const std::vector<ScoredLabel> found = search(ranker, queries.row(i), options);
        ASSERT_EQ(found.size(), ranker.tree.n_labels) << entry.second;
        expect_ordered_and_unique(found);
        for (const ScoredLabel& label : found) {
          EXPECT_NEAR(label.score, expected[label.label], 2e-4 * (1 + std::fabs(expected[label.label])))
              << entry.second;
        }
      }
    }
  }
}

TEST(BeamSearch, NarrowBeamFindsWhatThePaperFinds) {
  RandomRanker shape;
  shape.branching = {8, 12, 20};
  Ranker ranker = random_ranker(shape);
  const Csr queries = random_queries(40, shape.n_features, 30, 4);
  PredictOptions options;
  options.beam = 4;
  options.top_k = 6;
  for (const PostProcessor post_processor : {PostProcessor::l3_hinge, PostProcessor::noop}) {
    ranker.post_processor = post_processor;
    size_t same = 0;
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      std::set<uint32_t> labels;
      for (const ScoredLabel& label : search(ranker, queries.row(i), options)) labels.insert(label.label);
      same += labels == naive_beam(ranker, queries.row(i), options);
    }
    EXPECT_GE(same, queries.n_rows() - 1) << name(post_processor);  // one query may sit on a tie of rounding
  }
}

TEST(BeamSearch, BatchIsOneAtATimeBitForBitForAnyThreads) {
  for (const uint32_t copies : {1U, 2U}) {
    RandomRanker shape;
    shape.branching = {6, 16, 30};
    shape.label_copies = copies;
    const Ranker ranker = random_ranker(shape);
    const Csr queries = random_queries(200, shape.n_features + 50, 35, 8);
    for (const PostProcessor post_processor :
         {PostProcessor::l3_hinge, PostProcessor::log_sigmoid, PostProcessor::softmax}) {
      PredictOptions options;
      options.beam = 5;
      options.top_k = copies == 1 ? 7 : 40;  // 40: more than a selection keeps sorted
      options.post_processor = post_processor;
      for (const size_t threads : {1, 2, 7}) {
        ThreadPool pool(threads);
        const Predictions batch = predict_batch(ranker, queries, options, pool);
        ASSERT_EQ(batch.n_rows(), queries.n_rows());
        SearchState state;
        for (size_t i = 0; i < queries.n_rows(); ++i) {
          const auto single = predict(ranker, queries.row(i), options, state);
          ASSERT_EQ(batch.counts[i], single.size());
          for (size_t j = 0; j < single.size(); ++j) {
            EXPECT_EQ(batch.row_labels(i)[j], single[j].label);
            EXPECT_EQ(std::bit_cast<uint32_t>(batch.row_scores(i)[j]), std::bit_cast<uint32_t>(single[j].score));
          }
        }
      }
    }
  }
}

TEST(BeamSearch, FilterIsFilteringAnExhaustiveSearch) {
  for (const uint32_t copies : {1U, 3U}) {
    RandomRanker shape;
    shape.label_copies = copies;
    const Ranker ranker = random_ranker(shape);
    const Csr queries = random_queries(10, shape.n_features, 40, 5);
    std::vector<uint32_t> some;
    for (uint32_t label = 0; label < ranker.tree.n_labels; label += 3) some.push_back(label);
    for (const bool allowed : {true, false}) {
      PredictOptions options = exhaustive();
      options.filter = std::make_shared<LabelFilter>(allowed ? LabelFilter::allow(ranker.tree, some)
                                                             : LabelFilter::deny(ranker.tree, some));
      for (size_t i = 0; i < queries.n_rows(); ++i) {
        std::vector<ScoredLabel> expected = search(ranker, queries.row(i), exhaustive());
        std::erase_if(expected, [&](const ScoredLabel& label) { return (label.label % 3 == 0) != allowed; });
        EXPECT_EQ(search(ranker, queries.row(i), options), expected);
      }
    }
  }
}

TEST(BeamSearch, FilterPrunesBeforeTheBeamNotAfter) {
  const Ranker ranker = random_ranker({});
  const Csr queries = random_queries(20, ranker.n_features, 40, 6);
  PredictOptions options;
  options.beam = 1;
  options.top_k = 3;
  for (uint32_t label = 0; label < ranker.tree.n_labels; label += 17) {
    options.filter = std::make_shared<LabelFilter>(LabelFilter::allow(ranker.tree, std::vector<uint32_t>{label}));
    const std::vector<ScoredLabel> found = search(ranker, queries.row(0), options);
    ASSERT_EQ(found.size(), 1U) << "a beam of 1 must go where the allowed label is";
    EXPECT_EQ(found[0].label, label);
  }
}

TEST(BeamSearch, RefusesAFilterOfAnotherTreeAndALabelOutOfRange) {
  const Ranker ranker = random_ranker({});
  RandomRanker other_shape;
  other_shape.branching = {4, 4};
  const Ranker other = random_ranker(other_shape);
  PredictOptions options;
  options.filter = std::make_shared<LabelFilter>(LabelFilter::deny(other.tree, {}));
  SearchState state;
  EXPECT_THROW(predict(ranker, {}, options, state), Error);
  EXPECT_THROW(LabelFilter::allow(ranker.tree, std::vector<uint32_t>{ranker.tree.n_labels}), Error);
}

TEST(BeamSearch, ThresholdAndTopKCutTheList) {
  const Ranker ranker = random_ranker({});
  const Csr queries = random_queries(10, ranker.n_features, 40, 7);
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    const std::vector<ScoredLabel> all = search(ranker, queries.row(i), exhaustive());
    const size_t cut = all.size() / 3;
    PredictOptions options = exhaustive();
    options.threshold = all[cut].score;
    std::vector<ScoredLabel> expected = all;
    std::erase_if(expected, [&](const ScoredLabel& label) { return label.score < options.threshold; });
    EXPECT_EQ(search(ranker, queries.row(i), options), expected);
    EXPECT_EQ(search(ranker, queries.row(i), exhaustive(5)), std::vector<ScoredLabel>(all.begin(), all.begin() + 5));
  }
}

TEST(BeamSearch, BeamPerLevelServesDeeperLevelsWithItsLast) {
  const Ranker ranker = random_ranker({});
  const Csr queries = random_queries(5, ranker.n_features, 40, 9);
  PredictOptions listed;
  listed.beam_per_level = {3};
  PredictOptions plain;
  plain.beam = 3;
  PredictOptions wider;
  wider.beam_per_level = {1000, 1000, 1};
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    EXPECT_EQ(search(ranker, queries.row(i), listed), search(ranker, queries.row(i), plain));
    EXPECT_EQ(search(ranker, queries.row(i), wider), search(ranker, queries.row(i), exhaustive(10)));
  }
  listed.beam_per_level = {1, 1, 1, 1};
  SearchState state;
  EXPECT_THROW(predict(ranker, queries.row(0), listed, state), Error);
}

TEST(BeamSearch, TiesAreBrokenByLabelWhateverTheOrderOfLeaves) {
  RandomRanker shape;
  shape.density = 0;
  shape.wide_share = 0;
  Ranker ranker = random_ranker(shape);
  for (LevelWeights& level : ranker.levels) {
    LevelArrays arrays = level.arrays();
    arrays.bias = std::vector<float>(arrays.bias.size(), 2.0F);
    level = LevelWeights(arrays);
  }
  const std::vector<ScoredLabel> found = search(ranker, {}, exhaustive(8));
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(found[i], (ScoredLabel{i, 1.0F}));
}

TEST(BeamSearch, UnknownFeaturesAreIgnored) {
  const Ranker ranker = random_ranker({});
  CsrBuilder builder(1000000);
  builder.add(5, 0.5F);
  builder.end_row();
  builder.add(5, 0.5F);
  builder.add(400, 3);
  builder.add(999999, 9);
  builder.end_row();
  const Csr queries = builder.build();
  EXPECT_EQ(search(ranker, queries.row(0), {}), search(ranker, queries.row(1), {}));
}

TEST(BeamSearch, OneLevelIsOneVersusRest) {
  RandomRanker shape;
  shape.branching = {600};
  const Ranker ranker = random_ranker(shape);
  const Csr queries = random_queries(5, shape.n_features, 40, 2);
  PredictOptions options;
  options.beam = 1;
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    EXPECT_EQ(search(ranker, queries.row(i), options), search(ranker, queries.row(i), exhaustive(10)));
  }
}

TEST(LabelScorer, GivesTheScoresOfAnExhaustiveSearchBitForBit) {
  for (const uint32_t copies : {1U, 3U}) {
    RandomRanker shape;
    shape.label_copies = copies;
    const Ranker ranker = random_ranker(shape);
    const Csr queries = random_queries(10, shape.n_features, 40, 11);
    for (const PostProcessor post_processor :
         {PostProcessor::l3_hinge, PostProcessor::log_l2_hinge, PostProcessor::softmax}) {
      PredictOptions options = exhaustive();
      options.post_processor = post_processor;
      const LabelScorer scorer(ranker, post_processor);
      LabelScorer::State state;
      CsrBuilder selected(ranker.tree.n_labels);
      std::vector<float> expected;
      for (size_t i = 0; i < queries.n_rows(); ++i) {
        std::vector<float> scores(ranker.tree.n_labels);
        for (const ScoredLabel& label : search(ranker, queries.row(i), options)) scores[label.label] = label.score;
        for (uint32_t label = static_cast<uint32_t>(i); label < ranker.tree.n_labels; label += 7) {
          selected.add(label, 1);
          expected.push_back(scores[label]);
        }
        selected.end_row();
      }
      const Csr wanted = selected.build();
      for (const size_t threads : {1, 2, 7}) {
        ThreadPool pool(threads);
        const Csr scored = scorer.score_all(queries, wanted, pool);
        EXPECT_TRUE(std::equal(scored.values.begin(), scored.values.end(), expected.begin(), expected.end()));
      }
      EXPECT_THROW(scorer.score(queries.row(0), std::vector<uint32_t>{ranker.tree.n_labels}, state), Error);
    }
  }
}

TEST(BeamMatcher, FindsTheBeamOfTheSearch) {
  RandomRanker shape;
  shape.branching = {6, 8, 10};
  const Ranker ranker = random_ranker(shape);
  const Csr queries = random_queries(150, shape.n_features, 30, 12);
  for (const size_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    const std::span<const LevelWeights> two(ranker.levels.data(), 2);
    const Csr matched = BeamMatcher(4).match({queries, ranker.tree, two}, pool);
    ASSERT_NO_THROW(matched.validate("matched"));
    ASSERT_EQ(matched.n_columns, ranker.tree.n_nodes(2));
    Ranker upper;  // the same search, its nodes as labels
    upper.tree.first_child = {ranker.tree.first_child[0], ranker.tree.first_child[1]};
    upper.levels = {ranker.levels[0], ranker.levels[1]};
    upper.n_features = ranker.n_features;
    upper.tree.n_labels = matched.n_columns;
    std::vector<uint32_t> nodes(matched.n_columns);
    for (uint32_t i = 0; i < nodes.size(); ++i) nodes[i] = i;
    upper.tree.leaf_label = nodes;
    PredictOptions options;
    options.beam = options.top_k = 4;
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      std::map<uint32_t, float> expected;
      for (const ScoredLabel& node : search(upper, queries.row(i), options)) expected[node.label] = node.score;
      ASSERT_EQ(matched.row(i).size(), expected.size());
      for (size_t j = 0; j < matched.row(i).size(); ++j) {
        EXPECT_EQ(matched.row(i).values[j], expected.at(matched.row(i).columns[j]));
      }
    }
  }
}

TEST(RankMatches, OfTheBeamsOwnMatchesIsTheSearchBitForBit) {
  RandomRanker shape;
  shape.branching = {6, 8, 10};
  const Ranker ranker = random_ranker(shape);
  const Csr queries = random_queries(150, shape.n_features, 30, 12);
  ThreadPool pool(2);
  PredictOptions options;
  options.beam = 5;
  const Predictions whole = predict_batch(ranker, queries, options, pool);
  for (const size_t level : {1, 2}) {
    const Csr nodes = BeamMatcher(5).match({queries, ranker.tree, std::span(ranker.levels).first(level)}, pool);
    for (const size_t threads : {1, 7}) {
      ThreadPool other(threads);
      const Predictions ranked = rank_matches(ranker, queries, {level, nodes}, options, other);
      EXPECT_EQ(ranked.labels, whole.labels);
      EXPECT_EQ(ranked.scores, whole.scores);
      EXPECT_EQ(ranked.counts, whole.counts);
    }
  }
}

TEST(RankMatches, LooksBelowTheMatchesOnlyAndRefusesOthersShapes) {
  RandomRanker shape;
  shape.branching = {6, 8, 10};
  const Ranker ranker = random_ranker(shape);
  const Csr queries = random_queries(3, shape.n_features, 30, 12);
  ThreadPool pool(1);
  CsrBuilder builder(static_cast<uint32_t>(ranker.tree.n_nodes(2)));
  builder.add(7, 0.5F);
  builder.end_row();
  builder.end_row();  // nothing found
  builder.add(0, 1);
  builder.add(static_cast<uint32_t>(ranker.tree.n_nodes(2)) - 1, 1);
  builder.end_row();
  const Csr nodes = builder.build();
  PredictOptions options;
  options.top_k = 100;
  const Predictions ranked = rank_matches(ranker, queries, {2, nodes}, options, pool);
  const auto& first_child = ranker.tree.first_child[2];
  const uint32_t last = static_cast<uint32_t>(ranker.tree.n_nodes(2)) - 1;
  const auto children = [&](uint32_t node) { return first_child[node + 1] - first_child[node]; };
  ASSERT_EQ(ranked.counts, (std::vector<uint32_t>{children(7), 0, children(0) + children(last)}));
  for (const uint32_t label : ranked.row_labels(0)) {
    const auto& leaves = ranker.tree.leaf_label;
    const auto leaf = static_cast<uint32_t>(std::find(leaves.begin(), leaves.end(), label) - leaves.begin());
    EXPECT_TRUE(leaf >= first_child[7] && leaf < first_child[8]) << label;
  }
  EXPECT_THROW(rank_matches(ranker, queries, {1, nodes}, {}, pool), Error);
  EXPECT_THROW(rank_matches(ranker, queries, {3, nodes}, {}, pool), Error);
  EXPECT_THROW(rank_matches(ranker, random_queries(4, shape.n_features, 30, 12), {2, nodes}, {}, pool), Error);
}

TEST(BeamSearch, HostileArraysNeverLeadOutOfBounds) {
  RandomRanker shape;
  shape.branching = {5, 16, 300};
  shape.n_features = 600;
  shape.density = 0.01;
  const Ranker sound = random_ranker(shape);
  const Csr queries = random_queries(12, shape.n_features, 60, 13);
  Random random(99);
  for (int trial = 0; trial < 24; ++trial) {
    Ranker ranker = sound;
    const bool spoil_all = trial % 2 == 0;
    const auto spoil = [&](auto values) {  // a copy of the array, some bytes or all of them at random
      using T = std::remove_const_t<typename decltype(values)::element_type>;
      std::vector<T> copy(values.begin(), values.end());
      auto* bytes = reinterpret_cast<unsigned char*>(copy.data());
      const size_t n_bytes = copy.size() * sizeof(T);
      for (size_t i = 0; i < n_bytes; i += spoil_all ? 1 : 1 + random.below(200)) {
        bytes[i] = static_cast<unsigned char>(random.next());
      }
      return copy;
    };
    for (size_t level = 0; level < ranker.levels.size(); ++level) {
      LevelArrays arrays = ranker.levels[level].arrays();
      const auto payload = std::make_shared<std::vector<std::byte>>(spoil(arrays.payload.span()));
      arrays.payload = {std::span<const std::byte>(*payload), payload};
      if (trial % 3 == 0) arrays.chunks = spoil(arrays.chunks.span());
      if (trial % 5 == 0) arrays.bias = spoil(arrays.bias.span());
      ranker.levels[level] = LevelWeights(arrays);
      if (trial % 3 == 1) {
        std::vector<uint32_t> first = spoil(ranker.tree.first_child[level].span());
        first.back() = ranker.tree.first_child[level].back();
        ranker.tree.first_child[level] = first;
      }
    }
    if (trial % 4 == 3) ranker.tree.leaf_label = spoil(ranker.tree.leaf_label.span());
    ASSERT_NO_THROW(ranker.check_shapes());
    ThreadPool pool(1);
    PredictOptions options;
    options.beam = trial % 7 == 0 ? 1000 : 10;
    const Predictions batch = predict_batch(ranker, queries, options, pool);
    SearchState state;
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      const auto single = predict(ranker, queries.row(i), options, state);
      EXPECT_EQ(single.size(), batch.counts[i]);
      for (const ScoredLabel& label : single) EXPECT_LT(label.label, ranker.tree.n_labels);
    }
    const LabelScorer scorer(ranker);
    LabelScorer::State scorer_state;
    (void)scorer.score(queries.row(0), std::vector<uint32_t>{0, 1, 2}, scorer_state);
    if (trial % 3 != 1) {
      EXPECT_THROW(ranker.verify(), Error);
    }
  }
}

TEST(BeamSearch, OptionsAreDescribed) {
  PredictOptions options;
  OptionTable table;
  describe(table, options);
  table.find("beam").set_text("25");
  table.find("beam_per_level").set_text("5,10");
  table.find("post_processor").set_text("sigmoid");
  EXPECT_EQ(options.beam, 25U);
  EXPECT_EQ(options.beam_per_level, (std::vector<uint32_t>{5, 10}));
  EXPECT_EQ(options.post_processor, PostProcessor::sigmoid);
  EXPECT_THROW(table.find("beam").set_text("0"), Error);
}

}  // namespace
}  // namespace coppice
