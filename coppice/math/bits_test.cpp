// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/bits.h"

#include <gtest/gtest.h>

#include <vector>

#include "coppice/core/random.h"
#include "coppice/math/unary.h"

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

/// Numbers in unary from bit `at` on, as one who stores them would write them.
std::vector<std::byte> in_unary(const std::vector<uint32_t>& numbers, uint32_t at) {
  std::vector<std::byte> bytes;
  BitWriter bits(bytes);
  for (uint32_t i = 0; i < at; ++i) bits.put(i % 2, 1);
  for (const uint32_t number : numbers) {
    for (uint32_t i = 0; i < number; ++i) bits.put(1, 1);
    bits.put(0, 1);
  }
  bits.end();
  bytes.resize(bytes.size() + kUnarySlack);
  return bytes;
}

TEST(Unary, GivesTheNumbersBack) {
  Random random(3);
  for (const uint32_t most : {0u, 1u, 3u, 200u}) {
    for (const uint32_t begin : {0u, 5u, 64u}) {
      std::vector<uint32_t> numbers(300);
      for (uint32_t& number : numbers) number = random.below(most + 1);
      const std::vector<std::byte> bytes = in_unary(numbers, begin);
      uint64_t sum = 0, end = begin + numbers.size();
      for (const uint32_t number : numbers) end += number;
      for (size_t i = 0; i < numbers.size(); ++i) {
        const uint64_t at = behind_zeros(bytes.data(), begin, end, i);
        ASSERT_EQ(at, begin + i + sum);
        ASSERT_EQ(run_of_ones(bytes.data(), at, end), numbers[i]);
        sum += numbers[i];
      }
      EXPECT_EQ(count_ones(bytes.data(), begin, end - begin), sum);
    }
  }
}

TEST(Unary, StaysInRangeWhateverTheBitsAre) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    const uint64_t n_bits = random.below(700);
    std::vector<std::byte> bytes(bytes_of_bits(n_bits) + kUnarySlack);  // a read behind them shows under a sanitizer
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(round % 3 == 0 ? 0xFF : random.next());
    for (uint64_t n = 0; n < 400; n = n < 70 ? n + 1 : 2 * n) {
      const uint64_t at = behind_zeros(bytes.data(), 0, n_bits, n);
      ASSERT_LE(at, n_bits + 232);
      ASSERT_LE(at + run_of_ones(bytes.data(), at, n_bits), std::max(at, n_bits));
    }
  }
}

}  // namespace
}  // namespace coppice
