// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/section_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "coppice/core/error.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/sample_model.h"

namespace coppice {

template <>
struct ElementTypeOf<ChunkEntry> {
  static constexpr ElementType value = ElementType::record;
};

namespace {

using ::testing::AllOf;
using testing::entry_of;
using ::testing::HasSubstr;

/// What verifying says; opening must not mind.
std::string verify_error(const std::string& image) {
  EXPECT_NO_THROW(testing::load_image(image));
  try {
    testing::load_image(image, Verify::everything);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "";
}

/// The sample's file after `change` of its header and directory, with UUID and hash repaired.
template <class Change>
std::string changed(Change change) {
  std::string image = sample_image(Model(sample_parts()));
  change(image, testing::entries_of(image));
  testing::repair_header(image);
  return image;
}

void copy_section(ModelFileWriter& writer, const ModelFile& file, const SectionEntry& entry) {
  const SectionKey key{static_cast<SectionType>(entry.type), entry.index};
  const auto need = static_cast<SectionNeed>(entry.flags);
  const auto element = static_cast<ElementType>(entry.element_type);
  if (element == ElementType::bytes) writer.add(key, file.array<char>(key), need);
  if (element == ElementType::u32) writer.add(key, file.array<uint32_t>(key), need);
  if (element == ElementType::u64) writer.add(key, file.array<uint64_t>(key), need);
  if (element == ElementType::f32) writer.add(key, file.array<float>(key), need);
  if (element == ElementType::record) writer.add(key, file.array<ChunkEntry>(key), need);
  if (element == ElementType::text || element == ElementType::json) {
    writer.add_text(key, element, std::string(file.text(key, element)), need);
  }
}

/// The sample's file written anew without some sections, and with those that `add` adds.
template <class Add>
std::string rewritten(const std::vector<SectionType>& left_out, Add add) {
  const auto path = std::filesystem::temp_directory_path() / ("coppice-rules-" + std::to_string(::getpid()));
  Model(sample_parts()).save(path, "coppice sample");
  const ModelFile file = ModelFile::read(path);
  ModelFileWriter writer("coppice sample");
  for (const SectionEntry& entry : file.sections()) {
    const bool stays = std::find(left_out.begin(), left_out.end(), SectionType(entry.type)) == left_out.end();
    if (stays) copy_section(writer, file, entry);
  }
  add(writer);
  OutputFile out(path);
  writer.write(out);
  out.commit();
  std::ifstream stream(path, std::ios::binary);
  std::string image{std::istreambuf_iterator<char>(stream), {}};
  std::filesystem::remove(path);
  return image;
}

TEST(SectionRules, ReservedFieldsOfVersion1AreZero) {
  using Entries = std::span<SectionEntry>;
  EXPECT_EQ(verify_error(changed([](std::string&, Entries) {})), "");
  const auto header_byte = [](size_t place) {
    return verify_error(changed([&](std::string& image, Entries) { image[place] = 1; }));
  };
  for (const size_t place : {152, 200, 4095})
    EXPECT_THAT(header_byte(place), HasSubstr("reserved bytes of its header"));
  EXPECT_THAT(header_byte(79), HasSubstr("producer"));
  EXPECT_THAT(header_byte(120), HasSubstr("feature bits"));
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(
        verify_error(changed([&](std::string&, Entries e) { entry_of(e, SectionType::label_counts).reserved[i] = 7; })),
        HasSubstr("entry of section label_counts (index 0)"));
  }
  EXPECT_THAT(verify_error(changed([](std::string&, Entries e) { e[0].flags = 0xFFFFFFFE; })),
              HasSubstr("entry of section shape (index 0)"));
  EXPECT_THAT(verify_error(changed([](std::string&, Entries e) { entry_of(e, SectionType::metrics).encoding = 1; })),
              HasSubstr("section metrics (index 0) has encoding 1"));
}

TEST(SectionRules, ALaterVersionMayUseWhatIsReserved) {
  EXPECT_EQ(verify_error(changed([](std::string& image, std::span<SectionEntry> e) {
              image[8] = 2;  // the format version
              image[200] = 1;
              image[120] = 1;
              e[0].reserved[0] = 1;
              e[0].flags |= 2;
            })),
            "");
}

TEST(SectionRules, EachSectionIsRequiredOrOptionalAsTheFormatSays) {
  const std::string image = sample_image(Model(sample_parts()));
  const size_t n_entries = (testing::end_of_directory(image) - FileHeader::kHeaderBytes) / sizeof(SectionEntry);
  for (size_t i = 0; i < n_entries; ++i) {
    std::string section;
    const std::string error = verify_error(changed([&](std::string&, std::span<SectionEntry> e) {
      e[i].flags ^= 1;
      section = describe_section(e[i]);
    }));
    EXPECT_THAT(error, AllOf(HasSubstr(section), HasSubstr("is marked as")));
  }
}

TEST(SectionRules, AnIndexHasAMeaning) {
  const auto with = [](auto add) { return verify_error(rewritten({}, add)); };
  EXPECT_EQ(with([](ModelFileWriter&) {}), "");
  EXPECT_THAT(with([](ModelFileWriter& w) {
                w.add({SectionType::label_name_bytes, 3}, Array<char>(std::vector<char>{'a'}));
              }),
              HasSubstr("section label_name_bytes (index 3)"));
  const Array<float> bias(std::vector<float>{1});
  EXPECT_THAT(with([&](ModelFileWriter& w) {
                w.add({SectionType::weights_bias, 77}, bias);
              }),
              HasSubstr("section weights_bias (index 77)"));
  EXPECT_THAT(with([&](ModelFileWriter& w) {
                w.add({SectionType::weights_bias, 2}, bias);
              }),
              HasSubstr("section weights_bias (index 2)"));
}

TEST(SectionRules, ThePartsOfTheVectorizerStandTogether) {
  const auto without = [](const std::vector<SectionType>& types) {
    return verify_error(rewritten(types, [](ModelFileWriter&) {}));
  };
  using enum SectionType;
  EXPECT_EQ(without({vectorizer_name_offsets, vectorizer_name_bytes}), "");
  EXPECT_THAT(without({vectorizer_name_bytes}), HasSubstr("vectorizer_name_offsets, but none vectorizer_name_bytes"));
  EXPECT_THAT(without({vectorizer_name_offsets}), HasSubstr("vectorizer_name_bytes, but none vectorizer_name_offsets"));
  EXPECT_THAT(without({vectorizer}), HasSubstr("vectorizer_buckets, but none vectorizer"));
  EXPECT_THAT(without({vectorizer, vectorizer_buckets}), HasSubstr("vectorizer_idf, but none vectorizer"));
  EXPECT_EQ(without({vectorizer, vectorizer_buckets, vectorizer_idf, vectorizer_name_offsets, vectorizer_name_bytes}),
            "");
}

TEST(SectionRules, NamesOfFeaturesGoWithKeys) {
  const std::string error = verify_error(rewritten({}, [](ModelFileWriter& writer) {
    writer.add({SectionType::feature_name_entries}, Array<char>(std::vector<char>{'a'}), SectionNeed::optional);
  }));
  EXPECT_THAT(error, HasSubstr("feature_name_entries, but none"));
}

TEST(SectionRules, DomainsHaveNamesAndLabels) {
  const Array<uint8_t> numbers(std::vector<uint8_t>(52, 255));
  const auto add_names = [](ModelFileWriter& writer) {
    writer.add_text({SectionType::domain_names}, ElementType::json, R"({"names":["a"]})", SectionNeed::optional);
  };
  const auto add_numbers = [&](ModelFileWriter& writer) {
    writer.add({SectionType::label_domains}, numbers, SectionNeed::optional);
  };
  EXPECT_THAT(verify_error(rewritten({}, add_names)), HasSubstr("domain_names, but none label_domains"));
  EXPECT_THAT(verify_error(rewritten({}, add_numbers)), HasSubstr("label_domains, but none domain_names"));
  EXPECT_EQ(verify_error(rewritten({},
                                   [&](ModelFileWriter& writer) {
                                     add_names(writer);
                                     add_numbers(writer);
                                   })),
            "");
}

TEST(SectionRules, SectionsOfOthersAreTheirs) {
  EXPECT_EQ(verify_error(rewritten({},
                                   [](ModelFileWriter& writer) {
                                     writer.add({static_cast<SectionType>(0x80000000), 9},
                                                Array<char>(std::vector<char>{'a'}), SectionNeed::optional);
                                   })),
            "");
}

}  // namespace
}  // namespace coppice
