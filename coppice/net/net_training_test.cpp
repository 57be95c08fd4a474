// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/strategy.h"
#include "coppice/model/model.h"
#include "coppice/net/net_evaluation.h"
#include "coppice/net/net_fixture.h"
#include "coppice/net/net_sections.h"

namespace coppice {
namespace {

NetTrainOptions small_options(Strategy strategy, uint32_t n_workers) {
  NetTrainOptions options;
  options.network.hidden = {6};
  options.network.embedding = 4;
  options.network.context = 1;
  options.minibatch = 4;
  options.epochs = 12;
  options.hybrid.block_minibatches = 5;
  options.hybrid.sgd.learning_rate = 0.3;
  if (strategy == Strategy::hybrid) options.hybrid.group_size = 2;
  options.hybrid.compression.density = 0.1;
  options.hybrid = resolve({strategy, "auto"}, options.hybrid, n_workers);
  return options;
}

using Run = std::function<void(uint32_t, const std::function<void(Transport&)>&)>;

const Run kThreads = [](uint32_t n, const auto& work) { run_workers(n, 2, work); };
const Run kMessages = [](uint32_t n, const auto& work) { run_workers_by_messages(n, work); };

NetTraining train(const NetSet& set, uint32_t n_workers, const NetTrainOptions& options, const Run& run = kThreads) {
  NetTraining first;
  run(n_workers, [&](Transport& transport) {
    Progress progress;
    NetTraining own = train_network(transport, set, {}, options, progress);
    if (transport.rank() == 0) first = std::move(own);
  });
  return first;
}

double error_of(const NetSet& set, const NetTraining& training, const NetTrainOptions& options) {
  ThreadPool pool(2);
  Progress progress;
  const NetModel model = make_net_model(set, training, {}, options);
  return error_rate(evaluate_network(model, set.rows.examples, {}, {pool, progress}));
}

class EachStrategy : public testing::TestWithParam<Strategy> {};

TEST_P(EachStrategy, FourWorkersLearn) {
  const NetSet set = small_text_set(200);
  const NetTrainOptions options = small_options(GetParam(), 4);
  EXPECT_LT(error_of(set, train(set, 4, options), options), 15);
}

TEST_P(EachStrategy, ThreadsAndMessagesGiveTheSameBits) {
  const NetSet set = small_speech_set(60);
  NetTrainOptions options = small_options(GetParam(), 4);
  options.epochs = 4;
  options.network.dropout = 0.2;
  EXPECT_EQ(train(set, 4, options).parameters, train(set, 4, options, kMessages).parameters);
}

std::string name_of(const testing::TestParamInfo<Strategy>& info) {
  constexpr const char* kNames[] = {"Sync", "Gtc", "Bmuf", "Hybrid"};
  return kNames[int(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Strategies, EachStrategy,
                         testing::Values(Strategy::sync, Strategy::gtc, Strategy::bmuf, Strategy::hybrid), name_of);

/// A library for matrices that several threads must not call at a time would show here.
TEST(NetTraining, ThreadsGiveTheSameBitsEachTime) {
  const NetSet set = small_speech_set(60);
  const NetTrainOptions options = small_options(Strategy::bmuf, 4);
  const std::vector<float> once = train(set, 4, options).parameters;
  for (int time = 0; time < 10; ++time) ASSERT_EQ(train(set, 4, options).parameters, once);
}

TEST(NetTraining, OneWorkerIsTheSameByEachStrategy) {
  const NetSet set = small_text_set(60);
  const std::vector<float> expected = train(set, 1, small_options(Strategy::sync, 1)).parameters;
  for (const Strategy strategy : {Strategy::gtc, Strategy::bmuf}) {
    EXPECT_EQ(train(set, 1, small_options(strategy, 1)).parameters, expected);
  }
}

/// `work` fails on one of two workers: what comes of it?
std::string message_of(const std::function<void(Transport&)>& work) {
  try {
    run_workers(2, 2, work);
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

TEST(NetTraining, WorkersWithOtherRowsAreRefused) {
  const NetSet one = small_text_set(60), other = small_text_set(61);
  const std::string message = message_of([&](Transport& transport) {
    Progress progress;
    train_network(transport, transport.rank() == 0 ? one : other, {}, small_options(Strategy::sync, 2), progress);
  });
  EXPECT_THAT(message, testing::HasSubstr("worker 1"));
}

TEST(NetTraining, ARequestToStopEndsAllWorkers) {
  const NetSet set = small_text_set(60);
  const std::string message = message_of([&](Transport& transport) {
    Progress progress;
    if (transport.rank() == 1) progress.request_stop();
    train_network(transport, set, {}, small_options(Strategy::sync, 2), progress);
  });
  EXPECT_THAT(message, testing::HasSubstr("stopped on request"));
}

TEST(Resolve, AStrategySaysGroupsAndThreshold) {
  HybridOptions options = resolve({Strategy::hybrid, "auto"}, {}, 24);
  EXPECT_EQ(options.group_size, 8U);
  EXPECT_EQ(options.compression.density, 0.01);
  options = resolve({Strategy::gtc, "8"}, {}, 24);
  EXPECT_EQ(options.group_size, 0U);
  EXPECT_EQ(options.compression.threshold, 8);
  EXPECT_EQ(resolve({Strategy::bmuf, "auto"}, {}, 24).group_size, 1U);
  EXPECT_EQ(resolve({Strategy::sync, "auto"}, {}, 24).compression.density, 0);
  HybridOptions grouped;
  grouped.group_size = 4;
  EXPECT_THROW(resolve({Strategy::sync, "auto"}, grouped, 8), Error);
  for (const char* tau : {"", "-1", "0", "much", "1x", "nan"}) {
    EXPECT_THROW(resolve({Strategy::gtc, tau}, {}, 8), Error) << tau;
  }
}

class SavedNetwork : public testing::Test {
 protected:
  SavedNetwork() : set_(small_text_set(100)), options_(small_options(Strategy::sync, 1)) {}
  ~SavedNetwork() override { std::filesystem::remove(path_); }

  NetModel trained() const { return make_net_model(set_, train(set_, 1, options_), {}, options_); }
  Predictions predict(const NetModel& model) const {
    ThreadPool pool(3);
    Progress progress;
    return model.predict(set_.rows.examples, 2, {pool, progress});
  }

  const NetSet set_;
  const NetTrainOptions options_;
  const std::string path_ = testing::TempDir() + "network_" + std::to_string(::getpid()) + ".coppice";
};

TEST_F(SavedNetwork, AnswersAsBefore) {
  const NetModel model = trained();
  model.save(path_);
  const NetModel loaded = NetModel::load(path_);
  EXPECT_EQ(predict(loaded).labels, predict(model).labels);
  EXPECT_EQ(predict(loaded).scores, predict(model).scores);
  EXPECT_EQ(loaded.parts().fingerprint, fingerprint(set_));
  for (size_t row = 0; row < 5; ++row) {
    EXPECT_GE(predict(loaded).row_scores(row)[0], predict(loaded).row_scores(row)[1]);
  }
}

/// The bytes of a file whose sections are these.
std::vector<std::byte> image_of(const NetModelParts& parts) {
  const std::string path = testing::TempDir() + "image_" + std::to_string(::getpid()) + ".coppice";
  OutputFile file(path);
  network_sections(parts).write(file);
  file.commit();
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  FILE* const stream = std::fopen(path.c_str(), "rb");
  EXPECT_EQ(std::fread(bytes.data(), 1, bytes.size(), stream), bytes.size());
  std::fclose(stream);
  std::filesystem::remove(path);
  return bytes;
}

ErrorCode load_code(std::span<const std::byte> bytes) {
  try {
    NetModel::load(ModelFile(bytes, nullptr, "image"));
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST_F(SavedNetwork, EachFlippedBitIsNoticed) {
  std::vector<std::byte> bytes = image_of(trained().parts());
  for (size_t at = 0; at < bytes.size(); at += 7) {
    bytes[at] ^= std::byte{4};
    EXPECT_NE(load_code(bytes), ErrorCode::internal) << at;
    bytes[at] ^= std::byte{4};
  }
}

TEST_F(SavedNetwork, PartsThatDoNotFitAreRefusedBeforeMemoryIsAskedFor) {
  const NetModelParts good = trained().parts();
  NetModelParts parts = good;
  parts.network.hidden = {65536, 65536, 65536, 65536};
  EXPECT_EQ(load_code(image_of(parts)), ErrorCode::data);
  parts = good;
  parts.n_labels = 4000000000;
  EXPECT_EQ(load_code(image_of(parts)), ErrorCode::data);
  parts = good;
  parts.features.n_features = 9;
  EXPECT_EQ(load_code(image_of(parts)), ErrorCode::data);
  parts = good;
  parts.module = std::vector<char>{'x'};
  EXPECT_EQ(load_code(image_of(parts)), ErrorCode::data);
}

TEST_F(SavedNetwork, LinearModelsAndNetworksAreToldApart) {
  trained().save(path_);
  try {
    Model::load(path_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_THAT(error.message(), testing::HasSubstr("predict-net"));
  }
  ModelFileWriter writer("test");
  writer.add_text({SectionType::shape}, ElementType::json, "{}");
  OutputFile file(path_);
  writer.write(file);
  file.commit();
  try {
    NetModel::load(path_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

TEST(HoldSpeakersOut, TakesThemFromTheOthers) {
  NetRows rows;
  rows.examples = small_speech(6);
  rows.speakers = {"anna", "ben", "anna", "carl", "ben", "anna"};
  rows.ids = {"0", "1", "2", "3", "4", "5"};
  const NetRows held = hold_speakers_out(rows, {"ben"});
  EXPECT_THAT(held.ids, testing::ElementsAre("1", "4"));
  EXPECT_THAT(rows.ids, testing::ElementsAre("0", "2", "3", "5"));
  EXPECT_EQ(rows.examples.size(), 4U);
  EXPECT_THROW(hold_speakers_out(rows, {"ben"}), Error);
  EXPECT_THROW(hold_speakers_out(rows, {"anna", "carl"}), Error);
}

TEST(HoldShareOut, TakesWholeSpeakersOrADraw) {
  NetRows rows;
  rows.examples = small_speech(6);
  rows.speakers = {"carl", "ben", "anna", "carl", "ben", "anna"};
  rows.ids = {"0", "1", "2", "3", "4", "5"};
  NetRows drawn = rows;
  EXPECT_THAT(hold_share_out(rows, 0.2, 1).ids, testing::ElementsAre("2", "5"));
  drawn.speakers.clear();
  NetRows annotated = drawn;
  const NetRows held = hold_share_out(drawn, 0.5, 1);
  EXPECT_EQ(held.ids.size(), 3U);
  EXPECT_EQ(drawn.examples.size(), 3U);
  for (const std::string& id : held.ids) EXPECT_THAT(drawn.ids, testing::Not(testing::Contains(id)));
  annotated.annotated.emplace().rows = 4;
  EXPECT_THAT(hold_share_out(annotated, 0.5, 1).ids, testing::Each(testing::AnyOf("0", "1")));
  EXPECT_THROW(hold_share_out(drawn, 0.1, 1), Error);
}

}  // namespace
}  // namespace coppice
