// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/domain_sections.h"

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

/// More domains than a byte has numbers for.
LabelDomains many_domains(uint32_t n_labels) {
  std::vector<std::string> names;
  for (uint32_t domain = 0; domain < 300; ++domain) names.push_back("domain " + std::to_string(domain));
  std::vector<std::optional<uint32_t>> domains(n_labels);
  for (uint32_t label = 1; label < n_labels; ++label) domains[label] = 300 - label;
  return LabelDomains::from(std::move(names), domains);
}

ModelParts with(LabelDomains domains) {
  ModelParts parts = sample_parts();
  parts.domains = std::move(domains);
  return parts;
}

/// Models of few and of many domains.
std::vector<Model> both_widths() {
  const uint32_t n_labels = sample_parts().ranker.tree.n_labels;
  return {Model(with(sample_domains(n_labels))), Model(with(many_domains(n_labels)))};
}

/// The image with other bytes in a section, whose size they have; checksums are right.
std::string replaced(std::string image, SectionType type, const std::string& bytes) {
  SectionEntry& entry = entry_of(testing::entries_of(image), type);
  check(entry.size_bytes == bytes.size(), "the section keeps its size");
  std::memcpy(image.data() + entry.offset, bytes.data(), bytes.size());
  entry.hash = XXH3_64bits(bytes.data(), bytes.size());
  testing::repair_header(image);
  return image;
}

std::string refusal(const std::string& image, Verify verify) {
  try {
    ask_everything(load_image(image, verify));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "";
}

TEST(DomainSections, SavedDomainsAreThoseOfBefore) {
  ThreadPool pool(1);
  for (const Model& model : both_widths()) {
    for (const Model& one : {model, compress(model, {}, pool)}) {
      const std::string image = sample_image(one);
      const Model loaded = load_image(image, Verify::everything);
      EXPECT_EQ(sample_image(loaded), image);
      EXPECT_EQ(loaded.domains().names(), model.domains().names());
      ASSERT_EQ(loaded.domains().size(), model.n_labels());
      for (uint32_t label = 0; label < model.n_labels(); ++label) {
        EXPECT_EQ(loaded.domains().of(label), model.domains().of(label)) << label;
      }
    }
  }
}

TEST(DomainSections, AModelWithoutDomainsHasNoBytesForThem) {
  std::string image = sample_image(Model(sample_parts()));
  EXPECT_THROW(entry_of(testing::entries_of(image), SectionType::domain_names), Error);
  EXPECT_TRUE(load_image(image).domains().names().empty());
}

TEST(DomainSections, DomainsFitTheirLabels) {
  const uint32_t n_labels = sample_parts().ranker.tree.n_labels;
  EXPECT_EQ(fault_of(with(sample_domains(n_labels))), "");
  EXPECT_THAT(fault_of(with(sample_domains(n_labels - 1))), HasSubstr("the number of labels with a domain or none"));
  const std::vector<uint8_t> narrow(n_labels, 0);
  const std::vector<uint16_t> wide(n_labels, 0);
  EXPECT_THAT(fault_of(with({{}, narrow, {}})), HasSubstr("the number of labels with a domain or none is 52"));
  EXPECT_THAT(fault_of(with({{"a"}, {}, wide})), HasSubstr("too many for their numbers"));
  EXPECT_THAT(fault_of(with({std::vector<std::string>(256, "a"), narrow, {}})),
              HasSubstr("too many for their numbers"));
  EXPECT_THAT(fault_of(with({{"a", "b", "a"}, narrow, {}})), HasSubstr("two of its domains have one name"));
  EXPECT_THAT(fault_of(with({{"a"}, std::vector<uint8_t>(n_labels, 1), {}})), HasSubstr("a domain that there is not"));
  EXPECT_EQ(fault_of(with({{"a"}, std::vector<uint8_t>(n_labels, 255), {}})), "");
  EXPECT_THAT(fault_of(with({{"\xFF"}, narrow, {}})), HasSubstr("no text"));
  ModelParts parts = tagger_sample_parts();
  parts.domains = LabelDomains({"a"}, {}, {});
  EXPECT_THAT(fault_of(std::move(parts)), HasSubstr("domains, but no labels"));
}

TEST(DomainSections, ACutFileIsAnError) {
  for (const Model& model : both_widths()) {
    const std::string sound = sample_image(model);
    for (size_t size = 0; size < sound.size(); size += 29) {
      EXPECT_THROW(load_image(sound.substr(0, size)), Error) << size;
    }
  }
}

/// Of their bytes each bit, with checksums that are right: what opens is asked, and answers.
TEST(DomainSections, AFlippedBitIsNeverACrash) {
  const std::string sound = sample_image(both_widths().front());
  for (const SectionType type : {SectionType::domain_names, SectionType::label_domains}) {
    std::string image = sound;
    const SectionEntry entry = entry_of(testing::entries_of(image), type);
    for (size_t bit = 0; bit < entry.size_bytes * 8; ++bit) {
      std::string bytes = sound.substr(entry.offset, entry.size_bytes);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      image = sound;
      std::memcpy(image.data() + entry.offset, bytes.data(), bytes.size());
      EXPECT_THAT(refusal(image, Verify::everything), HasSubstr("checksum")) << bit;
      refusal(replaced(sound, type, bytes), Verify::structure);
    }
  }
}

TEST(DomainSections, NumbersOfNoDomainOpenAndAreFoundByVerifying) {
  for (const Model& model : both_widths()) {
    std::string sound = sample_image(model);
    const std::string image =
        replaced(sound, SectionType::label_domains,
                 std::string(entry_of(testing::entries_of(sound), SectionType::label_domains).size_bytes, '\xFD'));
    EXPECT_EQ(refusal(image, Verify::structure), "");
    EXPECT_EQ(load_image(image).domains().of(0), std::nullopt);
    EXPECT_THAT(refusal(image, Verify::everything), HasSubstr("a domain that there is not"));
  }
}

TEST(DomainSections, OtherJsonIsNotTakenForNames) {
  std::string sound = sample_image(both_widths().front());
  const size_t size = entry_of(testing::entries_of(sound), SectionType::domain_names).size_bytes;
  const auto with_json = [&](std::string json) {
    json.resize(size, ' ');
    return refusal(replaced(sound, SectionType::domain_names, json), Verify::structure);
  };
  EXPECT_THAT(with_json("[]"), HasSubstr("domain_names is no JSON object"));
  EXPECT_THAT(with_json("{}"), HasSubstr("no list \"names\""));
  EXPECT_THAT(with_json(R"({"names":"a"})"), HasSubstr("no list \"names\""));
  EXPECT_THAT(with_json(R"({"names":["a",1]})"), HasSubstr("an entry of \"names\" is no text"));
  EXPECT_THAT(with_json(R"({"names":[]})"), HasSubstr("the number of labels with a domain or none is 52"));
  EXPECT_EQ(with_json(R"({"names":["a","b"]})"), "");
}

TEST(DomainSections, AreShownByInspect) {
  const std::string image = sample_image(both_widths().front());
  const ModelFile file = testing::file_of_image(image);
  const ModelReport report = inspect(file, Model::load(file));
  ASSERT_TRUE(report.domains.has_value());
  EXPECT_EQ(report.domains->n_labels, 39u);
  EXPECT_THAT(to_text(report), HasSubstr("39 of the labels in 3 domains\n"));
}

}  // namespace
}  // namespace coppice
