// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/passage_sections.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "coppice/core/error.h"
#include "coppice/model/compress.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/inspect.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using testing::entry_of;
using testing::fault_of;
using ::testing::HasSubstr;
using testing::load_image;

std::string sound_image() {
  return sample_image(Model(passages_sample_parts()));
}

ModelParts with(Passages passages) {
  ModelParts parts = flat_sample_parts(12);
  parts.passages = std::move(passages);
  return parts;
}

Passages of_labels(uint32_t n, std::string_view text, std::string_view metadata) {
  PassagesBuilder builder;
  for (uint32_t label = 0; label < n; ++label) builder.add(text, metadata);
  return builder.build();
}

TEST(PassageSections, SavedPassagesAreThoseOfBefore) {
  ThreadPool pool(1);
  const Model model(passages_sample_parts());
  for (const Model& one : {model, compress(model, {}, pool)}) {
    const std::string image = sample_image(one);
    const Model loaded = load_image(image, Verify::everything);
    EXPECT_EQ(sample_image(loaded), image);
    ASSERT_EQ(loaded.passages().size(), model.n_labels());
    for (uint32_t label = 0; label < model.n_labels(); ++label) {
      EXPECT_EQ(loaded.passages().text(label), model.passages().text(label));
      EXPECT_EQ(loaded.passages().metadata(label), model.passages().metadata(label));
    }
  }
}

TEST(PassageSections, AModelWithoutPassagesHasNoBytesForThem) {
  std::string image = sample_image(Model(flat_sample_parts(12)));
  EXPECT_THROW(entry_of(testing::entries_of(image), SectionType::passage_bytes), Error);
  EXPECT_EQ(load_image(image).passages().size(), 0u);
}

TEST(PassageSections, PassagesFitTheirLabels) {
  EXPECT_EQ(fault_of(with(of_labels(24, "x", "{}"))), "");
  EXPECT_EQ(fault_of(with(of_labels(24, "", ""))), "");
  EXPECT_THAT(fault_of(with(of_labels(23, "x", ""))), HasSubstr("the number of places in its passages is 47"));
  EXPECT_THAT(fault_of(with({std::vector<char>(3), std::vector<uint64_t>(49)})), HasSubstr("the end of the passages"));
  EXPECT_THAT(fault_of(with({std::vector<char>(3), std::vector<uint64_t>(49, 3)})),
              HasSubstr("the place of the first passage"));
  EXPECT_THAT(fault_of(with({std::vector<char>(3), {}})), HasSubstr("the number of places in its passages is 0"));
  EXPECT_THAT(fault_of(with(of_labels(24, "\xFF", ""))), HasSubstr("the passage of label 0 is not valid UTF-8"));
  EXPECT_THAT(fault_of(with(of_labels(24, "x", "[]"))), HasSubstr("no JSON object"));
}

TEST(PassageSections, OneSectionWithoutTheOtherIsDamage) {
  const std::string sound = sound_image();
  for (const SectionType type : {SectionType::passage_bytes, SectionType::passage_offsets}) {
    const std::string image = testing::changed(sound, [&](FileHeader&, std::vector<SectionEntry>& entries) {
      entry_of(entries, type).type = static_cast<uint32_t>(type) + 4;  // a kind that no reader knows yet
      if (type == SectionType::passage_bytes) std::swap(entries.back(), entries[entries.size() - 2]);
      if (type == SectionType::passage_bytes) std::swap(entries.back().offset, entries[entries.size() - 2].offset);
    });
    EXPECT_THROW(load_image(image, Verify::everything), Error);
  }
}

TEST(PassageSections, ACutFileIsAnError) {
  const std::string sound = sound_image();
  for (size_t size = 0; size < sound.size(); size += 29) EXPECT_THROW(load_image(sound.substr(0, size)), Error) << size;
}

/// Places that lie, behind checksums that are right: the model opens, answers, and auditing finds them.
TEST(PassageSections, PlacesThatDoNotAscendReadNothing) {
  std::string image = sound_image();
  const SectionEntry entry = entry_of(testing::entries_of(image), SectionType::passage_offsets);
  for (uint64_t i = 1; i + 1 < entry.count; ++i) {
    const uint64_t wild = ~uint64_t{0} - i;
    std::memcpy(image.data() + entry.offset + 8 * i, &wild, sizeof wild);
  }
  testing::repair_image(testing::bytes_of_image(image));
  const Model model = load_image(image);
  ask_everything(model);
  for (uint32_t label = 0; label < model.n_labels(); ++label) EXPECT_EQ(model.passages().text(label), "");
  EXPECT_THROW(load_image(image, Verify::everything), Error);
}

TEST(PassageSections, AreShownByInspect) {
  const std::string image = sound_image();
  const ModelFile file = testing::file_of_image(image);
  const ModelReport report = inspect(file, Model::load(file));
  ASSERT_TRUE(report.passages.has_value());
  EXPECT_EQ(report.passages->n_passages, 24u);
  EXPECT_THAT(to_text(report), HasSubstr("the labels stand for 24 passages: "));
}

}  // namespace
}  // namespace coppice
