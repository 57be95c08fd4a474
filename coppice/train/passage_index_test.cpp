// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/passage_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "coppice/core/random.h"
#include "coppice/data/reading_test.h"
#include "coppice/model/compress.h"
#include "coppice/model/retrieve.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// Keeps what is noted.
class Notes : public Progress {
 public:
  void note(std::string_view text) override { texts.emplace_back(text); }
  std::vector<std::string> texts;
};

Model index_of(const std::vector<Passage>& passages, const PassageIndexOptions& options = {}, size_t threads = 1) {
  ThreadPool pool(threads);
  Progress progress;
  return index_passages(passages, options, {pool, progress});
}

std::string random_words(Random& random, uint32_t n) {
  std::string text;
  for (; n > 0; --n)
    text += "w" + std::to_string(static_cast<uint32_t>(150 * random.uniform() * random.uniform())) + " ";
  return text;
}

std::vector<Passage> random_passages(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<Passage> passages;
  for (size_t i = 0; i < n; ++i) {
    passages.push_back({"id" + std::to_string(i), "", random_words(random, 1 + random.below(60)), ""});
  }
  return passages;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// BM25 as it stands in books: no index, one passage after the other.
class NaiveBm25 {
 public:
  explicit NaiveBm25(const std::vector<Passage>& passages, double k1 = 1.2, double b = 0.75) : k1_(k1), b_(b) {
    for (const Passage& passage : passages) {
      texts_.emplace_back();
      for (const std::string& word : words_of(passage.text)) ++texts_.back()[word];
      for (const auto& [word, count] : texts_.back()) ++df_[word];
      mean_ += length_of(texts_.back()) / static_cast<double>(passages.size());
    }
  }

  double score(size_t passage, const std::string& query) const {
    const auto n = static_cast<double>(texts_.size());
    double sum = 0;
    for (const std::string& word : words_of(query)) {
      const auto found = texts_[passage].find(word);
      if (found == texts_[passage].end()) continue;
      const double tf = found->second, df = df_.at(word), length = length_of(texts_[passage]);
      sum += std::log(1 + (n - df + 0.5) / (df + 0.5)) * tf * (k1_ + 1) / (tf + k1_ * (1 - b_ + b_ * length / mean_));
    }
    return sum;
  }

 private:
  using Counts = std::map<std::string, double>;

  static double length_of(const Counts& text) {
    double length = 0;
    for (const auto& [word, count] : text) length += count;
    return length;
  }

  std::vector<Counts> texts_;
  Counts df_;
  double mean_ = 0;
  double k1_;
  double b_;
};

void expect_as_naive(const Model& model, const std::vector<Passage>& passages, const NaiveBm25& naive) {
  Random random(9);
  RetrieveOptions options;
  options.top_k = 7;
  for (size_t q = 0; q < 25; ++q) {
    const std::string query = random_words(random, 1 + random.below(12)) + "unknown";
    std::vector<double> scores;
    for (size_t p = 0; p < passages.size(); ++p) scores.push_back(naive.score(p, query));
    const std::vector<RetrievedPassage> found = retrieve(model, query, options);
    for (const RetrievedPassage& passage : found) {
      EXPECT_NEAR(passage.score, scores[passage.label], 1e-5 * scores[passage.label]);
    }
    std::ranges::sort(scores, std::greater<>());
    for (size_t i = 0; i < options.top_k; ++i) {
      if (scores[i] > 0) {
        ASSERT_LT(i, found.size());
        EXPECT_NEAR(found[i].score, scores[i], 1e-5 * scores[i]);
      } else {
        EXPECT_LE(found.size(), i);
      }
    }
  }
}

TEST(PassageIndex, FindsWhatAPlainBm25FindsFlatOrInATree) {
  const std::vector<Passage> passages = random_passages(300, 1);
  PassageIndexOptions options;
  expect_as_naive(index_of(passages, options), passages, NaiveBm25(passages));
  options.max_flat = 0;
  options.tree.branching = 3;
  options.tree.max_leaf = 10;
  const Model tree = index_of(passages, options);
  EXPECT_GT(tree.ranker().tree.depth(), 2u);
  expect_as_naive(tree, passages, NaiveBm25(passages));
  options.bm25 = {0.5F, 0.2F};
  expect_as_naive(index_of(passages, options), passages, NaiveBm25(passages, 0.5F, 0.2F));
}

TEST(PassageIndex, ABeamIsFasterAndMayMiss) {
  const std::vector<Passage> passages = random_passages(300, 2);
  PassageIndexOptions options;
  options.max_flat = 0;
  options.tree.branching = 3;
  options.tree.max_leaf = 10;
  const Model model = index_of(passages, options);
  const std::vector<RetrievedPassage> all = retrieve(model, "w1 w20 w77");
  RetrieveOptions narrow;
  narrow.beam = 1;
  const std::vector<RetrievedPassage> some = retrieve(model, "w1 w20 w77", narrow);
  ASSERT_FALSE(some.empty());
  EXPECT_LE(some[0].score, all[0].score);
  narrow.beam = 1000;
  EXPECT_EQ(retrieve(model, "w1 w20 w77", narrow).back().id, all.back().id);
}

TEST(PassageIndex, WordsOfTheTitleCountAndMetadataComeBack) {
  const Model model =
      index_of({{"a", "Zebra", "nothing of the sort", R"({"title":"Zebra"})"}, {"b", "", "a horse", ""}});
  const std::vector<RetrievedPassage> found = retrieve(model, "ZEBRA");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "a");
  EXPECT_EQ(found[0].text, "nothing of the sort");
  EXPECT_EQ(found[0].metadata, R"({"title":"Zebra"})");
}

TEST(PassageIndex, ARepeatedWordOfTheQueryCountsAsAsked) {
  const std::vector<Passage> passages = random_passages(20, 3);
  PassageIndexOptions options;
  const float once = retrieve(index_of(passages), "w1")[0].score;
  EXPECT_FLOAT_EQ(retrieve(index_of(passages), "w1 w1")[0].score, 2 * once);
  options.query_tf = TermFrequency::binary;
  EXPECT_FLOAT_EQ(retrieve(index_of(passages, options), "w1 w1")[0].score, once);
}

TEST(PassageIndex, AnalyzersWeighInQueriesAlone) {
  PassageIndexOptions options;
  options.vectorizer.char_wb_ngrams = {3, 3};
  options.vectorizer.char_wb_weight = 0.25F;
  const std::vector<Passage> passages{{"a", "", "compressing models", ""}, {"b", "", "something else", ""}};
  const std::vector<RetrievedPassage> found = retrieve(index_of(passages, options), "compress");
  ASSERT_EQ(found.size(), 1u);
  options.vectorizer.char_wb_weight = 0.5F;
  EXPECT_FLOAT_EQ(retrieve(index_of(passages, options), "compress")[0].score, 2 * found[0].score);
}

TEST(PassageIndex, PassagesWithoutAWordAreNotedAndNotFound) {
  ThreadPool pool(1);
  Notes notes;
  const Model model = index_passages({{"a", "", "...", ""}, {"b", "", "word", ""}}, {}, {pool, notes});
  ASSERT_EQ(notes.texts.size(), 1u);
  EXPECT_THAT(notes.texts[0], HasSubstr("1 passage without a word"));
  EXPECT_EQ(retrieve(model, "word").size(), 1u);
}

TEST(PassageIndex, NothingToSearchForIsRefused) {
  EXPECT_THAT(message_of([] { index_of({}); }), HasSubstr("data: there are no passages"));
  EXPECT_THAT(message_of([] { index_of({{"a", "", "...", ""}}); }), HasSubstr("data: no passage has a word"));
  PassageIndexOptions options;
  options.vectorizer.stop_words = {"the"};
  EXPECT_THAT(message_of([&] { index_of({{"a", "", "The the", ""}}, options); }), HasSubstr("no passage has a word"));
}

TEST(PassageIndex, TheFileIsAFunctionOfPassagesAndOptions) {
  const std::vector<Passage> passages = random_passages(400, 4);
  for (const uint32_t max_flat : {0U, 65535U}) {
    PassageIndexOptions options;
    options.max_flat = max_flat;
    options.tree.max_leaf = 20;
    const std::string image = sample_image(index_of(passages, options));
    for (const size_t threads : {2, 7}) EXPECT_TRUE(sample_image(index_of(passages, options, threads)) == image);
  }
  EXPECT_NE(index_of(random_passages(400, 5)).fingerprint(), index_of(passages).fingerprint());
}

TEST(PassageIndex, ASavedAndACompressedIndexAnswer) {
  const std::vector<Passage> passages = random_passages(200, 6);
  const TestFolder folder;
  const Model model = index_of(passages);
  ThreadPool pool(1);
  const Model small = compress(model, {}, pool);
  model.save(folder.path("whole"));
  small.save(folder.path("small"));
  for (const char* name : {"whole", "small"}) {
    const Model loaded = Model::load(folder.path(name), {Verify::everything, LoadMode::map});
    const RetrievedPassage best = retrieve(loaded, passages[17].text)[0];
    EXPECT_EQ(best.id, "id17") << name;
    EXPECT_EQ(best.text, passages[17].text);
  }
}

}  // namespace
}  // namespace coppice
