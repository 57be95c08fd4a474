// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/packed_numbers.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

TEST(PackedNumbers, GiveTheNumbersBackInAsFewBitsAsTheLargestTakes) {
  Random random(5);
  for (const uint32_t width : {0u, 1u, 5u, 12u, 31u, 32u}) {
    std::vector<uint32_t> numbers(257);
    const uint64_t end = uint64_t{1} << width;
    for (uint32_t& number : numbers) number = static_cast<uint32_t>(random.next() % end);
    numbers[3] = static_cast<uint32_t>(end - 1);
    const PackedNumbers packed(numbers);
    EXPECT_EQ(packed.bytes().size(), 8 + (257 * width + 7) / 8);
    EXPECT_EQ(packed.values(), numbers);
    const PackedNumbers read(packed.bytes(), 257, "numbers");
    EXPECT_NO_THROW(read.verify("numbers"));
    EXPECT_EQ(read[3], numbers[3]);
  }
}

TEST(PackedNumbers, RefuseBytesOfOtherNumbers) {
  const std::vector<uint32_t> numbers{1, 2, 3};
  const PackedNumbers packed(numbers);
  const std::vector<uint8_t> sound(packed.bytes().begin(), packed.bytes().end());
  const auto read = [&](size_t place, uint8_t value, size_t count) {
    std::vector<uint8_t> bytes = sound;
    bytes[place] = value;
    PackedNumbers(bytes, count, "numbers").verify("numbers");
  };
  EXPECT_NO_THROW(read(0, 2, 3));
  EXPECT_THROW(read(0, 2, 5), Error);
  EXPECT_THROW(read(0, 33, 3), Error);
  EXPECT_THROW(read(0, 9, 3), Error);
  EXPECT_THROW(read(1, sound[1] | 0x80, 3), Error);
  EXPECT_THROW(read(sound.size() - 1, 1, 3), Error);
  EXPECT_THROW(PackedNumbers(Array<uint8_t>(), 0, "numbers"), Error);
}

}  // namespace
}  // namespace coppice
