// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/tagger_sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/model/compress.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/inspect.h"
#include "coppice/model/model.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using testing::fault_of;
using ::testing::HasSubstr;
using testing::load_image;

Model compressed(const Model& model, PerfectHash kind = PerfectHash::pilots) {
  ThreadPool pool(1);
  CompressOptions options;
  options.keys.perfect_hash = kind;
  return compress(model, options, pool);
}

/// Taggers alone and with a ranker, whole and in few bits.
std::vector<Model> all_kinds() {
  const Model alone(tagger_sample_parts()), both(assistant_sample_parts());
  return {alone, both, compressed(alone), compressed(both), compressed(alone, PerfectHash::levels)};
}

std::vector<Slot> slots_of(const Model& model, std::string_view text) {
  Tagger::State state;
  const auto slots = model.tagger()->tag(text, state);
  return {slots.begin(), slots.end()};
}

TEST(TaggerSections, ASavedTaggerFindsWhatItFoundBefore) {
  for (const Model& model : all_kinds()) {
    const std::string image = sample_image(model);
    const Model loaded = load_image(image, Verify::everything);
    EXPECT_EQ(sample_image(loaded), image);
    EXPECT_EQ(loaded.has_ranker(), model.has_ranker());
    for (const char* text : {"in new york a w7", "york w7 \xC3\xA4pfel in oslo", ""}) {
      EXPECT_EQ(slots_of(loaded, text), slots_of(model, text)) << text;
    }
    EXPECT_EQ(loaded.tagger()->slot_names(), model.tagger()->slot_names());
    EXPECT_EQ(loaded.tagger()->parts().gazetteers[1].name(), "window");
  }
}

TEST(TaggerSections, TheSampleHasSlotsToFind) {
  EXPECT_FALSE(slots_of(Model(tagger_sample_parts()), "york w7 \xC3\xA4pfel in oslo").empty());
}

TEST(TaggerSections, AModelOfATaggerAloneSaysThatItRanksNothing) {
  const Model model = load_image(sample_image(Model(tagger_sample_parts())), Verify::everything);
  EXPECT_FALSE(model.has_ranker());
  EXPECT_EQ(model.n_labels(), 0u);
  EXPECT_EQ(model.n_training_rows(), 9u);
  try {
    (void)model.ranker();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_THAT(error.what(), HasSubstr("slot tagger alone"));
  }
}

TEST(TaggerSections, WhatBelongsToARankerNeedsOne) {
  EXPECT_EQ(fault_of(tagger_sample_parts()), "");
  EXPECT_EQ(fault_of(assistant_sample_parts()), "");
  ModelParts parts = tagger_sample_parts();
  parts.vectorizer = sample_parts().vectorizer;
  EXPECT_THAT(fault_of(std::move(parts)), HasSubstr("a vectorizer, but no ranker"));
  parts = tagger_sample_parts();
  parts.label_names = LabelNames::from({"a"});
  EXPECT_THAT(fault_of(std::move(parts)), HasSubstr("number of label names"));
  parts = tagger_sample_parts();
  parts.ranker.n_features = 3;
  EXPECT_THAT(fault_of(std::move(parts)), HasSubstr("labels or features, but no tree"));
  EXPECT_THAT(fault_of(ModelParts()), HasSubstr("0 levels"));
}

TEST(TaggerSections, ACutFileIsAnError) {
  for (const Model& model : all_kinds()) {
    const std::string sound = sample_image(model);
    for (size_t size = 0; size < sound.size(); ++size) {
      EXPECT_THROW(load_image(sound.substr(0, size)), Error) << size;
    }
  }
}

/// Of each byte one bit, another one for each of its neighbours.
TEST(TaggerSections, AFlippedBitIsAnErrorWhenVerifiedAndNeverACrash) {
  for (const Model& model : {Model(tagger_sample_parts()), compressed(Model(tagger_sample_parts()))}) {
    const std::string sound = sample_image(model);
    for (size_t byte = FileHeader::kHeaderBytes; byte < sound.size(); ++byte) {
      std::string image = sound;
      image[byte] = static_cast<char>(image[byte] ^ 1 << byte % 8);
      EXPECT_THROW(load_image(image, Verify::everything), Error) << byte;
      if (byte % 3 != 0) continue;
      try {
        ask_everything(load_image(image));
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      }
    }
  }
}

/// Hashes, tables, weights and biases may hold anything: most such files open, and are asked.
TEST(TaggerSections, WhateverItsArraysHoldNothingIsReadOutOfBounds) {
  Random random(1);
  for (const Model& model : {Model(tagger_sample_parts()), compressed(Model(tagger_sample_parts()))}) {
    const std::string sound = sample_image(model);
    size_t opened = 0;
    for (int round = 0; round < 60; ++round) {
      std::string image = sound;
      for (size_t at = FileHeader::kHeaderBytes; at < testing::end_of_directory(image); at += sizeof(SectionEntry)) {
        SectionEntry entry;
        std::memcpy(&entry, image.data() + at, sizeof entry);
        const auto type = static_cast<SectionType>(entry.type);  // the parts' first and last slot are checked
        const bool is_array = type > SectionType::tagger && type != SectionType::tagger_parts &&
                              type != SectionType::gazetteer_parts && type != SectionType::tagger_chunk;
        if (!is_array || random.below(3) == 0) continue;
        for (size_t i = 0; i < entry.size_bytes; ++i) {
          if (random.below(4) == 0) image[entry.offset + i] = static_cast<char>(random.below(256));
        }
      }
      try {
        ask_everything(load_image(image));
        ++opened;
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      }
    }
    EXPECT_EQ(opened, 60u);
  }
}

TEST(TaggerSections, CompressedTwiceAndByAnyNumberOfThreadsIsTheSame) {
  ThreadPool seven(7);
  const Model once = compressed(Model(assistant_sample_parts()));
  EXPECT_EQ(sample_image(compress(once, {}, seven)), sample_image(once));
  EXPECT_EQ(sample_image(compress(Model(assistant_sample_parts()), {}, seven)), sample_image(once));
  EXPECT_LT(sample_image(once).size(), sample_image(Model(assistant_sample_parts())).size());
}

TEST(TaggerSections, AThresholdOfItsOwnDropsWeightsOfTheTagger) {
  ThreadPool pool(1);
  CompressOptions options;
  options.tagger_threshold = 0.5F;
  const Model whole = compressed(Model(assistant_sample_parts()));
  const Model pruned = compress(Model(assistant_sample_parts()), options, pool);
  EXPECT_LT(pruned.tagger()->n_weights(), whole.tagger()->n_weights());
  EXPECT_EQ(pruned.ranker().n_weights(), whole.ranker().n_weights());
}

TEST(TaggerSections, AreShownByInspect) {
  const std::string image = sample_image(Model(tagger_sample_parts()));
  const ModelFile file = testing::file_of_image(image);
  const ModelReport report = inspect(file, Model::load(file));
  ASSERT_TRUE(report.tagger.has_value());
  const std::string text = to_text(report);
  EXPECT_THAT(text, HasSubstr("finds 2 types of slots by 36 features ("));
  EXPECT_THAT(text, HasSubstr("slots: city, Fen\xC3\xAAtre"));
  EXPECT_THAT(text, HasSubstr("gazetteers: city, window"));
  EXPECT_THAT(text, HasSubstr("tagger_payload"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("scores by")));
}

}  // namespace
}  // namespace coppice
