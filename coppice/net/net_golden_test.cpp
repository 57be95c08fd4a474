// SPDX-License-Identifier: Apache-2.0
//
// Networks of released format versions stand in tests/golden; they must be read for ever. With COPPICE_WRITE_GOLDEN set
// in the environment, those that are not there are written.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "coppice/dist/in_process.h"
#include "coppice/net/net_fixture.h"
#include "coppice/net/net_model.h"
#include "coppice/net/net_training.h"

namespace coppice {
namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

NetModel train_small(const NetSet& set, NetTrainOptions options) {
  options.minibatch = 4;
  options.epochs = 5;
  options.hybrid.sgd.learning_rate = 0.3;
  NetTraining training;
  run_workers(1, 1, [&](Transport& transport) {
    Progress progress;
    training = train_network(transport, set, {}, options, progress);
  });
  return make_net_model(set, training, {}, options);
}

NetModel text_network() {
  NetTrainOptions options;
  options.network.hidden = {6, 5};
  options.network.embedding = 4;
  return train_small(small_text_set(60), options);
}

NetModel speech_network() {
  NetTrainOptions options;
  options.network.architecture = Architecture::lstm;
  options.network.hidden = {5};
  options.network.loss = NetLoss::logistic;
  return train_small(small_speech_set(60), options);
}

struct Golden {
  const char* name;
  NetModel (*make)();
  NetSet (*ask)(size_t n_rows);

  std::string path(const char* ending) const { return std::string(COPPICE_GOLDEN_FOLDER) + "/" + name + ending; }
};

const Golden kGoldens[] = {{"network_text_v1", text_network, small_text_set},
                           {"network_speech_v1", speech_network, small_speech_set}};

/// A label and its score in each line, the best ones of each of some rows.
std::string answers(const Golden& golden, const NetModel& model) {
  ThreadPool pool(1);
  Progress progress;
  const Predictions found = model.predict(golden.ask(20).rows.examples, 3, {pool, progress});
  std::ostringstream text;
  text.precision(9);
  for (size_t row = 0; row < found.n_rows(); ++row) {
    for (size_t i = 0; i < found.counts[row]; ++i) {
      text << found.row_labels(row)[i] << ' ' << found.row_scores(row)[i] << '\n';
    }
  }
  return text.str();
}

/// Never anew: what was written once stays.
void write_missing(const Golden& golden) {
  if (std::filesystem::exists(golden.path(".coppice"))) return;
  const NetModel model = golden.make();
  model.save(golden.path(".coppice"));
  std::ofstream(golden.path(".answers")) << answers(golden, model);
}

class GoldenNetworks : public testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    if (std::getenv("COPPICE_WRITE_GOLDEN") != nullptr) write_missing(GetParam());
  }
};

TEST_P(GoldenNetworks, GiveTheSameAnswers) {
  std::istringstream got(answers(GetParam(), NetModel::load(GetParam().path(".coppice"))));
  std::istringstream expected(text_of_file(GetParam().path(".answers")));
  size_t n_answers = 0;
  uint32_t label = 0, expected_label = 0;
  for (float score = 0, expected_score = 0; expected >> expected_label >> expected_score; ++n_answers) {
    ASSERT_TRUE(got >> label >> score);
    EXPECT_EQ(label, expected_label);
    EXPECT_NEAR(score, expected_score, 1e-4 * std::abs(expected_score));
  }
  EXPECT_EQ(n_answers, 60U);
  EXPECT_FALSE(got >> label);
}

TEST_P(GoldenNetworks, AreWrittenAgainByteForByte) {
  const std::string path = testing::TempDir() + "/" + GetParam().name;
  NetModel::load(GetParam().path(".coppice")).save(path);
  EXPECT_TRUE(text_of_file(path) == text_of_file(GetParam().path(".coppice")));
  std::filesystem::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Version1, GoldenNetworks, testing::ValuesIn(kGoldens),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace coppice
