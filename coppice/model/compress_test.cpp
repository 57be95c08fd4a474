// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/compress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "coppice/core/error.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/sample_model.h"
#include "coppice/rank/beam_search.h"

namespace coppice {
namespace {

Model compressed_sample(const CompressOptions& options = {}) {
  ThreadPool pool(1);
  return compress(Model(sample_parts()), options, pool);
}

/// The labels and scores of some texts.
std::vector<std::vector<ScoredLabel>> answers(const Model& model) {
  std::vector<std::vector<ScoredLabel>> all;
  Vectorizer::State text_state;
  SearchState state;
  for (const char* text : {"window manager", "w7 w8 w9", "w10 manager w11", "", "unknown words"}) {
    const auto found = predict(model.ranker(), model.vectorizer()->transform(text, text_state), {}, state);
    all.emplace_back(found.begin(), found.end());
  }
  return all;
}

TEST(Compress, AnswersNearlyAsBefore) {
  const Model before{sample_parts()};
  const Model after = compressed_sample();
  const auto expected = answers(before), got = answers(after);
  ASSERT_EQ(expected.size(), got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), expected[i].size());
    for (size_t k = 0; k < got[i].size(); ++k) EXPECT_NEAR(got[i][k].score, expected[i][k].score, 0.05);
  }
}

TEST(Compress, SavesAndLoadsWhatItMadeAndVerifies) {
  for (const PerfectHash kind : {PerfectHash::pilots, PerfectHash::levels}) {
    CompressOptions options;
    options.keys.perfect_hash = kind;
    const Model after = compressed_sample(options);
    const std::string image = sample_image(after);
    const Model back = testing::load_image(image, Verify::everything);
    EXPECT_EQ(sample_image(back), image);
    const auto a = answers(after), b = answers(back);
    for (size_t i = 0; i < a.size(); ++i) {
      for (size_t k = 0; k < a[i].size(); ++k) {
        EXPECT_EQ(a[i][k].label, b[i][k].label);
        EXPECT_EQ(a[i][k].score, b[i][k].score);
      }
    }
  }
}

TEST(Compress, AgainIsTheSameAndForAnyNumberOfThreads) {
  ThreadPool seven(7);
  const Model once = compressed_sample();
  EXPECT_EQ(sample_image(compress(once, {}, seven)), sample_image(once));
  EXPECT_EQ(sample_image(compress(Model(sample_parts()), {}, seven)), sample_image(once));
}

TEST(Compress, DropsWeightsBelowTheThresholdAndFeaturesWithoutAny) {
  CompressOptions options;
  options.prune.threshold = 0.5F;
  const Model whole = compressed_sample(), pruned = compressed_sample(options);
  EXPECT_LT(pruned.ranker().n_weights(), whole.ranker().n_weights());
  EXPECT_LT(pruned.n_features(), whole.n_features());
}

TEST(Compress, WhatWasMeasuredBeforeIsSaidToBeOfBefore) {
  ThreadPool pool(1);
  const auto metrics_after = [&](const std::string& metrics) {
    ModelParts parts = sample_parts();
    parts.metrics_json = metrics;
    return compress(Model(std::move(parts)), {}, pool).metrics_json();
  };
  EXPECT_EQ(metrics_after("{}"), "{}");
  EXPECT_EQ(metrics_after(R"({"P@1":93.5})"), R"({"as_trained":{"P@1":93.5}})");
  EXPECT_EQ(metrics_after(R"({"as_trained":{"P@1":93.5},"compression":{"P@1":93.1},"rows":5})"),
            R"({"as_trained":{"P@1":93.5},"earlier_compressions":[{"P@1":93.1}]})");
  EXPECT_EQ(metrics_after(R"({"compression":{"a":2},"earlier_compressions":[{"a":1}],"rows":5})"),
            R"({"earlier_compressions":[{"a":1},{"a":2}]})");
  EXPECT_EQ(metrics_after(R"({"as_trained":{"P@1":93.5},"earlier_compressions":[{"a":1}]})"),
            R"({"as_trained":{"P@1":93.5},"earlier_compressions":[{"a":1}]})");
}

TEST(Compress, WordsOfFeaturesStayWhereTheyAreAskedFor) {
  CompressOptions with_words;
  with_words.keep_strings = true;
  const Model before{sample_parts()};
  const Model after = testing::load_image(sample_image(compressed_sample(with_words)), Verify::everything);
  std::set<std::string> names, known;
  for (uint32_t i = 0; i < before.vectorizer()->n_features(); ++i) known.insert(before.vectorizer()->feature_name(i));
  for (uint32_t i = 0; i < after.vectorizer()->n_features(); ++i) names.insert(after.vectorizer()->feature_name(i));
  EXPECT_EQ(names.size(), after.vectorizer()->n_features());
  EXPECT_TRUE(std::ranges::includes(known, names));
  Vectorizer::State state;
  for (const uint32_t feature : after.vectorizer()->transform("window", state).columns) {
    const std::string name = after.vectorizer()->feature_name(feature);
    EXPECT_NE(std::string("window").find(name), std::string::npos) << name;
  }
  ThreadPool pool(1);
  EXPECT_EQ(sample_image(compress(after, with_words, pool)), sample_image(after));
  EXPECT_EQ(sample_image(compress(after, {}, pool)), sample_image(compressed_sample()));
  EXPECT_THROW(compress(compressed_sample(), with_words, pool), Error) << "they are gone";
}

/// One for each form that a table of a compressed model can have.
std::vector<std::string> all_forms() {
  std::vector<CompressOptions> forms(6);
  forms[1].keep_strings = true;
  forms[2].keys.perfect_hash = PerfectHash::levels;
  forms[2].pack.scaling = Scaling::model;
  forms[3].pack = {.value_bits = 4, .scaling = Scaling::groups};
  forms[4].pack = {.value_bits = 3, .scaling = Scaling::rows};
  forms[4].keys.fingerprint_bits = 0;
  forms[5].pack.value_bits = PackOptions::kHalf;
  std::vector<std::string> images;
  for (const CompressOptions& form : forms) images.push_back(sample_image(compressed_sample(form)));
  return images;
}

/// One test per place of the bit keeps them short.
class FlippedBitOfCompressed : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(OfEachByte, FlippedBitOfCompressed, ::testing::Range<size_t>(0, 8));

TEST_P(FlippedBitOfCompressed, AnywhereFailsVerification) {
  std::string image = sample_image(compressed_sample());
  for (size_t byte = FileHeader::kHeaderBytes; byte < image.size(); ++byte) {
    image[byte] = static_cast<char>(image[byte] ^ 1 << GetParam());
    ASSERT_THROW(testing::load_image(image, Verify::everything), Error) << byte;
    image[byte] = static_cast<char>(image[byte] ^ 1 << GetParam());
  }
}

TEST(Compress, AFlippedBitIsAnErrorWhenVerifiedAndNeverACrash) {
  size_t first = 0;
  for (const std::string& sound : all_forms()) {
    for (size_t bit = first++; bit < sound.size() * 8; bit += 41) {
      std::string image = sound;
      image[bit / 8] = static_cast<char>(image[bit / 8] ^ 1 << bit % 8);
      EXPECT_THROW(testing::load_image(image, Verify::everything), Error) << bit;
      try {
        ask_everything(testing::load_image(image));
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      }
    }
  }
}

TEST(Compress, ACutFileIsAnError) {
  for (const std::string& sound : all_forms()) {
    for (size_t size = 0; size < sound.size(); ++size) {
      EXPECT_THROW(testing::load_image(sound.substr(0, size)), Error) << size;
    }
  }
}

}  // namespace
}  // namespace coppice
