// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/elias_fano.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "coppice/core/random.h"

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
  }
}
#endif

/// Numbers, written as one who stores them would, and a view of them.
struct Stored {
  std::vector<std::byte> bytes;
  EliasFano view;
};

Stored store(const std::vector<uint64_t>& numbers, uint32_t universe_bits) {
  Stored stored;
  stored.view.low_bits = EliasFano::best_low_bits(numbers.size(), universe_bits);
  std::vector<uint32_t> members(uint64_t{1} << (universe_bits - stored.view.low_bits));
  for (const uint64_t number : numbers) ++members[number >> stored.view.low_bits];
  write_groups(members, stored.bytes);
  UnaryGroups& upper = stored.view.upper;
  upper.n_groups = members.size();
  upper.n_ones = numbers.size();
  EXPECT_EQ(stored.bytes.size(), upper.size_bytes());
  BitWriter lower(stored.bytes);
  for (const uint64_t number : numbers) {
    lower.put(number & ((uint64_t{1} << stored.view.low_bits) - 1), stored.view.low_bits);
  }
  lower.end();
  stored.bytes.resize(stored.bytes.size() + UnaryGroups::kSlack);
  upper.samples = stored.bytes.data();
  upper.bits = stored.bytes.data() + upper.samples_bytes();
  stored.view.lower = stored.bytes.data() + upper.size_bytes();
  return stored;
}

std::vector<uint64_t> some_numbers(size_t count, uint32_t universe_bits, uint64_t seed) {
  Random random(seed);
  std::set<uint64_t> numbers;
  while (numbers.size() < count) numbers.insert(random.next() >> (64 - universe_bits));
  return {numbers.begin(), numbers.end()};
}

TEST(EliasFano, FindsEachNumberAtItsPositionAndNoOther) {
  for (const uint32_t bits : {1u, 5u, 12u, 20u}) {
    for (const size_t count : {size_t{1}, size_t{2}, size_t{31}, size_t{1000}, size_t{70000}}) {
      if (count > uint64_t{1} << bits) continue;
      const std::vector<uint64_t> numbers = some_numbers(count, bits, count);
      const Stored stored = store(numbers, bits);
      for (size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(stored.view.find(numbers[i]), i);
      for (uint64_t number = 0; number<uint64_t{1} << bits; number += bits> 12 ? 97 : 1) {
        const bool is_there = std::binary_search(numbers.begin(), numbers.end(), number);
        ASSERT_EQ(stored.view.find(number) != EliasFano::kNone, is_there) << number;
      }
    }
  }
}

TEST(EliasFano, TakesTwoBitsMoreThanTheGapsAsk) {
  const Stored stored = store(some_numbers(4096, 20, 1), 20);  // gaps of 2^8
  EXPECT_LT(static_cast<double>(stored.bytes.size() - UnaryGroups::kSlack) * 8 / 4096, 8 + 2 + 0.3);
}

TEST(UnaryGroups, HaveTheMembersThatWereWritten) {
  Random random(3);
  for (const uint32_t most : {1u, 3u, 200u}) {
    std::vector<uint32_t> members(1000);
    for (uint32_t& count : members) count = random.below(most + 1);
    std::vector<std::byte> bytes;
    write_groups(members, bytes);
    bytes.resize(bytes.size() + UnaryGroups::kSlack);
    UnaryGroups groups;
    groups.n_groups = members.size();
    for (const uint32_t count : members) groups.n_ones += count;
    groups.samples = bytes.data();
    groups.bits = bytes.data() + groups.samples_bytes();
    GroupReader reader(groups);
    uint64_t begin = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      const UnaryGroups::Members found = groups.of(i);
      ASSERT_EQ(found.begin, begin);
      ASSERT_EQ(found.end, begin + members[i]);
      ASSERT_EQ(reader.next(), members[i]);
      begin = found.end;
    }
  }
}

TEST(UnaryGroups, StayInRangeWhateverTheirBitsAre) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    UnaryGroups groups;
    groups.n_groups = 1 + random.below(500);
    groups.n_ones = random.below(1000);
    std::vector<std::byte> bytes(groups.size_bytes() + UnaryGroups::kSlack);  // a read behind them shows under a sanitizer
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(round % 3 == 0 ? 0xFF : random.next());
    groups.samples = bytes.data();
    groups.bits = bytes.data() + groups.samples_bytes();
    for (uint64_t i = 0; i < groups.n_groups; ++i) {
      const UnaryGroups::Members found = groups.of(i);
      ASSERT_LE(found.begin, found.end);
      ASSERT_LE(found.end, groups.n_ones);
    }
  }
}

TEST(RunEnds, GiveTheMembersOfEveryRun) {
  Random random(5);
  for (const uint32_t most : {1u, 2u, 7u, 60u, 4000u}) {
    for (const size_t n_runs : {1, 2, 63, 64, 65, 1000}) {
      std::vector<uint32_t> members(n_runs);
      uint64_t total = 0;
      for (uint32_t& count : members) total += count = 1 + random.below(most);
      std::vector<std::byte> bytes;
      write_run_ends(members, bytes);
      RunEnds ends = RunEnds::of_shape(n_runs, total);
      ASSERT_EQ(bytes.size(), ends.upper.size_bytes() + ends.lower_bytes());
      if (n_runs == 1000) {
        ASSERT_LE(static_cast<double>(bytes.size()) * 8 / 1000,
                  2.3 + std::log2(static_cast<double>(total) / 1000));
      }
      bytes.resize(bytes.size() + UnaryGroups::kSlack);
      ends.upper.samples = bytes.data();
      ends.upper.bits = bytes.data() + ends.upper.samples_bytes();
      ends.lower = bytes.data() + ends.upper.size_bytes();
      GroupReader uppers(ends.upper);
      uint64_t begin = 0, upper = 0;
      for (size_t i = 0; i < n_runs; ++i) {
        const UnaryGroups::Members found = ends.of(i);
        ASSERT_EQ(found.begin, begin);
        ASSERT_EQ(found.end, begin + members[i]);
        upper += uppers.next();
        ASSERT_EQ(ends.end_of(i, upper), found.end);
        begin = found.end;
      }
      EXPECT_TRUE(uppers.ended());
    }
  }
}

TEST(RunEnds, StayInRangeWhateverTheirBitsAre) {
  Random random(6);
  for (int round = 0; round < 200; ++round) {
    RunEnds ends = RunEnds::of_shape(1 + random.below(300), random.below(5000));
    std::vector<std::byte> bytes(ends.upper.size_bytes() + ends.lower_bytes() + UnaryGroups::kSlack);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(round % 3 == 0 ? 0xFF : random.next());
    ends.upper.samples = bytes.data();
    ends.upper.bits = bytes.data() + ends.upper.samples_bytes();
    ends.lower = bytes.data() + ends.upper.size_bytes();
    for (uint64_t i = 0; i < ends.n_runs(); ++i) {
      const UnaryGroups::Members found = ends.of(i);
      ASSERT_LE(found.begin, found.end);
      ASSERT_LE(found.end, ends.n_members);
    }
  }
}

}  // namespace
}  // namespace coppice
