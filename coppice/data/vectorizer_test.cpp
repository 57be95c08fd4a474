// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using Row = std::map<std::string, float>;
using Strings = std::vector<std::string>;

Texts texts_of(const Strings& rows) {
  Texts texts;
  for (const std::string& row : rows) texts.add(row);
  return texts;
}

Vectorizer fit(const Strings& rows, const VectorizerOptions& options = {}, size_t threads = 1) {
  ThreadPool pool(threads);
  VectorizerBuilder builder(options, pool);
  builder.add(texts_of(rows));
  return builder.build();
}

Row transform(const Vectorizer& vectorizer, std::string_view text) {
  Vectorizer::State state;
  const SparseRow row = vectorizer.transform(text, state);
  Row named;
  for (size_t i = 0; i < row.size(); ++i) named[vectorizer.feature_name(row.columns[i])] = row.values[i];
  EXPECT_EQ(named.size(), row.size());
  return named;
}

VectorizerOptions words_only(uint32_t shortest, uint32_t longest) {
  VectorizerOptions options;
  options.word_ngrams = {shortest, longest};
  return options;
}

Strings random_rows(size_t count, uint64_t seed) {
  const Strings alphabet = {"alpha",      "beta",         "gamma",     "Delta", "2.3.1",
                            "libfoo-dev", "\u4E2D\u6587", "caf\u00E9", "x",     "\n"};
  Random random(seed);
  Strings rows;
  for (size_t i = 0; i < count; ++i) {
    std::string row;
    for (uint32_t n = random.below(30); n > 0; --n) {
      row += random.below(5) == 0 ? "w" + std::to_string(random.below(3000)) : alphabet[random.below(10)];
      row += random.below(8) == 0 ? ", " : " ";
    }
    rows.push_back(row);
  }
  return rows;
}

void expect_same(const Array<uint32_t>& a, const Array<uint32_t>& b) {
  ASSERT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}
void expect_same(const Array<float>& a, const Array<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], b[i]);
}
void expect_same(const Vectorizer& a, const Vectorizer& b) {
  ASSERT_EQ(a.n_features(), b.n_features());
  expect_same(a.tables().buckets, b.tables().buckets);
  expect_same(a.tables().idf, b.tables().idf);
  ASSERT_EQ(a.tables().bucket_seed, b.tables().bucket_seed);
  ASSERT_TRUE(std::equal(a.tables().name_bytes.begin(), a.tables().name_bytes.end(), b.tables().name_bytes.begin(),
                         b.tables().name_bytes.end()));
}

// Three texts; df: a 3, b 2, c 1. scikit-learn's smooth idf: a ln(4/4)+1, b ln(4/3)+1, c ln(4/2)+1.
TEST(Vectorizer, GivesScikitLearnsNumbersOnAHandComputedExample) {
  const Vectorizer vectorizer = fit({"a b", "a b b c", "a"}, words_only(1, 1));
  ASSERT_EQ(vectorizer.n_features(), 3u);
  EXPECT_EQ(vectorizer.feature_name(0), "a");
  EXPECT_EQ(vectorizer.feature_name(1), "b");
  EXPECT_EQ(vectorizer.feature_name(2), "c");
  const double a = 1, b = std::log(4.0 / 3) + 1, c = std::log(2.0) + 1;
  EXPECT_FLOAT_EQ(vectorizer.tables().idf[1], static_cast<float>(b));
  const double norm = std::sqrt(a * a + 4 * b * b + c * c);
  Row row = transform(vectorizer, "A B, b c unknown");
  ASSERT_EQ(row.size(), 3u);
  EXPECT_NEAR(row["a"], a / norm, 1e-6);
  EXPECT_NEAR(row["b"], 2 * b / norm, 1e-6);
  EXPECT_NEAR(row["c"], c / norm, 1e-6);
}

// PECOS: max(ln(N / (df + smooth)), 0) + add_one; a word of every text weighs 0 and takes no place in the row.
TEST(Vectorizer, GivesPecosNumbersOnAHandComputedExample) {
  VectorizerOptions options = words_only(1, 1);
  options.idf = InverseDocumentFrequency::pecos;
  const Vectorizer vectorizer = fit({"a b", "a b b c", "a", "a"}, options);
  EXPECT_FLOAT_EQ(vectorizer.tables().idf[0], 0);
  EXPECT_FLOAT_EQ(vectorizer.tables().idf[1], static_cast<float>(std::log(4.0 / 3)));
  EXPECT_FLOAT_EQ(vectorizer.tables().idf[2], static_cast<float>(std::log(4.0 / 2)));
  EXPECT_EQ(transform(vectorizer, "a").size(), 0u);
  options.pecos_idf_smooth = false;
  options.pecos_idf_add_one = true;
  EXPECT_FLOAT_EQ(fit({"a b", "a b b c", "a", "a"}, options).tables().idf[1], static_cast<float>(std::log(2.0) + 1));
}

TEST(Vectorizer, WeighsTermFrequencyAndNormAsAsked) {
  VectorizerOptions options = words_only(1, 1);
  options.idf = InverseDocumentFrequency::none;
  options.norm = FeatureNorm::none;
  const Strings rows = {"a a a b"};
  EXPECT_EQ(transform(fit(rows, options), "a a a b"), (Row{{"a", 3}, {"b", 1}}));
  options.tf = TermFrequency::binary;
  EXPECT_EQ(transform(fit(rows, options), "a a a b"), (Row{{"a", 1}, {"b", 1}}));
  options.tf = TermFrequency::sublinear;
  EXPECT_FLOAT_EQ(transform(fit(rows, options), "a a a b")["a"], static_cast<float>(1 + std::log(3.0)));
  options.tf = TermFrequency::count;
  options.norm = FeatureNorm::l1;
  EXPECT_EQ(transform(fit(rows, options), "a a a b"), (Row{{"a", 0.75f}, {"b", 0.25f}}));
}

TEST(Vectorizer, MakesWordNgramsAcrossPunctuationAndCompounds) {
  VectorizerOptions options = words_only(1, 3);
  options.compounds = Compounds::add;
  const Row row = transform(fit({"use v2.3, libfoo-dev."}, options), "use v2.3, libfoo-dev.");
  for (const char* name : {"use", "v2", "3", "libfoo", "dev", "use v2", "v2 3", "3 libfoo", "libfoo dev", "use v2 3",
                           "v2 3 libfoo", "3 libfoo dev", "v2.3", "libfoo-dev"}) {
    EXPECT_EQ(row.count(name), 1u) << name;
  }
  EXPECT_EQ(row.size(), 14u);
}

TEST(Vectorizer, MakesCharacterNgramsAsScikitLearnDoes) {
  VectorizerOptions options;
  options.word_ngrams = {};
  options.char_ngrams = {2, 3};
  Row row = transform(fit({"ab  c\n"}, options), "ab  c\n");
  EXPECT_EQ(row.size(), 5u);
  for (const char* name : {"ab", "b ", " c", "ab ", "b c"}) EXPECT_EQ(row.count(name), 1u) << name;
  options.char_ngrams = {};
  options.char_wb_ngrams = {3, 4};
  options.norm = FeatureNorm::none;
  options.idf = InverseDocumentFrequency::none;
  // " ab ": 3-grams " ab", "ab ", the 4-gram " ab "; " c ": the 3-gram only, as it is shorter than 4.
  row = transform(fit({"ab c"}, options), "ab c");
  EXPECT_EQ(row, (Row{{" ab", 1}, {"ab ", 1}, {" ab ", 1}, {" c ", 1}}));
}

TEST(Vectorizer, CountsCharactersNotBytes) {
  VectorizerOptions options;
  options.word_ngrams = {};
  options.char_ngrams = {2, 2};
  const Row row = transform(fit({"\u00E9\u4E2Dx"}, options), "\u00C9\u4E2DX");
  EXPECT_EQ(row.count("\u00E9\u4E2D"), 1u);
  EXPECT_EQ(row.count("\u4E2Dx"), 1u);
  EXPECT_EQ(row.size(), 2u);
}

TEST(Vectorizer, BalancesSeveralAnalyzersByTheirWeights) {
  VectorizerOptions options = words_only(1, 1);
  options.char_wb_ngrams = {2, 2};
  options.word_weight = 3;
  options.char_wb_weight = 4;
  const Row row = transform(fit({"abc def", "xyz"}, options), "abc def");
  EXPECT_EQ(row.size(), 2u + 8u);
  double words = 0, characters = 0;
  for (const auto& [name, value] : row) (name.size() == 3 ? words : characters) += double{value} * value;
  EXPECT_NEAR(std::sqrt(words), 0.6, 1e-6);
  EXPECT_NEAR(std::sqrt(characters), 0.8, 1e-6);
}

TEST(Vectorizer, LimitsFeaturesByDocumentFrequencyAndCount) {
  const Strings rows = {"a b c d", "a b c", "a b", "a"};
  VectorizerOptions options = words_only(1, 1);
  options.min_df = 2;
  options.max_df = 3;
  EXPECT_EQ(fit(rows, options).n_features(), 2u);
  options = words_only(1, 1);
  options.min_df_share = 0.5;
  options.max_df_share = 0.75;
  const Vectorizer shares = fit(rows, options);
  EXPECT_EQ(shares.n_features(), 2u);
  EXPECT_EQ(shares.feature_name(0), "b");
  options = words_only(1, 1);
  options.max_features = 2;
  const Vectorizer ties = fit({"z y x w"}, options);
  EXPECT_EQ(ties.n_features(), 2u);
  EXPECT_EQ(ties.feature_name(0), "w");
  EXPECT_EQ(ties.feature_name(1), "x");
}

TEST(Vectorizer, LeavesStopWordsOutBeforeNgramsAreMade) {
  VectorizerOptions options = words_only(1, 2);
  options.stop_words = {"THE", "don't"};
  const Row row = transform(fit({"start the engine, don't stop"}, options), "start the engine, don't stop");
  EXPECT_EQ(row.count("start engine"), 1u);
  EXPECT_EQ(row.count("engine stop"), 1u);
  EXPECT_EQ(row.size(), 5u);
}

TEST(Vectorizer, TakesTheFirstTokensOnlyWhenAsked) {
  VectorizerOptions options = words_only(1, 1);
  options.max_tokens = 2;
  EXPECT_EQ(transform(fit({"a b c d"}, options), "a b c d").size(), 2u);
}

TEST(Vectorizer, IgnoresATrailingNewline) {
  VectorizerOptions options;
  options.char_ngrams = {1, 4};
  options.char_wb_ngrams = {2, 5};
  options.compounds = Compounds::add;
  const Vectorizer vectorizer = fit(random_rows(50, 3), options);
  for (const std::string& row : random_rows(20, 3)) {
    EXPECT_EQ(vectorizer.transform(texts_of({row + "\n"}), *std::make_unique<ThreadPool>(1)).columns.size(),
              vectorizer.transform(texts_of({row}), *std::make_unique<ThreadPool>(1)).columns.size());
    Vectorizer::State a, b;
    const SparseRow with = vectorizer.transform(row + "\r\n", a);
    const SparseRow without = vectorizer.transform(row, b);
    ASSERT_TRUE(std::equal(with.columns.begin(), with.columns.end(), without.columns.begin(), without.columns.end()));
    ASSERT_TRUE(std::equal(with.values.begin(), with.values.end(), without.values.begin(), without.values.end()));
  }
}

TEST(Vectorizer, HashesFeaturesWithAndWithoutSign) {
  VectorizerOptions options = words_only(1, 1);
  options.hash_bits = 18;
  options.idf = InverseDocumentFrequency::none;
  options.norm = FeatureNorm::none;
  const Vectorizer vectorizer = fit({}, options);
  EXPECT_EQ(vectorizer.n_features(), 1u << 18);
  EXPECT_TRUE(vectorizer.tables().buckets.empty());
  Vectorizer::State state;
  EXPECT_EQ(vectorizer.transform("never seen seen", state).size(), 2u);
  options.hash_signed = true;
  const Vectorizer with_sign = fit({}, options);
  size_t negative = 0;
  for (int i = 0; i < 200; ++i) {
    const SparseRow row = with_sign.transform("word" + std::to_string(i), state);
    ASSERT_EQ(row.size(), 1u);
    negative += row.values[0] < 0 ? 1 : 0;
  }
  EXPECT_GT(negative, 60u);
  EXPECT_LT(negative, 140u);
}

TEST(Vectorizer, CountsDocumentsOfHashBucketsWhateverTheBlocks) {
  for (const uint32_t bits : {1u, 3u, 8u, 12u}) {
    VectorizerOptions options = words_only(1, 2);
    options.hash_bits = bits;
    const Strings rows = random_rows(300, 4);
    ThreadPool pool(2);
    VectorizerBuilder builder(options, pool);
    for (const std::string& row : rows) builder.add(texts_of({row}));
    const Vectorizer whole = fit(rows, options);
    expect_same(whole, builder.build());
    // With so few buckets nearly every text that is not empty is in each: idf near 1.
    if (bits == 1) {
      EXPECT_LT(whole.tables().idf[0], 1.2f);
    }
  }
}

TEST(VectorizerBuilder, LearnsTheSameBytesForAnyThreadsAndBlocks) {
  VectorizerOptions options;
  options.char_wb_ngrams = {3, 4};
  options.compounds = Compounds::add;
  options.min_df = 2;
  const Strings rows = random_rows(6000, 1);
  const Vectorizer one = fit(rows, options, 1);
  EXPECT_GT(one.n_features(), 5000u);
  EXPECT_NO_THROW(one.verify());
  for (const size_t threads : {2, 7}) expect_same(one, fit(rows, options, threads));
  ThreadPool pool(2);
  VectorizerBuilder builder(options, pool);
  for (size_t begin = 0; begin < rows.size();) {
    const size_t end = std::min(rows.size(), begin + 1 + begin % 700);
    builder.add(texts_of({rows.begin() + static_cast<ptrdiff_t>(begin), rows.begin() + static_cast<ptrdiff_t>(end)}));
    begin = end;
  }
  expect_same(one, builder.build());
}

TEST(VectorizerBuilder, SortsLargeVocabulariesAlikeInParallel) {
  Strings rows;
  for (int i = 0; i < 400; ++i) {
    std::string row;
    for (int j = 0; j < 250; ++j) row += "commonprefix" + std::to_string((i * 250 + j) * 7919 % 100'003) + " ";
    rows.push_back(row);
  }
  const Vectorizer one = fit(rows, words_only(1, 1), 1);
  EXPECT_GT(one.n_features(), 90'000u);
  for (const size_t threads : {2, 7}) expect_same(one, fit(rows, words_only(1, 1), threads));
  for (uint32_t i = 1; i < one.n_features(); ++i) {
    if (one.tables().idf[i] == one.tables().idf[i - 1] && i % 50 == 0) {
      ASSERT_LT(one.feature_name(i - 1), one.feature_name(i));
    }
    ASSERT_GE(one.tables().idf[i], one.tables().idf[i - 1]);
  }
}

TEST(Vectorizer, TransformsABatchAsItDoesOneByOne) {
  VectorizerOptions options;
  options.char_wb_ngrams = {3, 3};
  const Strings rows = random_rows(4000, 2);
  const Vectorizer vectorizer = fit(rows, options);
  const Texts texts = texts_of(rows);
  ThreadPool single(1);
  const Csr one = vectorizer.transform(texts, single);
  EXPECT_NO_THROW(one.validate("features"));
  EXPECT_EQ(one.n_columns, vectorizer.n_features());
  for (const size_t threads : {2, 7}) {
    ThreadPool pool(threads);
    const Csr many = vectorizer.transform(texts, pool);
    expect_same(one.columns, many.columns);
    expect_same(one.values, many.values);
  }
  Vectorizer::State state;
  for (size_t i = 0; i < texts.size(); i += 37) {
    const SparseRow row = vectorizer.transform(texts[i], state);
    const SparseRow in_batch = one.row(i);
    ASSERT_TRUE(std::equal(row.columns.begin(), row.columns.end(), in_batch.columns.begin(), in_batch.columns.end()));
    ASSERT_TRUE(std::equal(row.values.begin(), row.values.end(), in_batch.values.begin(), in_batch.values.end()));
  }
}

// What fitting saw is what transforming finds: every analyzer, counted by the naive way of one text a vocabulary.
TEST(Vectorizer, TransformFindsExactlyWhatFitSawForEachAnalyzer) {
  for (int analyzer = 0; analyzer < 4; ++analyzer) {
    VectorizerOptions options;
    options.word_ngrams = analyzer == 0 ? std::vector<uint32_t>{1, 3} : std::vector<uint32_t>{};
    if (analyzer == 1) options.char_ngrams = {1, 5};
    if (analyzer == 2) options.char_wb_ngrams = {1, 6};
    if (analyzer == 3) options.compounds = Compounds::add;
    for (const std::string& row : random_rows(60, 9)) {
      const Vectorizer vectorizer = fit({row}, options);
      Vectorizer::State state;
      ASSERT_EQ(vectorizer.transform(row, state).size(), vectorizer.n_features()) << analyzer << ": " << row;
    }
  }
}

TEST(Vectorizer, LivesWithEmptyTextsAndVocabularies) {
  const Vectorizer vectorizer = fit({"", " "});
  EXPECT_EQ(vectorizer.n_features(), 0u);
  Vectorizer::State state;
  EXPECT_EQ(vectorizer.transform("anything", state).size(), 0u);
  ThreadPool pool(2);
  EXPECT_EQ(vectorizer.transform(texts_of({}), pool).n_rows(), 0u);
  EXPECT_EQ(Vectorizer().transform("anything", state).size(), 0u);
}

TEST(Vectorizer, CutsLongNamesOnly) {
  const std::string a(5000, 'a'), b = std::string(4999, 'a') + "b";
  const Vectorizer vectorizer = fit({a, b}, words_only(1, 1));
  ASSERT_EQ(vectorizer.n_features(), 2u);
  EXPECT_EQ(vectorizer.feature_name(0).size(), 1024u);
  Vectorizer::State state;
  const uint32_t column_of_a = vectorizer.transform(a, state).columns[0];
  EXPECT_NE(column_of_a, vectorizer.transform(b, state).columns[0]);
}

TEST(Vectorizer, TakesAnImportedVocabularyInItsOwnOrder) {
  VectorizerOptions options = words_only(1, 2);
  options.tokenizer.split = TokenSplit::space;
  options.tokenizer.normalization = Normalization::none;
  options.norm = FeatureNorm::none;
  const std::vector<ImportedFeature> features = {{ImportedFeature::Analyzer::word, "Foo bar", 2},
                                                 {ImportedFeature::Analyzer::word, "bar", 3}};
  const Vectorizer vectorizer = make_vectorizer(options, features);
  EXPECT_EQ(transform(vectorizer, "x Foo  bar bar"), (Row{{"Foo bar", 2}, {"bar", 6}}));
  Vectorizer::State state;
  EXPECT_EQ(vectorizer.transform("Foo bar", state).columns[0], 0u);
  const std::vector<ImportedFeature> twice = {features[0], features[0]};
  EXPECT_THROW(make_vectorizer(options, twice), Error);
}

TEST(Vectorizer, RefusesTablesThatDoNotFitTogether) {
  const Vectorizer good = fit({"a b c", "d"});
  VectorizerTables tables = good.tables();
  tables.idf = Array<float>(std::vector<float>{1});
  EXPECT_THROW(Vectorizer(good.options(), tables), Error);
  tables = good.tables();
  tables.buckets = Array<uint32_t>(std::vector<uint32_t>(17));
  EXPECT_THROW(Vectorizer(good.options(), tables), Error);
  tables = good.tables();
  tables.name_offsets = Array<uint64_t>(std::vector<uint64_t>(7));
  EXPECT_THROW(Vectorizer(good.options(), tables), Error);
}

TEST(Vectorizer, SurvivesEveryBitFlipOfItsTablesAndVerifySeesStructuralOnes) {
  const Vectorizer good = fit({"a b c d", "b c", "c e"});
  std::vector<uint32_t> words(good.tables().buckets.begin(), good.tables().buckets.end());
  Vectorizer::State state;
  size_t refused = 0;
  for (size_t bit = 0; bit < words.size() * 32; ++bit) {
    words[bit / 32] ^= 1u << bit % 32;
    VectorizerTables tables = good.tables();
    tables.buckets = Array<uint32_t>(words);
    const Vectorizer damaged(good.options(), tables);
    for (const uint32_t column : damaged.transform("a b c d e f", state).columns) ASSERT_LT(column, good.n_features());
    try {
      damaged.verify();
    } catch (const Error&) {
      ++refused;
    }
    words[bit / 32] ^= 1u << bit % 32;
  }
  EXPECT_GT(refused, words.size() * 8);
}

TEST(VectorizerOptions, GoThroughJsonAndBack) {
  VectorizerOptions options;
  options.char_wb_ngrams = {3, 5};
  options.tokenizer.cjk = CjkTokens::runs;
  options.stop_words = {"the", "a"};
  options.idf = InverseDocumentFrequency::pecos;
  OptionTable table;
  describe(table, options);
  VectorizerOptions copy;
  OptionTable copy_table;
  describe(copy_table, copy);
  copy_table.set(nlohmann::json(table.get()));
  EXPECT_EQ(copy_table.get().dump(), table.get().dump());
  copy_table.find("word_ngrams").set_text("");
  EXPECT_TRUE(copy.word_ngrams.empty());
}

TEST(VectorizerOptions, RefuseContradictions) {
  VectorizerOptions options;
  options.word_ngrams = {2, 1};
  EXPECT_THROW(validate(options), Error);
  options.word_ngrams = {};
  EXPECT_THROW(validate(options), Error);
  options = {};
  options.min_df = 5;
  options.max_df = 4;
  EXPECT_THROW(validate(options), Error);
  options = {};
  options.word_weight = 0;
  validate(options);  // of one analyzer the weight plays no part
  options.char_ngrams = {2, 3};
  validate(options);
  options.char_weight = 0;
  EXPECT_THROW(validate(options), Error);
}

}  // namespace
}  // namespace coppice
