// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "coppice/core/error.h"
#include "coppice/model/damage_fixture.h"

namespace coppice {
namespace {

using testing::changed;
using ::testing::HasSubstr;

struct Scratch {
  std::filesystem::path folder;
  Scratch() {
    static int count = 0;
    folder = std::filesystem::temp_directory_path() /
             ("coppice-format-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(folder);
  }
  ~Scratch() { std::filesystem::remove_all(folder); }
  std::string operator/(const char* name) const { return (folder / name).string(); }
};

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

ModelFileWriter sample_writer() {
  ModelFileWriter writer("coppice test");
  writer.add({SectionType::tree_first_child, 1}, Array<uint32_t>(std::vector<uint32_t>{0, 2, 5}));
  writer.add({SectionType::tree_first_child, 0}, Array<uint32_t>(std::vector<uint32_t>{0, 2}));
  writer.add({SectionType::label_name_offsets}, Array<uint64_t>(std::vector<uint64_t>{}));
  writer.add_text({SectionType::shape}, ElementType::json, "{}");
  return writer;
}

std::string sample_image() {
  const Scratch scratch;
  OutputFile file(scratch / "m");
  sample_writer().write(file);
  file.commit();
  return file_text(scratch / "m");
}

ModelFile open(const std::string& image) {
  return testing::file_of_image(image);
}

std::string error_of(const std::string& image) {
  try {
    open(image).verify();
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(Format, WhatWasWrittenIsReadBack) {
  const Scratch scratch;
  write_text(scratch / "m", sample_image());
  for (const ModelFile& file : {ModelFile::map(scratch / "m"), ModelFile::read(scratch / "m")}) {
    file.verify();
    ASSERT_EQ(file.sections().size(), 4u);
    EXPECT_EQ(file.header().producer_text(), "coppice test");
    const Array<uint32_t> values = file.array<uint32_t>({SectionType::tree_first_child, 1});
    EXPECT_THAT(std::vector<uint32_t>(values.begin(), values.end()), ::testing::ElementsAre(0, 2, 5));
    EXPECT_TRUE(file.array<uint64_t>({SectionType::label_name_offsets}).empty());
    EXPECT_EQ(file.text({SectionType::shape}, ElementType::json), "{}");
    EXPECT_FALSE(file.has({SectionType::metrics}));
    EXPECT_THROW(file.array<uint64_t>({SectionType::tree_first_child, 1}), Error);
    EXPECT_THROW(file.array<uint32_t>({SectionType::tree_first_child, 2}), Error);
  }
}

TEST(Format, TheOrderOfAddingDoesNotChangeTheFile) {
  const Scratch scratch;
  ModelFileWriter writer("coppice test");
  writer.add_text({SectionType::shape}, ElementType::json, "{}");
  writer.add({SectionType::label_name_offsets}, Array<uint64_t>());
  writer.add({SectionType::tree_first_child, 0}, Array<uint32_t>(std::vector<uint32_t>{0, 2}));
  writer.add({SectionType::tree_first_child, 1}, Array<uint32_t>(std::vector<uint32_t>{0, 2, 5}));
  OutputFile file(scratch / "m");
  writer.write(file);
  file.commit();
  EXPECT_TRUE(file_text(scratch / "m") == sample_image());
}

TEST(Format, AFileCutAtAnyByteIsAnError) {
  const std::string image = sample_image();
  ASSERT_EQ(error_of(image), "");
  for (size_t n = 0; n < image.size(); ++n) ASSERT_NE(error_of(image.substr(0, n)), "") << n;
  ASSERT_NE(error_of(image + std::string(64, '\0')), "");
}

TEST(Format, AFlippedBitAnywhereFailsVerification) {
  const std::string image = sample_image();
  for (size_t bit = 0; bit < image.size() * 8; ++bit) {
    std::string flipped = image;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(error_of(flipped), "") << "byte " << bit / 8;
  }
}

TEST(Format, DamageOfTheDirectoryIsFoundWithoutVerification) {
  const std::string image = sample_image();
  const auto refused = [&](auto change) {
    const std::string bad = changed(image, change);
    EXPECT_THROW(open(bad), Error);
  };
  using Entries = std::vector<SectionEntry>;
  ASSERT_NO_THROW(open(changed(image, [](FileHeader&, Entries&) {})));
  // What readers of other formats were tripped by: each was somebody's bug.
  refused([](FileHeader&, Entries& e) { e[3].offset = ~uint64_t{63}; });     // offset + size wraps around
  refused([](FileHeader&, Entries& e) { e[3].size_bytes = ~uint64_t{0}; });  // likewise (audio.cpp#138)
  refused([](FileHeader&, Entries& e) { e[3].offset = e[2].offset; });       // two sections in one place
  refused([](FileHeader&, Entries& e) { e[1].offset = e[0].offset; });       // one of them empty (safetensors)
  refused([](FileHeader&, Entries& e) { e[2].offset += 4; });                // not aligned
  refused([](FileHeader&, Entries& e) { e[2].count = (uint64_t{1} << 62) + e[2].count; });  // count * size (ggml#709)
  refused([](FileHeader&, Entries& e) { e[2].count += 1; });              // offsets against shape (mlx#3364)
  refused([](FileHeader&, Entries& e) { e[2].element_size_bytes = 0; });  // a division by zero (gguf-tools#27)
  refused([](FileHeader&, Entries& e) { std::swap(e[2], e[3]); });
  refused([](FileHeader& h, Entries&) { h.section_count = 3; });
  refused([](FileHeader& h, Entries&) { h.section_count = 4000; });
  refused([](FileHeader& h, Entries&) { h.file_bytes += 64; });
  refused([](FileHeader& h, Entries&) { h.endian_tag = 0x04030201; });
  refused([](FileHeader& h, Entries&) { h.required_features = 1; });
}

TEST(Format, AnotherElementTypeOfTheSameSizeIsNoU32) {  // a cast before the check (llama.cpp#26690)
  const std::string image = changed(sample_image(), [](FileHeader&, std::vector<SectionEntry>& entries) {
    for (SectionEntry& entry : entries) {
      if (entry.element_type == static_cast<uint16_t>(ElementType::u32)) {
        entry.element_type = static_cast<uint16_t>(ElementType::f32);
      }
    }
  });
  EXPECT_THROW(open(image).array<uint32_t>({SectionType::tree_first_child, 1}), Error);
}

TEST(Format, AnUnknownRequiredSectionIsRefusedAndAnOptionalOneSkipped) {
  const std::string image = sample_image();
  const auto make_unknown = [](uint32_t flags) {
    return [flags](FileHeader&, std::vector<SectionEntry>& e) { e[3].type = 126, e[3].flags = flags; };
  };
  EXPECT_THAT(error_of(changed(image, make_unknown(1))),
              ::testing::AllOf(HasSubstr("section of type 126"), HasSubstr("versions up to 1"),
                               HasSubstr("coppice test, which wrote it")));
  EXPECT_NO_THROW(open(changed(image, make_unknown(0))));
}

TEST(Format, ALaterVersionIsRefusedWithTheNameOfWhatCanReadIt) {
  const std::string image = changed(sample_image(), [](FileHeader& h, std::vector<SectionEntry>&) {
    h.format_version = 3;
    h.min_reader_version = 2;
    std::strcpy(h.producer.data(), "coppice 2.5.0");
  });
  EXPECT_THAT(error_of(image), ::testing::AllOf(HasSubstr("format version 3"), HasSubstr("reads version 2"),
                                                HasSubstr("Use coppice 2.5.0")));
  // A later version that only adds what may be skipped is read.
  EXPECT_EQ(error_of(changed(sample_image(), [](FileHeader& h, std::vector<SectionEntry>&) { h.format_version = 2; })),
            "");
}

TEST(Format, OtherFilesAreNamed) {
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("{\"text\": \"window manager\"}\n"), HasSubstr("looks like a text file"));
  EXPECT_THAT(error_of("\x1F\x8B\x08"), HasSubstr("gzip"));
  EXPECT_THAT(error_of("PK\x03\x04"), HasSubstr("npz"));
  EXPECT_THAT(error_of("\x89"
                       "CPC\n\x1a\n"),
              HasSubstr("text mode"));
  EXPECT_THAT(error_of(std::string(100, '\x01')), HasSubstr("not a Coppice model"));
  EXPECT_THROW(ModelFile::map("/nonexistent/model"), Error);
  EXPECT_THROW(ModelFile::read("/"), Error);
}

}  // namespace
}  // namespace coppice
