// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/pecos_tfidf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/model/pecos_folder_fixture.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(const std::string& folder) {
  try {
    read_pecos_tfidf(folder);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(PecosTfidf, FeaturesAreSpelledOut) {
  const PecosFolder folder;
  folder.write_tfidf();
  const PecosTfidf tfidf = read_pecos_tfidf(folder / "tfidf");
  ASSERT_EQ(tfidf.parts.size(), 1u);
  const PecosTfidf::Part& part = tfidf.parts[0];
  EXPECT_THAT(part.features, ElementsAre("window", "manager", "Fenêtre,", "window manager"));
  EXPECT_THAT(part.idf, ElementsAre(0.5F, 1.25F, 2.0F, 3.0F));
  EXPECT_EQ(part.analyzer, PecosTfidf::Analyzer::word);
  EXPECT_EQ(part.max_ngram, 2u);
  EXPECT_EQ(part.max_tokens, 0u);
  EXPECT_TRUE(part.use_idf);
  EXPECT_FALSE(part.binary);
  EXPECT_EQ(tfidf.norm, PecosTfidf::Norm::l2);
}

TEST(PecosTfidf, CharactersStandSideBySide) {
  const PecosFolder folder;
  folder.write_tfidf();
  folder.write("tfidf/0.base/tokenizer/config.json", R"({"token_type": 30})");
  EXPECT_EQ(read_pecos_tfidf(folder / "tfidf").parts[0].features[3], "windowmanager");
}

TEST(PecosTfidf, AFolderOfOnePartAloneIsRead) {
  const PecosFolder folder;
  folder.write_tfidf();
  EXPECT_EQ(read_pecos_tfidf(folder / "tfidf/0.base").parts.size(), 1u);
}

TEST(PecosTfidf, DamageIsNamedWithFileAndLine) {
  const PecosFolder folder;
  const auto with = [&](const char* path, const char* text) {
    folder.write_tfidf();
    folder.write(path, text);
    return error_of(folder / "tfidf");
  };
  const char* vocabulary = "tfidf/0.base/tokenizer/vocab.txt";
  EXPECT_THAT(with(vocabulary, ""), HasSubstr("vocab.txt:0"));
  EXPECT_THAT(with(vocabulary, "9999999\n0\ta\n"), HasSubstr("does not fit"));
  EXPECT_THAT(with(vocabulary, "2\n0\ta\n"), HasSubstr("after 1 of 2"));
  EXPECT_THAT(with(vocabulary, "1\n1\ta\n"), HasSubstr("vocab.txt:2"));
  EXPECT_THAT(with(vocabulary, "2\n0\ta\n0\tb\n"), HasSubstr("twice"));
  EXPECT_THAT(with(vocabulary, "1\n0 a\n"), HasSubstr("NUMBER<TAB>TOKEN"));
  const char* features = "tfidf/0.base/vectorizer/tfidf-model.txt";
  EXPECT_THAT(with(features, "1\n0\t1.0\t1\t7\n"), HasSubstr("not in vocab.txt"));
  EXPECT_THAT(with(features, "1\n0\tnan\t1\t0\n"), HasSubstr("idf"));
  EXPECT_THAT(with(features, "1\n0\t-1.0\t1\t0\n"), HasSubstr("idf"));
  EXPECT_THAT(with(features, "1\n0\t1.0\t0\t\n"), HasSubstr("no tokens"));
  EXPECT_THAT(with(features, "1\n0\t1.0\t2\t0\n"), HasSubstr("tfidf-model.txt:2"));
  EXPECT_THAT(with(features, "x\n"), HasSubstr("count"));
  EXPECT_THAT(with("tfidf/config.json", R"({"type": "hashing"})"), HasSubstr("type hashing"));
  EXPECT_THAT(with("tfidf/meta.json", "{"), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace coppice
