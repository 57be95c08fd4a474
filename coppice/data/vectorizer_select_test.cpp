// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/data/vectorizer.h"

namespace coppice {
namespace {

Texts texts_of(const std::vector<std::string>& rows) {
  Texts texts;
  for (const std::string& row : rows) texts.add(row);
  return texts;
}

std::vector<std::string> some_rows() {
  Random random(1);
  std::vector<std::string> rows;
  for (int i = 0; i < 300; ++i) {
    std::string row;
    for (int j = 0; j < 12; ++j) row += "w" + std::to_string(random.below(400)) + (j % 5 == 0 ? "-x " : " ");
    rows.push_back(row);
  }
  return rows;
}

Vectorizer learned(const VectorizerOptions& options, const std::vector<std::string>& rows) {
  ThreadPool pool(1);
  VectorizerBuilder builder(options, pool);
  builder.add(texts_of(rows));
  return builder.build();
}

std::map<uint32_t, float> row_of(const Vectorizer& vectorizer, const std::string& text) {
  Vectorizer::State state;
  const SparseRow row = vectorizer.transform(text, state);
  std::map<uint32_t, float> values;
  for (size_t i = 0; i < row.size(); ++i) values[row.columns[i]] = row.values[i];
  return values;
}

/// The same text, by old numbers, brought to the new ones.
std::map<uint32_t, float> renumbered(const std::map<uint32_t, float>& row, const std::vector<uint32_t>& numbers) {
  std::map<uint32_t, float> result;
  for (const auto& [feature, value] : row) result[numbers[feature]] = value;
  return result;
}

std::vector<VectorizerOptions> all_kinds() {
  std::vector<VectorizerOptions> kinds(5);
  kinds[1].char_ngrams = {2, 3};
  kinds[2].word_ngrams = {};
  kinds[2].char_wb_ngrams = {3, 4};
  kinds[3].compounds = Compounds::add;
  kinds[4].hash_bits = 12;
  kinds[4].hash_signed = true;
  return kinds;
}

/// What takes the place of the idf that four bits do not tell.
float factor_of(const SelectedFeatures& selected, uint32_t number) {
  return selected.weight_factors.empty() ? 1 : selected.weight_factors[number];
}

TEST(SelectFeatures, GivesEveryTextTheSameValuesUnderTheNewNumbers) {
  const std::vector<std::string> rows = some_rows();
  ThreadPool pool(2);
  for (const VectorizerOptions& options : all_kinds()) {
    const Vectorizer before = learned(options, rows);
    const SelectedFeatures after = select_features(before, std::vector<bool>(before.n_features(), true), {}, pool);
    EXPECT_EQ(after.vectorizer.n_features(), before.n_features());
    EXPECT_EQ(after.n_lost, 0U);
    after.vectorizer.verify();
    for (size_t i = 0; i < 50; ++i) {
      const auto expected = renumbered(row_of(before, rows[i]), after.numbers);
      const auto got = row_of(after.vectorizer, rows[i]);
      ASSERT_EQ(got.size(), expected.size());
      for (const auto& [feature, value] : expected) {
        ASSERT_NEAR(got.at(feature) * factor_of(after, feature), value, 0.02 * std::abs(value))
            << "their norm has other idf";
      }
    }
  }
}

TEST(SelectFeatures, KeepsThoseThatAreWantedAlone) {
  const std::vector<std::string> rows = some_rows();
  ThreadPool pool(1);
  VectorizerOptions options;
  options.norm = FeatureNorm::none;
  const Vectorizer before = learned(options, rows);
  std::vector<bool> wanted(before.n_features());
  for (size_t feature = 0; feature < wanted.size(); feature += 3) wanted[feature] = true;
  KeyIndexOptions strict;
  strict.fingerprint_bits = 16;
  const SelectedFeatures after = select_features(before, wanted, {strict}, pool);
  EXPECT_EQ(after.vectorizer.n_features(), (before.n_features() + 2) / 3);
  size_t n_others = 0;
  for (const std::string& row : rows) {
    auto expected = row_of(before, row);
    std::erase_if(expected, [&](const auto& entry) { return !wanted[entry.first]; });
    const auto got = row_of(after.vectorizer, row);
    for (const auto& [feature, value] : expected) {
      ASSERT_TRUE(got.count(after.numbers[feature]) > 0);
      const uint32_t number = after.numbers[feature];
      n_others += std::abs(got.at(number) * factor_of(after, number) - value) > 1e-5F;
    }
    n_others += got.size() - expected.size();
  }
  EXPECT_LE(n_others, 2U) << "of some 4,000 unwanted features one in 65,536 is taken for a wanted one";
}

TEST(SelectFeatures, SaysWhatItCannotDo) {
  ThreadPool pool(1);
  VectorizerOptions nameless;
  nameless.feature_names = false;
  const Vectorizer without_names = learned(nameless, some_rows());
  EXPECT_THROW(select_features(without_names, std::vector<bool>(without_names.n_features(), true), {}, pool), Error);
  const Vectorizer before = learned({}, some_rows());
  EXPECT_THROW(select_features(before, std::vector<bool>(before.n_features(), false), {}, pool), Error);
  const SelectedFeatures once = select_features(before, std::vector<bool>(before.n_features(), true), {}, pool);
  EXPECT_THROW(select_features(once.vectorizer, std::vector<bool>(before.n_features(), true), {}, pool), Error);
}

TEST(SelectFeatures, CountsFeaturesWhoseNamesWereCut) {
  std::vector<std::string> rows = some_rows();
  rows.push_back(std::string(3000, 'a') + " " + std::string(3000, 'b'));
  ThreadPool pool(1);
  const Vectorizer before = learned({}, rows);
  const SelectedFeatures after = select_features(before, std::vector<bool>(before.n_features(), true), {}, pool);
  EXPECT_EQ(after.n_lost, 3U) << "two words and their pair";
  EXPECT_EQ(after.vectorizer.n_features(), before.n_features() - 3);
}

}  // namespace
}  // namespace coppice
