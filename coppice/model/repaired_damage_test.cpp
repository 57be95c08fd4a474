// SPDX-License-Identifier: Apache-2.0
// Every section of compressed models, bit by bit, behind checksums that were made right again: what an attacker can do.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/compress.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using testing::load_image;

/// Together they have every kind of section of a compressed model.
std::vector<std::string> images() {
  ThreadPool pool(1);
  CompressOptions levels;
  levels.keys.perfect_hash = PerfectHash::levels;
  levels.pack = {.value_bits = 4, .scaling = Scaling::groups};
  levels.keep_strings = true;
  ModelParts with_passages = flat_sample_parts(30);
  with_passages.passages = passages_sample_parts().passages;
  CompressOptions rows;
  rows.pack = {.value_bits = 3, .scaling = Scaling::rows};
  return {sample_image(compress(Model(assistant_sample_parts()), {}, pool)),
          sample_image(compress(Model(std::move(with_passages)), levels, pool)),
          sample_image(compress(Model(assistant_sample_parts()), rows, pool))};
}

/// Whatever is asked of a model in memory; damage is an error or wrong answers, never one of the program's.
void open_and_ask(const std::string& image, Verify verify) {
  try {
    ask_everything(load_image(image, verify));
  } catch (const Error& error) {
    ASSERT_NE(error.code(), ErrorCode::internal) << error.what();
  }
}

/// Of a small section every bit, of others so many, spread evenly.
constexpr uint64_t kMostBits = 96;

void flip_bits_of(const std::string& sound, const SectionEntry& entry) {
  const uint64_t n_bits = 8 * entry.size_bytes;
  const uint64_t step = std::max<uint64_t>(1, n_bits / kMostBits) | 1;  // odd, so that every bit of a byte has its turn
  for (uint64_t bit = 0; bit < n_bits; bit += step) {
    std::string image = sound;
    char& byte = image[entry.offset + bit / 8];
    byte = static_cast<char>(byte ^ 1 << bit % 8);
    ASSERT_THROW(load_image(image, Verify::checksums), Error) << describe_section(entry) << ", bit " << bit;
    testing::repair_image(testing::bytes_of_image(image));
    open_and_ask(image, Verify::structure);
    open_and_ask(image, Verify::everything);
  }
}

class RepairedDamage : public ::testing::TestWithParam<size_t> {};

TEST_P(RepairedDamage, IsNeverACrash) {
  const std::string sound = images()[GetParam()];
  for (size_t at = FileHeader::kHeaderBytes; at < testing::end_of_directory(sound); at += sizeof(SectionEntry)) {
    SectionEntry entry;
    std::memcpy(&entry, sound.data() + at, sizeof entry);
    flip_bits_of(sound, entry);
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, RepairedDamage, ::testing::Range<size_t>(0, 3));

}  // namespace
}  // namespace coppice
