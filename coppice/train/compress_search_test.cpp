// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/compress_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "coppice/rank/batch_prediction.h"
#include "coppice/train/compress_size.h"
#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// A model of 200 labels, the rows it was trained on, and others like them.
class Compressed : public ::testing::Test {
 protected:
  static Model trained(const TestFolder& folder) {
    TrainingInput input;
    input.path = folder.write("train.jsonl", generated_jsonl(600, 200, 1));
    return train_on(read_set(input));
  }
  EvaluationInput trained_on() const { return {folder_.path("train.jsonl"), {}, {}}; }
  EvaluationInput held_out() const { return {folder_.write("held_out.jsonl", generated_jsonl(500, 200, 2)), {}, {}}; }

  CompressSearch search(const CompressBudget& budget, bool refit, size_t threads = 2) const {
    ThreadPool pool(threads);
    Progress progress;
    const Job job{pool, progress};
    const RefitRows rows = read_refit_rows(model_, trained_on(), job);
    return search_compressed(model_, held_out(), refit ? &rows : nullptr, budget, {}, job);
  }

  TestFolder folder_;
  Model model_ = trained(folder_);
  ThreadPool pool_{2};
  Progress progress_;
  Job job_{pool_, progress_};
};

/// Over all chunks, the sizes of the weights.
std::vector<float> sizes_of(const Ranker& ranker) {
  std::vector<float> sizes;
  for (const LevelWeights& level : ranker.levels) {
    for (size_t chunk = 0; chunk < level.n_chunks(); ++chunk) {
      for (const float weight : level.rows(chunk).values) sizes.push_back(std::abs(weight));
    }
  }
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

std::string saved(const Model& model, const std::string& path) {
  model.save(path);
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

double precision_at_1(const Model& model, const EvaluationInput& rows, ThreadPool& pool) {
  return evaluate(model, rows, {}, pool).metrics.bins[0].at[0].precision;
}

TEST_F(Compressed, PruningKeepsTheLargest) {
  Pruner pruner(model_, nullptr, pool_);
  const std::vector<float> before = sizes_of(model_.ranker());
  pruner.keep(before.size() / 3, job_);
  const std::vector<float> after = sizes_of(pruner.model().ranker());
  EXPECT_LE(after.size(), before.size() / 3);
  EXPECT_GT(after.size(), before.size() / 4);
  EXPECT_TRUE(std::equal(after.begin(), after.end(), before.begin()));
  pruner.prune({.threshold = after[after.size() / 2]}, job_);
  EXPECT_EQ(sizes_of(pruner.model().ranker()).back(), after[after.size() / 2]);
}

/// Mean distance of the best scores of two models.
double distance(const Model& a, const Model& b, const Csr& rows, ThreadPool& pool) {
  PredictOptions options;
  options.top_k = 1;
  const Predictions of_a = predict_batch(a.ranker(), rows, options, pool);
  const Predictions of_b = predict_batch(b.ranker(), rows, options, pool);
  double sum = 0;
  for (size_t i = 0; i < rows.n_rows(); ++i) sum += std::abs(of_a.scores[i] - of_b.scores[i]);
  return sum / static_cast<double>(rows.n_rows());
}

TEST_F(Compressed, OnTheirRowsFittedWeightsScoreMoreLikeTheWholeModel) {
  const RefitRows rows = read_refit_rows(model_, trained_on(), job_);
  Pruner plain(model_, nullptr, pool_), fitted(model_, &rows, pool_);
  for (const uint64_t divisor : {4, 8}) {
    plain.keep(model_.ranker().n_weights() / divisor, job_);
    fitted.keep(model_.ranker().n_weights() / divisor, job_);
  }
  EXPECT_LT(distance(fitted.model(), model_, rows.features, pool_),
            0.5 * distance(plain.model(), model_, rows.features, pool_));
}

TEST_F(Compressed, RowsToRefitOnHaveTheModelsLabels) {
  const std::string path = folder_.write(
      "few.jsonl", "{\"text\": \"own0 own4\", \"labels\": [\"l0\", \"never seen\"]}\n{\"text\": \"own8\"}\n");
  const RefitRows rows = read_refit_rows(model_, {path, {}, {}}, job_);
  EXPECT_EQ(rows.labels.n_columns, model_.n_labels());
  EXPECT_EQ(rows.labels.n_nonzeros(), 1u);
  EXPECT_EQ(rows.features.n_columns, model_.n_features());
  EXPECT_EQ(rows.features.n_rows(), 2u);
}

TEST_F(Compressed, TheSmallestThatKeepsToTheBudgetIsChosen) {
  CompressBudget budget;
  budget.max_loss = 1;
  const CompressSearch found = search(budget, true);
  uint64_t least = UINT64_MAX;
  size_t n_chosen = 0, n_beyond = 0;
  for (const CompressCandidate& candidate : found.candidates) {
    EXPECT_EQ(candidate.within, candidate.worst_loss() <= 1);
    if (candidate.within) least = std::min(least, candidate.file_bytes);
    n_chosen += candidate.chosen;
    n_beyond += !candidate.within;
  }
  EXPECT_EQ(n_chosen, 1u);
  EXPECT_GT(n_beyond, 0u);
  EXPECT_LT(found.candidates.back().n_weights, found.whole_weights / 2);
  const auto chosen = std::find_if(found.candidates.begin(), found.candidates.end(),
                                   [](const CompressCandidate& candidate) { return candidate.chosen; });
  EXPECT_EQ(chosen->file_bytes, least);
  EXPECT_TRUE(chosen->within);
}

TEST_F(Compressed, WhatIsSaidOfTheChosenIsTrueOfIt) {
  CompressBudget budget;
  budget.max_loss = 1;
  const CompressSearch found = search(budget, true);
  const auto chosen = std::find_if(found.candidates.begin(), found.candidates.end(),
                                   [](const CompressCandidate& candidate) { return candidate.chosen; });
  const double before = precision_at_1(model_, held_out(), pool_);
  const double after = precision_at_1(found.best, held_out(), pool_);
  EXPECT_NEAR(chosen->precision[0], after, 1e-9);
  EXPECT_NEAR(found.whole_precision[0], before, 1e-9);
  EXPECT_NEAR(chosen->loss[0], before - after, 1e-9);
  const std::string path = folder_.path("small.coppice");
  found.best.save(path);
  EXPECT_EQ(std::filesystem::file_size(path), found.best.saved_bytes());
  EXPECT_EQ(std::filesystem::file_size(path), chosen->file_bytes);
  const auto metrics = nlohmann::json::parse(found.best.metrics_json());
  EXPECT_EQ(metrics["compression"]["weights"], chosen->n_weights);
  EXPECT_NEAR(metrics["compression"]["P@1"].get<double>(), after, 1e-4);
}

TEST_F(Compressed, TheSameForAnyNumberOfThreads) {
  CompressBudget budget;
  budget.max_loss = 2;
  budget.value_bits = {6};
  const CompressSearch one = search(budget, true, 1), more = search(budget, true, 3);
  EXPECT_EQ(to_text(one), to_text(more));
  EXPECT_EQ(saved(one.best, folder_.path("one")), saved(more.best, folder_.path("more")));
}

TEST_F(Compressed, ABudgetThatNothingKeepsToIsAnError) {
  CompressBudget budget;
  budget.max_loss = 0;
  budget.max_disagreement = 0;
  budget.value_bits = {2};
  EXPECT_THAT(message_of([&] { search(budget, false); }), HasSubstr("no smaller model keeps to the budget"));
}

TEST_F(Compressed, TheBudgetOfOtherAnswersHoldsByItself) {
  CompressBudget budget;
  budget.max_loss = 100;
  budget.value_bits = {6, 3};
  const auto weights_within = [&](double max_disagreement) {
    budget.max_disagreement = max_disagreement;
    const CompressSearch found = search(budget, false);
    for (const CompressCandidate& candidate : found.candidates) {
      EXPECT_EQ(candidate.within, candidate.disagreement <= max_disagreement);
    }
    return found.best.ranker().n_weights();
  };
  EXPECT_LT(weights_within(20), weights_within(2));
}

TEST_F(Compressed, RowsOfAnotherModelAreAnError) {
  const std::string path = folder_.write("others.jsonl", "{\"text\": \"own0 own4\", \"labels\": [\"never seen\"]}\n");
  try {
    search_compressed(model_, {path, {}, {}}, nullptr, {}, {}, job_);
    FAIL() << "the smallest model would have no weights";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("rows of another model"), std::string::npos) << error.message();
  }
}

TEST_F(Compressed, TheMostBitsAreTriedFirst) {
  CompressBudget budget;
  budget.max_loss = 5;
  budget.value_bits = {2, 8};
  const CompressSearch found = search(budget, false);
  EXPECT_EQ(found.candidates.front().value_bits, 8U);
}

TEST_F(Compressed, ADrawingShowsEveryCandidate) {
  CompressBudget budget;
  budget.max_loss = 3;
  budget.value_bits = {8, 4};
  const CompressSearch found = search(budget, false);
  const std::string svg = to_svg(found, budget);
  size_t n_titles = 0;
  for (size_t at = svg.find("<title>"); at != std::string::npos; at = svg.find("<title>", at + 1)) ++n_titles;
  EXPECT_EQ(n_titles, found.candidates.size());
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(to_json(found)["candidates"].size(), found.candidates.size());
}

TEST_F(Compressed, AFileHasRoomForSoManyWeights) {
  const uint64_t all = compress(model_, {}, pool_).saved_bytes();
  const Model fits = compress_to_size(model_, nullptr, all, {}, job_);
  EXPECT_EQ(fits.ranker().n_weights(), compress(model_, {}, pool_).ranker().n_weights());
  const uint64_t none = compress_to_size(model_, nullptr, all - 1, {}, job_).saved_bytes();
  EXPECT_LT(none, all);
  const uint64_t budget = all - (all - 8000) / 2;
  const RefitRows rows = read_refit_rows(model_, trained_on(), job_);
  for (const RefitRows* fit_to : {static_cast<const RefitRows*>(nullptr), &rows}) {
    const Model small = compress_to_size(model_, fit_to, budget, {}, job_);
    EXPECT_LE(small.saved_bytes(), budget);
    EXPECT_GT(small.saved_bytes(), budget * (fit_to == nullptr ? 90 : 97) / 100);
  }
  EXPECT_THAT(message_of([&] { compress_to_size(model_, nullptr, 4000, {}, job_); }), HasSubstr("the file would have"));
}

TEST_F(Compressed, StopsWhenAsked) {
  progress_.request_stop();
  Pruner pruner(model_, nullptr, pool_);
  EXPECT_THAT(message_of([&] { pruner.keep(100, job_); }), HasSubstr("cancelled"));
}

}  // namespace
}  // namespace coppice
