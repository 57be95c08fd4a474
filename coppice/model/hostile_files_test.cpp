// SPDX-License-Identifier: Apache-2.0
//
// tests/golden/hostile holds model files with what readers of other formats were tripped by, behind checksums that are
// right. With COPPICE_WRITE_GOLDEN set in the environment, those that are not there are written.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/compress.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/model.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using testing::entry_of;
using Entries = std::vector<SectionEntry>;

struct Hostile {
  const char* name;
  const char* others;  ///< who had it
  std::function<void(FileHeader&, Entries&)> damage;
  Model (*sound)() = [] { return Model(sample_parts()); };
};

Model compressed() {
  ThreadPool pool(1);
  return compress(Model(assistant_sample_parts()), {}, pool);
}

/// A section says that it has fewer elements than it must.
auto without_last(SectionType type, uint64_t count) {
  return [type, count](FileHeader&, Entries& entries) {
    SectionEntry& entry = entry_of(entries, type);
    entry.count -= count;
    entry.size_bytes -= count * entry.element_size_bytes;
  };
}

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
    // What a compressed model has besides. A look-up clamps the values of its tables, not their sizes.
    {"parts_without_pilots", "a table smaller than what its options say", without_last(SectionType::feature_pilots, 1),
     compressed},
    {"slots_sent_nowhere", "an index behind the end of a table", without_last(SectionType::feature_remap, 1),
     compressed},
    {"fewer_fingerprints_than_keys", "an array for each key that is not for each",
     without_last(SectionType::feature_fingerprints, 1), compressed},
    {"fewer_idf_codes_than_keys", "the same of half bytes", without_last(SectionType::feature_idf_codes, 1),
     compressed},
    {"blocks_of_fewer_names", "offsets against the shape", without_last(SectionType::label_name_blocks, 1), compressed},
    {"symbols_without_end", "offsets that lack the last", without_last(SectionType::label_name_symbol_begins, 1),
     compressed},
    {"tagger_without_fingerprints", "a table that another section promised",
     without_last(SectionType::tagger_fingerprints, 1), compressed},
    {"phrases_without_fingerprints", "the same", without_last(SectionType::gazetteer_fingerprints, 1), compressed},
    {"payload_without_slack", "vectors that are loaded past the end", without_last(SectionType::weights_payload, 704),
     compressed},
};

std::string damaged(const Hostile& hostile) {
  return testing::changed(sample_image(hostile.sound()), hostile.damage);
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
