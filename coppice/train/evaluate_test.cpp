// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "coppice/train/training_fixture.h"
#include "coppice/train/validation.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// A model that tells its three labels by one word each, and held-out rows.
class Evaluated : public ::testing::Test {
 protected:
  static TrainingSet sample(const TestFolder& folder) {
    std::string rows;
    for (int i = 0; i < 6; ++i) {
      rows += "{\"text\": \"alpha\", \"labels\": \"a\"}\n{\"text\": \"beta\", \"labels\": \"b\"}\n";
      rows += "{\"text\": \"gamma\", \"labels\": \"c\"}\n";
    }
    TrainingInput input;
    input.path = folder.write("train.jsonl", rows);
    return read_set(input);
  }
  Evaluation judge(const std::string& rows, size_t threads = 1) {
    ThreadPool pool(threads);
    EvaluationInput input;
    input.path = folder_.write("test.jsonl", rows);
    return evaluate(model_, input, {}, pool);
  }

  TestFolder folder_;
  Model model_ = train_on(sample(folder_));
};

// Rankings are a, then b and c in some order, for alpha; likewise for the others.
const std::string kHeldOut =
    "{\"text\": \"alpha\", \"labels\": [\"a\"]}\n"
    "{\"text\": \"beta\", \"labels\": [\"b\", \"a\", \"c\"]}\n"
    "{\"text\": \"gamma\", \"labels\": [\"c\", \"unknown\"]}\n"
    "{\"text\": \"gamma\", \"labels\": [\"unknown\"]}\n";

TEST_F(Evaluated, FiguresAreThoseComputedByHand) {
  const Evaluation evaluation = judge(kHeldOut);
  EXPECT_EQ(evaluation.metrics.rows, 4u);
  EXPECT_EQ(evaluation.report.unseen_label_entries, 2u);
  const MetricsAtK& at1 = evaluation.metrics.bins[0].at[0];
  EXPECT_NEAR(at1.precision, 100 * (1 + 1 + 1 + 0) / 4.0, 1e-9);
  EXPECT_NEAR(at1.recall, 100 * (1 + 1 / 3.0 + 1 / 2.0 + 0) / 4, 1e-9);
  EXPECT_NEAR(at1.ndcg, 100 * (1 + 1 + 1 + 0) / 4.0, 1e-9);
  const MetricsAtK& at3 = evaluation.metrics.bins[0].at[1];
  EXPECT_NEAR(at3.precision, 100 * (1 / 3.0 + 1 + 1 / 3.0 + 0) / 4, 1e-9);
  EXPECT_NEAR(at3.ndcg, 100 * (1 + 1 + 1 / (1 + 1 / std::log2(3.0)) + 0) / 4, 1e-9);
  EXPECT_NEAR(evaluation.metrics.bins[0].mrr, 75, 1e-9);
}

TEST_F(Evaluated, WithoutRowsOrLabelsIsAnError) {
  EXPECT_THAT(message_of([&] { judge("{\"text\": \"alpha\"}\n"); }), HasSubstr("data: "));
  EXPECT_THAT(message_of([&] { judge("\n"); }), HasSubstr("data: "));
}

TEST_F(Evaluated, ValidationKeepsTheFiguresInTheModel) {
  ThreadPool pool(1);
  ValidationInput input;
  input.path = folder_.write("held.jsonl", kHeldOut);
  const Model model = with_validation(model_, input, {}, pool);
  EXPECT_EQ(model.metrics_json(),
            R"({"rows":4,"P@1":75.0,"P@3":41.6667,"P@5":25.0,"R@1":45.8333,"R@3":62.5,"R@5":62.5,"nDCG@1":75.0,)"
            R"("nDCG@3":65.3287,"nDCG@5":65.3287,"PSP@1":)" +
                model.metrics_json().substr(model.metrics_json().find("PSP@1") + 7));
  const auto metrics = nlohmann::json::parse(model.metrics_json());
  const Metrics expected = judge(kHeldOut).metrics;
  for (const MetricsAtK& at : expected.bins[0].at)
    EXPECT_NEAR(metrics["PSP@" + std::to_string(at.k)].get<double>(), at.psp, 1e-4);
  EXPECT_EQ(model_.metrics_json(), "{}");
}

TEST_F(Evaluated, ValidationRowsThatCannotBeReadAreKnownBeforeTraining) {
  ValidationInput input;
  expect_readable(input);
  input.path = folder_.write("held.jsonl", kHeldOut);
  expect_readable(input);
  input.dense_path = folder_.path("missing.npy");
  EXPECT_THAT(message_of([&] { expect_readable(input); }), HasSubstr("missing.npy"));
  input = {folder_.path("missing.jsonl"), {}, {}};
  EXPECT_THAT(message_of([&] { expect_readable(input); }), HasSubstr("missing.jsonl"));
  for (const char* stream : {"-", "/dev/null"}) {
    input.path = stream;
    EXPECT_THAT(message_of([&] { expect_readable(input); }), HasSubstr("usage: "));
  }
}

TEST_F(Evaluated, ValidationRowsThatDoNotFitAreKnownBeforeTraining) {
  const TrainingSet set = sample(folder_);
  const auto refusal = [&](const std::string& name, const std::string& rows, const std::string& dense = "") {
    const ValidationInput input{folder_.write(name, rows), {}, dense.empty() ? "" : folder_.write("d.npy", dense)};
    return message_of([&] { expect_usable(input, {}, set); });
  };
  EXPECT_EQ(refusal("held.jsonl", kHeldOut), "");
  EXPECT_THAT(refusal("held.jsonl", kHeldOut + "{\"text\": 5}\n"), HasSubstr("held.jsonl:5:"));
  EXPECT_THAT(refusal("held.jsonl", "{\"text\": \"alpha\"}\n"), HasSubstr("data: "));
  EXPECT_THAT(refusal("held.jsonl", "{\"text\": \"alpha\"}\n"), HasSubstr("no label in 1 row"));
  EXPECT_THAT(refusal("held.jsonl", "\n"), HasSubstr("no rows: 1 blank line"));
  EXPECT_THAT(refusal("held.svm", "0 1:1\n"), HasSubstr("the rows have features but no text"));
  EXPECT_THAT(refusal("held.jsonl", kHeldOut, npy_bytes(4, 1, {1, 2, 3, 4})), HasSubstr("trained with none"));
  EXPECT_THAT(refusal("held.jsonl", kHeldOut, npy_bytes(3, 1, {1, 2, 3})), HasSubstr("the file has 3 rows"));
  expect_usable({}, {}, set);
}

TEST_F(Evaluated, ValidationOfFeaturesAndDenseOnesAsksForAsMany) {
  TrainingInput trained;
  trained.path = folder_.write("train.svm", "0 1:1\n1 2:1\n");
  trained.dense = folder_.write("two.npy", npy_bytes(2, 2, {1, 2, 3, 4}));
  const TrainingSet set = read_set(trained);
  const auto refusal = [&](const std::string& rows, const std::string& dense) {
    return message_of([&] { expect_usable({rows, {}, dense}, {}, set); });
  };
  EXPECT_EQ(refusal(trained.path, trained.dense), "");
  EXPECT_THAT(refusal(trained.path, ""), HasSubstr("no dense features beside their own, the model was trained with 2"));
  EXPECT_THAT(refusal(trained.path, folder_.write("one.npy", npy_bytes(2, 1, {1, 2}))), HasSubstr("trained with 2"));
  const std::string texts = folder_.write("held.jsonl", "{\"text\": \"alpha\", \"labels\": [0]}\n");
  EXPECT_THAT(refusal(texts, ""), HasSubstr("the rows have texts but no features"));
}

TEST(Evaluate, FiguresAreTheSameForAnyNumberOfThreads) {
  const TestFolder folder;
  TrainingInput input;
  input.path = folder.write("train.jsonl", generated_jsonl(400, 50, 1));
  const Model model = train_on(read_set(input));
  EvaluationInput held_out;
  held_out.path = folder.write("test.jsonl", generated_jsonl(300, 55, 2));
  const auto figures = [&](size_t threads) {
    ThreadPool pool(threads);
    return to_json(evaluate(model, held_out, {}, pool).metrics).dump();
  };
  const std::string one = figures(1);
  EXPECT_GT(nlohmann::json::parse(one)["P@1"].get<double>(), 30);
  EXPECT_EQ(figures(2), one);
  EXPECT_EQ(figures(7), one);
}

}  // namespace
}  // namespace coppice
