// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/bits.h"

#include <gtest/gtest.h>

#include <vector>

#include "coppice/core/random.h"
#include "coppice/math/flags.h"

namespace coppice {
namespace {

TEST(SoftwareSelect, FindsEverySetBitOfAnyWord) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    uint64_t word = uint64_t{random.below(0xFFFFFFFF)} << 32 | random.below(0xFFFFFFFF);
    if (i % 3 == 0) word &= uint64_t{random.below(0xFFFFFFFF)} * random.below(0xFFFFFFFF);
    if (i % 7 == 0) word = i % 2 == 0 ? ~uint64_t{0} : uint64_t{1} << random.below(64);
    uint32_t rank = 0;
    for (uint32_t place = 0; place < 64; ++place) {
      if ((word >> place & 1) == 0) continue;
      ASSERT_EQ(SoftwareSelect::select(word, rank++), place) << word;
    }
    ASSERT_TRUE(rank == 64 || SoftwareSelect::select(word, rank) == 64) << word;
  }
  EXPECT_EQ(SoftwareSelect::select(0, 0), 64U);
}

#if defined(__x86_64__)
TEST(PdepSelect, FindsWhatSoftwareDoes) {
  if (__builtin_cpu_supports("bmi2") == 0) GTEST_SKIP() << "no pdep here";
  Random random(5);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t word = (uint64_t{random.below(0xFFFFFFFF)} << 32 | random.below(0xFFFFFFFF)) >> random.below(64);
    const uint32_t rank = random.below(64);
    ASSERT_EQ(PdepSelect::select(word, rank), SoftwareSelect::select(word, rank)) << word << ' ' << rank;
    uint64_t plain = 0, left = word;
    for (uint32_t place = 0; place < 64; ++place) {
      if ((rank >> place % 6 & 1) == 0) continue;
      plain |= (left & 1) << place;
      left >>= 1;
    }
    uint64_t mask = 0;
    for (uint32_t place = 0; place < 64; ++place) mask |= uint64_t{rank >> place % 6 & 1} << place;
    ASSERT_EQ(deposit(word, mask), plain);
  }
}
#endif

/// For each number a flag that is set and as many that are not, from bit `at` on.
std::vector<std::byte> flags_of(const std::vector<uint32_t>& numbers, uint32_t at) {
  std::vector<std::byte> bytes;
  BitWriter bits(bytes);
  for (uint32_t i = 0; i < at; ++i) bits.put(i % 2, 1);
  for (const uint32_t number : numbers) {
    bits.put(1, 1);
    for (uint32_t i = 0; i < number; ++i) bits.put(0, 1);
  }
  bits.end();
  bytes.resize(bytes.size() + kFlagSlack);
  return bytes;
}

TEST(Flags, AreFoundByRankAndFollowOneAnother) {
  Random random(3);
  for (const uint32_t most : {0u, 1u, 3u, 200u}) {
    for (const uint32_t begin : {0u, 5u, 64u}) {
      std::vector<uint32_t> numbers(300);
      for (uint32_t& number : numbers) number = random.below(most + 1);
      const std::vector<std::byte> bytes = flags_of(numbers, begin);
      uint64_t at = begin, end = begin + numbers.size();
      for (const uint32_t number : numbers) end += number;
      for (size_t i = 0; i < numbers.size(); at += 1 + numbers[i++]) {
        ASSERT_TRUE(has_flag(bytes.data(), at));
        ASSERT_EQ((nth_flag<2>(bytes.data(), begin, end, i)), at);
        ASSERT_EQ((nth_flag<3>(bytes.data(), begin, end, i)), at);
        ASSERT_EQ(to_next_flag(bytes.data(), at, end), 1 + numbers[i]);
      }
      EXPECT_EQ(count_flags(bytes.data(), begin, end - begin), numbers.size());
      EXPECT_GE((nth_flag<3>(bytes.data(), begin, end, numbers.size())), end);
    }
  }
}

TEST(Flags, StayInRangeWhateverTheBitsAre) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const uint64_t n_bits = random.below(700);
    std::vector<std::byte> bytes(bytes_of_bits(n_bits) + kFlagSlack);  // a read behind them shows under a sanitizer
    for (std::byte& byte : bytes) byte = round % 3 == 0 ? std::byte{0} : static_cast<std::byte>(random.next());
    for (uint64_t rank = 0; rank < 400; rank = rank < 70 ? rank + 1 : 2 * rank) {
      const uint64_t begin = random.below(static_cast<uint32_t>(n_bits + 1));
      const uint64_t at = std::min(nth_flag<3>(bytes.data(), begin, n_bits, rank), n_bits);
      ASSERT_GE(at, begin);
      ASSERT_LE(at + to_next_flag(bytes.data(), at, n_bits), n_bits);
    }
  }
}

}  // namespace
}  // namespace coppice
