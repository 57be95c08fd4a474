// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string_view>

#include "coppice/rank/matcher.h"
#include "coppice/rank/solver.h"
#include "coppice/train/training_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Asks to stop as soon as the second level begins: the checkpoint of the first one is there then.
class StopAtLevelTwo : public Progress {
 public:
  void stage(std::string_view name, uint64_t) override {
    if (name.find("level 2") != std::string_view::npos) request_stop();
  }
};

/// A training that was interrupted, and what it is resumed with.
class Resumed : public ::testing::Test {
 protected:
  void SetUp() override {
    TrainingInput input;
    input.path = folder_.write("train.jsonl", generated_jsonl(300, 40, 5));
    set_ = read_set(input);
    options_.index.branching = 4;
    options_.index.max_leaf = 4;
    options_.ranker.matcher_beam = 1;  // too few for a level to be trained before the one above it
  }

  /// Trains until the first level is done.
  void interrupt(TrainExtras extras = {}) {
    extras.checkpoint_path = path_;
    StopAtLevelTwo progress;
    ThreadPool pool(1);
    EXPECT_THAT(message_of([&] { train(set_, options_, extras, {pool, progress}); }), HasSubstr("stopped"));
    ASSERT_TRUE(std::filesystem::exists(path_));
  }

  /// The error of going on with these; "" if there is none.
  std::string refusal(TrainExtras extras = {}) {
    extras.checkpoint_path = path_;
    extras.resume = true;
    Progress progress;
    ThreadPool pool(1);
    return message_of([&] { train(set_, options_, extras, {pool, progress}); });
  }

  LabelTree tree_of(uint64_t seed) const {
    TrainOptions options = options_;
    options.seed = seed;
    Progress progress;
    ThreadPool pool(1);
    return index_labels(set_, options, {}, {pool, progress});
  }

  /// One row for each label, with one feature of this value.
  Csr label_features(float value) const {
    CsrBuilder builder(3);
    for (uint32_t label = 0; label < set_.labels.n_columns; ++label) {
      builder.add(label % 3, value + static_cast<float>(label));
      builder.end_row();
    }
    return builder.build();
  }

  /// One negative for each row.
  Csr negatives(uint32_t step) const {
    CsrBuilder builder(set_.labels.n_columns);
    for (uint32_t row = 0; row < set_.n_rows(); ++row) {
      builder.add(row * step % set_.labels.n_columns, 1);
      builder.end_row();
    }
    return builder.build();
  }

  std::string bytes_of(const std::string& name) const {
    std::ifstream file(folder_.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TestFolder folder_;
  std::string path_ = folder_.path("model.checkpoint");
  TrainingSet set_;
  TrainOptions options_;
};

constexpr const char* kRefused = "the checkpoint is of other data or other options";

/// Hears which levels are trained.
class Levels : public Progress {
 public:
  void stage(std::string_view name, uint64_t) override {
    if (name.find("level") != std::string_view::npos) ++trained;
  }
  int trained = 0;
};

TEST_F(Resumed, AfterTheLastLevelTrainsNothingAnew) {
  TrainExtras extras;
  extras.checkpoint_path = path_;
  Levels first, second;
  ThreadPool pool(1);
  const Model whole = train(set_, options_, extras, {pool, first});
  EXPECT_GT(first.trained, 1);
  extras.resume = true;
  const Model resumed = train(set_, options_, extras, {pool, second});
  EXPECT_EQ(second.trained, 0);
  whole.save(folder_.path("whole"));
  resumed.save(folder_.path("resumed"));
  EXPECT_EQ(bytes_of("whole"), bytes_of("resumed"));
}

TEST_F(Resumed, WithAnotherTreeIsRefused) {
  const LabelTree one = tree_of(1), same = tree_of(1), other = tree_of(2);
  TrainExtras extras;
  extras.tree = &one;
  interrupt(extras);
  extras.tree = &other;
  EXPECT_THAT(refusal(extras), HasSubstr(kRefused));
  EXPECT_THAT(refusal(), HasSubstr(kRefused));
  extras.tree = &same;
  EXPECT_EQ(refusal(extras), "");
}

TEST_F(Resumed, ATreeOfMoreLabelsThanTheExamplesHaveIsToldBeforeTraining) {
  LabelTree larger;
  larger.n_labels = set_.labels.n_columns + 2;
  larger.first_child = {std::vector<uint32_t>{0, larger.n_labels}};
  std::vector<uint32_t> leaves(larger.n_labels);
  std::iota(leaves.begin(), leaves.end(), 0);
  larger.leaf_label = std::move(leaves);
  TrainExtras extras;
  extras.tree = &larger;
  EXPECT_THAT(refusal(extras), HasSubstr(", the examples " + std::to_string(set_.labels.n_columns)));
}

TEST_F(Resumed, WithOtherDomainsGivesTheModelThoseAlone) {
  const uint32_t n_labels = set_.labels.n_columns;
  const LabelDomains one =
      LabelDomains::from({"even"}, std::vector<std::optional<uint32_t>>(n_labels, std::optional<uint32_t>(0)));
  const LabelDomains other({"a", "b"}, std::vector<uint8_t>(n_labels, 1), {});
  TrainExtras extras;
  extras.domains = &one;
  interrupt(extras);
  extras.domains = &other;
  extras.checkpoint_path = path_;
  extras.resume = true;
  Progress progress;
  ThreadPool pool(1);
  const Model model = train(set_, options_, extras, {pool, progress});
  EXPECT_EQ(model.domains().names(), other.names());
  EXPECT_EQ(model.domains().of(n_labels - 1), 1u);
  EXPECT_EQ(model.fingerprint(), train_on(set_, options_).fingerprint());
}

TEST_F(Resumed, DomainsOfOtherLabelsAreToldBeforeTraining) {
  const LabelDomains fewer({"a"}, std::vector<uint8_t>{0}, {});
  TrainExtras extras;
  extras.domains = &fewer;
  EXPECT_THAT(refusal(extras), HasSubstr("the domains are those of 1 label, the examples have"));
}

TEST_F(Resumed, WithOtherLabelFeaturesIsRefused) {
  options_.embedding.method = EmbeddingMethod::pifa_concat;
  const Csr one = label_features(1), same = label_features(1), other = label_features(2);
  TrainExtras extras;
  extras.label_features = &one;
  interrupt(extras);
  extras.label_features = &other;
  EXPECT_THAT(refusal(extras), HasSubstr(kRefused));
  extras.label_features = &same;
  EXPECT_EQ(refusal(extras), "");
}

TEST_F(Resumed, WithOtherNegativesIsRefused) {
  options_.ranker.negatives = {"tfn+man+usn"};
  const Csr one = negatives(1), same = negatives(1), other = negatives(7);
  TrainExtras extras;
  extras.negatives = &one;
  interrupt(extras);
  extras.negatives = &other;
  EXPECT_THAT(refusal(extras), HasSubstr(kRefused));
  extras.negatives = &same;
  EXPECT_EQ(refusal(extras), "");
}

TEST_F(Resumed, WithAStageOfTheUsersOwnMoreOrLessIsRefused) {
  const BeamMatcher matcher(3, PostProcessor::l3_hinge);
  const auto embedder = make_embedder({});
  const auto indexer = make_indexer(options_.index);
  TrainExtras own_matcher, own_embedder, own_indexer, own_solver;
  own_matcher.matcher = &matcher;
  own_embedder.embedder = embedder.get();
  own_indexer.indexer = indexer.get();
  own_solver.solver = &joint_solver();
  interrupt();
  for (const TrainExtras& extras : {own_matcher, own_embedder, own_indexer, own_solver}) {
    EXPECT_THAT(refusal(extras), HasSubstr(kRefused));
  }
  interrupt(own_matcher);
  EXPECT_THAT(refusal(), HasSubstr(kRefused));
  EXPECT_THAT(refusal(own_embedder), HasSubstr(kRefused));
  EXPECT_EQ(refusal(own_matcher), "");
}

TEST_F(Resumed, FingerprintsOfExtrasDiffer) {
  const Csr matrix = label_features(1);
  TrainExtras features, negatives;
  features.label_features = &matrix;
  negatives.negatives = &matrix;
  EXPECT_NE(fingerprint(features), fingerprint(negatives));
  EXPECT_NE(fingerprint(features), fingerprint(TrainExtras{}));
  TrainExtras resumed = features;
  resumed.checkpoint_path = path_;
  resumed.resume = true;
  EXPECT_EQ(fingerprint(resumed), fingerprint(features));
}

/// Keeps the notes.
class NotesSeen : public Progress {
 public:
  void note(std::string_view text) override { notes += std::string(text) + "\n"; }
  std::string notes;
};

TEST_F(Resumed, ACheckpointThatWouldSpareWorkIsNamedWhenTrainingBeginsAnew) {
  const auto notes = [&](bool resume) {
    interrupt();
    TrainExtras extras;
    extras.checkpoint_path = path_;
    extras.resume = resume;
    NotesSeen progress;
    ThreadPool pool(1);
    train(set_, options_, extras, {pool, progress});
    return progress.notes;
  };
  EXPECT_THAT(notes(false), HasSubstr("note: " + path_ + " holds 1 finished level of this same training"));
  EXPECT_THAT(notes(false), HasSubstr("--resume would go on from there"));
  EXPECT_THAT(notes(true), Not(HasSubstr("--resume")));
  interrupt();
  options_.seed = 99;  // of another training
  TrainExtras extras;
  extras.checkpoint_path = path_;
  NotesSeen progress;
  ThreadPool pool(1);
  train(set_, options_, extras, {pool, progress});
  EXPECT_THAT(progress.notes, Not(HasSubstr("--resume")));
}

TEST_F(Resumed, TheModelHoldsStopWordsAndNotWhereTheyCameFrom) {
  const auto model_with = [&](const std::string& file, const std::vector<std::string>& words) {
    TrainOptions options = options_;
    if (!file.empty()) options.vectorizer.stop_words_file = folder_.write(file, "word1\nword2\n");
    options.vectorizer.stop_words = words;
    TrainingInput input;
    input.path = folder_.path("train.jsonl");
    ThreadPool pool(1);
    Progress progress;
    const TrainingSet set = read_training_set(input, options.vectorizer, {pool, progress});
    train(set, options, {}, {pool, progress}).save(folder_.path("model"));
    std::ifstream saved(folder_.path("model"), std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(saved), {}};
  };
  const std::string model = model_with("here.txt", {});
  EXPECT_TRUE(model == model_with("caf\xe9.txt", {}));
  EXPECT_TRUE(model == model_with("", {"word1", "word2"}));
  EXPECT_EQ(model.find("here.txt"), std::string::npos);
  EXPECT_NE(model.find(R"("stop_words":["word1","word2"])"), std::string::npos);
}

/// Notes whether an index was built.
class StagesSeen : public Progress {
 public:
  void stage(std::string_view name, uint64_t) override { names += std::string(name) + "; "; }
  std::string names;
};

TEST_F(Resumed, WhatNoRankerCanBeTrainedOnIsToldBeforeTheIndexIsBuilt) {
  CsrBuilder builder(set_.labels.n_columns);
  builder.end_row();
  const Csr one_row = builder.build();
  TrainExtras extras;
  extras.negatives = &one_row;
  StagesSeen progress;
  ThreadPool pool(1);
  EXPECT_THAT(message_of([&] { train(set_, options_, extras, {pool, progress}); }), HasSubstr("negatives have 1 row"));
  EXPECT_EQ(progress.names, "");
}

}  // namespace
}  // namespace coppice
