// SPDX-License-Identifier: Apache-2.0
//
// tests/golden/hostile holds model files with what readers of other formats were tripped by, behind checksums that are
// right. With COPPICE_WRITE_GOLDEN set in the environment, those that are not there are written.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/model.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using Entries = std::vector<SectionEntry>;

SectionEntry& entry_of(Entries& entries, SectionType type) {
  for (SectionEntry& entry : entries) {
    if (entry.type == static_cast<uint32_t>(type)) return entry;
  }
  throw Error(ErrorCode::internal, "the sample model has no such section");
}

struct Hostile {
  const char* name;
  const char* others;  ///< who had it
  std::function<void(FileHeader&, Entries&)> damage;
};

const Hostile kHostile[] = {
    {"product_wraps", "ggml#709, llama.cpp#14595: count * size fits 64 bits by wrapping around",
     [](FileHeader&, Entries& e) { entry_of(e, SectionType::weights_bias).count += uint64_t{1} << 62; }},
    {"offset_wraps", "offset + size wraps around",
     [](FileHeader&, Entries& e) { entry_of(e, SectionType::weights_payload).offset = ~uint64_t{63}; }},
    {"end_before_begin", "audio.cpp#138: a size below zero, to those who count with signs",
     [](FileHeader&, Entries& e) { entry_of(e, SectionType::weights_payload).size_bytes = ~uint64_t{0}; }},
    {"elements_of_no_size", "gguf-tools#27, #28: a division by zero",
     [](FileHeader&, Entries& e) { entry_of(e, SectionType::weights_bias).element_size_bytes = 0; }},
    {"other_elements", "llama.cpp#26690: the type of elements is looked at after the cast",
     [](FileHeader&, Entries& e) {
       entry_of(e, SectionType::tree_leaf_label).element_type = static_cast<uint16_t>(ElementType::f32);
     }},
    {"not_aligned", "a cast to what must be aligned",
     [](FileHeader&, Entries& e) { entry_of(e, SectionType::tree_leaf_label).offset += 2; }},
    {"count_against_size", "mlx#3364: offsets against the shape",
     [](FileHeader&, Entries& e) { ++entry_of(e, SectionType::tree_leaf_label).count; }},
    {"one_place_for_two", "safetensors: an empty section lies where another begins",
     [](FileHeader&, Entries& e) { e[2].offset = e[1].offset; }},
    {"fewer_leaves_than_labels", "a shape that its arrays do not have",
     [](FileHeader&, Entries& e) {
       SectionEntry& leaves = entry_of(e, SectionType::tree_leaf_label);
       leaves.count -= 4;
       leaves.size_bytes -= 16;
     }},
    {"cut_short", "the file ends before its sections do", [](FileHeader& h, Entries&) { h.file_bytes += 64; }},
    {"other_byte_order", "numbers of another byte order", [](FileHeader& h, Entries&) { h.endian_tag = 0x04030201; }},
    {"sections_without_end", "gguf-tools#25: a count that only an assert looks at",
     [](FileHeader& h, Entries&) { h.section_count = 0xFFFFFFFF; }},
};

std::string damaged(const Hostile& hostile) {
  std::string image = sample_image(Model(sample_parts()));
  FileHeader header;
  std::memcpy(&header, image.data(), sizeof header);
  Entries entries(header.section_count);
  const size_t directory_bytes = entries.size() * sizeof(SectionEntry);
  std::memcpy(entries.data(), image.data() + header.directory_offset, directory_bytes);
  hostile.damage(header, entries);
  std::memcpy(image.data() + FileHeader::kHeaderBytes, entries.data(), directory_bytes);
  std::memcpy(image.data(), &header, sizeof header);
  testing::repair_header(testing::bytes_of_image(image), FileHeader::kHeaderBytes + directory_bytes);
  return image;
}

std::string file_of(const Hostile& hostile) {
  return std::string(COPPICE_GOLDEN_FOLDER) + "/hostile/" + hostile.name + ".coppice";
}

void PrintTo(const Hostile& hostile, std::ostream* out) {
  *out << hostile.name;
}

class HostileFiles : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileFiles, AreRefusedAtOpening) {
  const std::string path = file_of(GetParam());
  if (std::getenv("COPPICE_WRITE_GOLDEN") != nullptr && !std::filesystem::exists(path)) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << damaged(GetParam());
  }
  std::ifstream file(path, std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(image.empty()) << path;
  try {
    testing::load_image(image);
    FAIL() << GetParam().others;
  } catch (const Error& error) {
    EXPECT_TRUE(error.code() == ErrorCode::data || error.code() == ErrorCode::unsupported) << error.message();
    EXPECT_EQ(std::string(error.what()).find("checksum"), std::string::npos) << error.message();
  }
}

INSTANTIATE_TEST_SUITE_P(OfOtherFormats, HostileFiles, ::testing::ValuesIn(kHostile),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace coppice
