// SPDX-License-Identifier: Apache-2.0
//
// One file of every released format version stands in tests/golden; it must be read for ever. With COPPICE_WRITE_GOLDEN
// set in the environment the files of the present version are written anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "coppice/model/model.h"
#include "coppice/model/sample_model.h"
#include "coppice/rank/beam_search.h"

namespace coppice {
namespace {

const std::string kFolder = COPPICE_GOLDEN_FOLDER;

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Answer {
  uint32_t label;
  float score;
};

/// The five best labels of each sample query, and of a text.
std::vector<Answer> answers(const Model& model) {
  PredictOptions options;
  options.top_k = 5;
  SearchState state;
  std::vector<Answer> result;
  const auto ask = [&](SparseRow row) {
    for (const ScoredLabel& found : predict(model.ranker(), row, options, state)) {
      result.push_back({found.label, found.score});
    }
  };
  const Csr queries = sample_queries();
  for (size_t i = 0; i < queries.n_rows(); ++i) ask(queries.row(i));
  Vectorizer::State text;
  ask(model.vectorizer()->transform("The Window Manager w9", text));
  return result;
}

void write_golden(const Model& model) {
  std::ofstream(kFolder + "/model_v1.coppice", std::ios::binary) << sample_image(model);
  std::ofstream file(kFolder + "/model_v1.answers");
  file.precision(9);
  for (const Answer& answer : answers(model)) file << answer.label << ' ' << answer.score << '\n';
}

TEST(Golden, TheFileOfVersion1IsRecreatedByteForByte) {
  const Model model(sample_parts());
  if (std::getenv("COPPICE_WRITE_GOLDEN") != nullptr) write_golden(model);
  EXPECT_TRUE(sample_image(model) == file_text(kFolder + "/model_v1.coppice"));
}

TEST(Golden, TheFileOfVersion1GivesTheSameAnswers) {
  const Model model = Model::load(kFolder + "/model_v1.coppice", {Verify::everything, LoadMode::map});
  std::istringstream expected(file_text(kFolder + "/model_v1.answers"));
  const std::vector<Answer> got = answers(model);
  ASSERT_GT(got.size(), 30u);
  for (const Answer& answer : got) {
    uint32_t label = 0;
    float score = 0;
    ASSERT_TRUE(expected >> label >> score);
    EXPECT_EQ(answer.label, label);
    EXPECT_NEAR(answer.score, score, 1e-5F * std::abs(score));
  }
}

}  // namespace
}  // namespace coppice
