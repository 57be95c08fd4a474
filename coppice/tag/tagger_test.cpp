// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tagger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/tag/slot_metrics.h"
#include "coppice/tag/tagger_weights.h"
#include "coppice/tag/tagging_fixture.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::quick_options;
using testing::sample_tagged_texts;
using testing::sample_tagger;

std::string tagged(const Tagger& tagger, const std::string& text) {
  Tagger::State state;
  std::string shown;
  for (const Slot& slot : tagger.tag(text, state)) {
    shown += "[" + tagger.slot_names()[slot.type] + " " + text.substr(slot.begin, slot.end - slot.begin) + "]";
  }
  return shown;
}

Tagger compressed(const Tagger& tagger, const TaggerCompression& options = {}) {
  ThreadPool pool(1);
  return compress_tagger(tagger, options, pool);
}

double f1_of(const Tagger& tagger) {
  ThreadPool pool(1);
  return evaluate_tagger(tagger, sample_tagged_texts(100, 2), pool).all.f1();
}

TEST(Tagger, FindsTheSlotsItLearned) {
  const Tagger tagger = sample_tagger();
  EXPECT_EQ(tagged(tagger, "play something by Nina Simone"), "[artist Nina Simone]");
  EXPECT_EQ(tagged(tagger, "book a table in St. Louis at 4pm"), "[city St. Louis][time 4pm]");
  EXPECT_EQ(tagged(tagger, ""), "");
  EXPECT_EQ(tagged(tagger, " \xFF "), "");
  EXPECT_EQ(f1_of(tagger), 100);
}

TEST(Tagger, CutsSlotsOffTheSignsBehindThem) {
  const Tagger tagger = sample_tagger();
  EXPECT_EQ(tagged(tagger, "i'd like to hear abba."), "[artist abba]");
  EXPECT_EQ(tagged(tagger, "play something by bach,please"), "[artist bach]");
}

TEST(Tagger, GivesBytesOfTheTextAsItIs) {
  const Tagger tagger = sample_tagger();
  const std::string text = "book\xC2\xA0 a table in  Z\xC3\x9CRICH at noon";
  Tagger::State state;
  const auto slots = tagger.tag(text, state);
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(text.substr(slots[0].begin, slots[0].end - slots[0].begin), "Z\xC3\x9CRICH");
}

TEST(Tagger, IsTheSameForAnyNumberOfThreads) {
  const Tagger one = sample_tagger();
  for (const size_t threads : {2U, 7U}) {
    const Tagger other = sample_tagger({}, threads);
    EXPECT_TRUE(std::ranges::equal(one.parts().features.hashes(), other.parts().features.hashes()));
    EXPECT_TRUE(std::ranges::equal(one.parts().weights.arrays().payload, other.parts().weights.arrays().payload));
    EXPECT_TRUE(std::ranges::equal(one.parts().weights.arrays().bias, other.parts().weights.arrays().bias));
    const Tagger small = compressed(one), other_small = compressed(other);
    EXPECT_TRUE(
        std::ranges::equal(small.parts().weights.arrays().payload, other_small.parts().weights.arrays().payload));
  }
}

TEST(Tagger, OneStateServesTextsOfAnyLengthAndSeveralTaggers) {
  const Tagger first = sample_tagger(), second = compressed(first);
  Tagger::State state;
  for (int round = 0; round < 2; ++round) {
    for (const TaggedText& row : sample_tagged_texts(20, 3).rows) {
      EXPECT_TRUE(std::ranges::equal(first.tag(row.text, state), row.slots)) << row.text;
      EXPECT_TRUE(std::ranges::equal(second.tag(row.text, state), row.slots)) << row.text;
    }
  }
}

TEST(Tagger, AGazetteerTellsNamesThatWereNeverSeen) {
  ThreadPool pool(1);
  const std::vector<std::string> names{"miles davis", "nina simone", "abba", "R&B Allstars", "bach", "sigur ros"};
  TaggerOptions options = quick_options();
  options.features = {0, 0, 0, 0, 0, 0, false};  // neighbours tell nothing
  Progress progress;
  const auto train = [&](std::vector<Gazetteer> gazetteers) {
    return train_tagger(sample_tagged_texts(60, 1), std::move(gazetteers), options, {pool, progress}).tagger;
  };
  const Tagger tagger = train({make_gazetteer("artist", names, pool)});
  EXPECT_EQ(tagged(tagger, "play sigur ros"), "[artist sigur ros]");
  EXPECT_EQ(tagged(compressed(tagger), "play sigur ros"), "[artist sigur ros]");
  EXPECT_EQ(tagged(train({}), "play sigur ros"), "");
}

TEST(Tagger, InFewBitsFindsTheSameSlots) {
  const Tagger tagger = sample_tagger();
  for (const PerfectHash kind : {PerfectHash::pilots, PerfectHash::levels}) {
    for (const uint32_t bits : {8U, 6U}) {
      TaggerCompression options;
      options.pack.value_bits = bits;
      options.keys.perfect_hash = kind;
      const Tagger small = compressed(tagger, options);
      small.verify();
      EXPECT_EQ(f1_of(small), 100) << bits;
      EXPECT_LT(small.size_bytes(), tagger.size_bytes() / 3);
      EXPECT_FALSE(small.parts().features.has_hashes());
    }
  }
}

TEST(Tagger, AThresholdDropsWeightsAndTheFeaturesThatHaveNoneLeft) {
  const Tagger tagger = sample_tagger();
  TaggerCompression options;
  options.threshold = 0.2F;
  const Tagger small = compressed(tagger, options);
  EXPECT_LT(small.n_weights(), tagger.n_weights());
  EXPECT_LT(small.parts().features.size(), tagger.parts().features.size());
  small.verify();
  EXPECT_GT(f1_of(small), 90);
  options.threshold = 1e6F;
  const Tagger empty = compressed(tagger, options);
  EXPECT_EQ(empty.n_weights(), 0u);
  empty.verify();
  tagged(empty, "play abba");
}

TEST(Tagger, CompressedTwiceStaysTheSame) {
  const Tagger once = compressed(sample_tagger());
  const Tagger twice = compressed(once);
  EXPECT_TRUE(std::ranges::equal(once.parts().weights.arrays().payload, twice.parts().weights.arrays().payload));
  EXPECT_EQ(once.parts().features.size(), twice.parts().features.size());
}

TEST(Tagger, RefusesPartsThatDoNotFit) {
  const TaggerParts sound = sample_tagger().parts();
  const auto error_of = [](TaggerParts parts) {
    try {
      const Tagger tagger(std::move(parts));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error_of(sound), "no error");
  TaggerParts parts = sound;
  parts.slot_names.pop_back();
  EXPECT_THAT(error_of(parts), HasSubstr("weights are not those of one chunk of 5 tags"));
  parts = sound;
  parts.slot_names[0] = parts.slot_names[1];
  EXPECT_THAT(error_of(parts), HasSubstr("two types of slots have the name city"));
  parts = sound;
  parts.slot_names.clear();
  EXPECT_THAT(error_of(parts), HasSubstr("0 types of slots"));
  parts = sound;
  parts.features = {};
  EXPECT_THAT(error_of(parts), HasSubstr("features, expected 7"));
  parts = sound;
  parts.options.word_window = 9;
  EXPECT_THAT(error_of(parts), HasSubstr("options are out of range"));
}

class TaggerTrainingTest : public ::testing::Test {
 protected:
  TaggerTraining train(const TaggedTexts& texts, const TaggerOptions& options = quick_options()) {
    return train_tagger(texts, {}, options, {pool_, progress_});
  }

  ThreadPool pool_{1};
  Progress progress_;
};

TEST_F(TaggerTrainingTest, SaysWhatItCameTo) {
  const TaggedTexts texts = sample_tagged_texts(60, 1);
  const TaggerTraining training = train(texts);
  EXPECT_EQ(training.n_texts, 60u);
  EXPECT_GT(training.n_words, 300u);
  EXPECT_GT(training.n_weights, training.tagger.n_weights());
  EXPECT_GT(training.iterations, 5u);
  EXPECT_EQ(training.n_lost_slots, 0u);
}

TEST_F(TaggerTrainingTest, MoreL1LeavesFewerWeights) {
  const TaggedTexts texts = sample_tagged_texts(60, 1);
  TaggerOptions options = quick_options();
  options.threshold = 0;
  options.l1 = 0;
  const uint64_t without = train(texts, options).tagger.n_weights();
  options.l1 = 1;
  EXPECT_LT(train(texts, options).tagger.n_weights(), without / 5);
}

TEST_F(TaggerTrainingTest, RareFeaturesAreLeftOut) {
  const TaggedTexts texts = sample_tagged_texts(60, 1);
  TaggerOptions options = quick_options();
  const uint64_t all = train(texts, options).n_features;
  options.min_count = 5;
  EXPECT_LT(train(texts, options).n_features, all);
  options.min_count = 1'000'000;
  EXPECT_THROW(train(texts, options), Error);
}

TEST_F(TaggerTrainingTest, TextsWithoutASlotTeachNothing) {
  TaggedTexts texts = sample_tagged_texts(5, 1);
  for (TaggedText& row : texts.rows) row.slots.clear();
  try {
    train(texts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_THAT(error.what(), HasSubstr("nothing to learn"));
  }
}

TEST_F(TaggerTrainingTest, ASlotWithoutAWordIsCountedAndLeftOut) {
  TaggedTexts texts = sample_tagged_texts(5, 1);
  TaggedText row;
  row.text = "play \xE2\x80\x8B now";
  row.slots = {{0, 5, 8}};
  texts.rows.push_back(row);
  row.text = "\xE2\x80\x8B";
  row.slots = {{0, 0, 3}};
  texts.rows.push_back(row);
  EXPECT_EQ(train(texts).n_lost_slots, 2u);
}

TEST_F(TaggerTrainingTest, StopsWhenAsked) {
  progress_.request_stop();
  try {
    train(sample_tagged_texts(5, 1));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST_F(TaggerTrainingTest, TagsOfWordsFollowFromTheBytesOfSlots) {
  TaggedTexts texts;
  texts.slot_names = {"artist"};
  TaggedText row;
  row.text = "play r&b allstars 's hits";
  row.slots = {{0, 5, 17}};
  texts.rows.push_back(row);
  const TagFeatureOptions options;
  const TaggerProblem problem = make_tagger_problem(texts, {options, {}}, 1);
  EXPECT_THAT(problem.crf.gold, ElementsAre(0, 1, 2, 2, 2, 0, 0, 0));
  EXPECT_EQ(problem.crf.word_begin.size(), 9u);
}

}  // namespace
}  // namespace coppice
