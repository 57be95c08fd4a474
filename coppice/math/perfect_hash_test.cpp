// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/math/key_index.h"
#include "coppice/math/level_hash.h"
#include "coppice/math/pilot_hash.h"

namespace coppice {
namespace {

std::vector<KeyHash> some_keys(size_t count, uint64_t seed = 0) {
  std::vector<KeyHash> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back(hash_key("key " + std::to_string(i), seed));
  return keys;
}

template <class Hash>
void expect_bijection(const Hash& hash, const std::vector<KeyHash>& keys) {
  std::vector<bool> seen(keys.size());
  for (const KeyHash key : keys) {
    const uint32_t slot = hash.slot(key);
    ASSERT_LT(slot, keys.size());
    ASSERT_FALSE(seen[slot]);
    seen[slot] = true;
  }
}

void expect_numbers(const KeyIndex& index, const std::vector<KeyHash>& keys) {
  std::vector<uint32_t> numbers(keys.size());
  index.find(keys, numbers.data());
  std::vector<bool> seen(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(index.find(keys[i]), numbers[i]);
    ASSERT_LT(numbers[i], keys.size());
    ASSERT_FALSE(seen[numbers[i]]);
    seen[numbers[i]] = true;
  }
}

TEST(PilotHash, GivesEachKeyANumberOfItsOwn) {
  ThreadPool pool(2);
  for (const size_t count : {1u, 2u, 3u, 7u, 64u, 1000u, 30000u, 700000u}) {
    const std::vector<KeyHash> keys = some_keys(count);
    const PilotHash hash = PilotHash::build(keys, pool);
    EXPECT_EQ(hash.size(), count);
    expect_bijection(hash, keys);
    hash.verify();
  }
}

TEST(PilotHash, TakesFewBitsAKey) {
  ThreadPool pool(2);
  const PilotHash hash = PilotHash::build(some_keys(200000), pool);
  EXPECT_LT(static_cast<double>(hash.size_bytes()) * 8 / 200000, 2.7);
}

TEST(PilotHash, IsTheSameForAnyNumberOfThreadsAndOrderOfKeys) {
  std::vector<KeyHash> keys = some_keys(600000);
  ThreadPool one(1), seven(7);
  const PilotHash a = PilotHash::build(keys, one);
  std::reverse(keys.begin(), keys.end());
  const PilotHash b = PilotHash::build(keys, seven);
  EXPECT_TRUE(std::ranges::equal(a.tables().pilots, b.tables().pilots));
  EXPECT_TRUE(std::ranges::equal(a.tables().remap, b.tables().remap));
  EXPECT_EQ(a.tables().seed, b.tables().seed);
}

TEST(PilotHash, RefusesKeysThatAreEqual) {
  ThreadPool pool(1);
  std::vector<KeyHash> keys = some_keys(1000);
  keys.push_back(keys[500]);
  EXPECT_THROW(PilotHash::build(keys, pool), Error);
}

TEST(PilotHash, StaysInRangeWhateverItsTablesHold) {
  ThreadPool pool(1);
  const std::vector<KeyHash> keys = some_keys(5000);
  const PilotHash sound = PilotHash::build(keys, pool);
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    PilotHash::Tables tables = sound.tables();
    std::vector<uint8_t> pilots(tables.pilots.size());
    for (uint8_t& pilot : pilots) pilot = static_cast<uint8_t>(random.next());
    std::vector<uint32_t> remap(tables.remap.size());
    for (uint32_t& slot : remap) slot = static_cast<uint32_t>(random.next());
    tables.pilots = std::move(pilots);
    tables.remap = std::move(remap);
    const PilotHash damaged(tables);
    for (const KeyHash key : keys) ASSERT_LT(damaged.slot(key), keys.size());
  }
}

TEST(PilotHash, RefusesTablesThatDoNotFit) {
  ThreadPool pool(1);
  const PilotHash::Tables sound = PilotHash::build(some_keys(100), pool).tables();
  const auto refused = [&](auto change) {
    PilotHash::Tables tables = sound;
    change(tables);
    EXPECT_THROW(PilotHash{tables}, Error);
  };
  refused([](auto& tables) { tables.n_keys = 0; });
  refused([](auto& tables) { ++tables.n_keys; });
  refused([](auto& tables) { tables.n_keys = ~uint64_t{0}; });
  refused([](auto& tables) { tables.buckets_per_part = 0; });
  refused([](auto& tables) { ++tables.buckets_per_part; });
  refused([](auto& tables) { tables.first_slot = {}; });
  refused([](auto& tables) { tables.pilots = {}; });
  refused([](auto& tables) { tables.remap = {}; });
}

TEST(PilotHash, VisitNamesEveryTable) {
  PilotHash::Tables tables;
  std::vector<std::string> names;
  tables.visit([&](const char* name, auto&) { names.emplace_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"n_keys", "seed", "buckets_per_part", "first_slot", "pilots", "remap"}));
}

TEST(LevelHash, GivesEachKeyANumberOfItsOwn) {
  for (const double gamma : {1.0, 2.0, 5.0}) {
    for (const size_t count : {1u, 2u, 100u, 50000u}) {
      const std::vector<KeyHash> keys = some_keys(count);
      const LevelHash hash = LevelHash::build(keys, gamma);
      expect_bijection(hash, keys);
      hash.verify();
    }
  }
}

TEST(LevelHash, RefusesKeysThatAreEqualAndTablesThatDoNotFit) {
  std::vector<KeyHash> keys = some_keys(300);
  LevelHash::Tables tables = LevelHash::build(keys).tables();
  tables.ranks = {};
  EXPECT_THROW(LevelHash{tables}, Error);
  keys.push_back(keys[7]);
  EXPECT_THROW(LevelHash::build(keys), Error);
}

TEST(KeyIndex, FindsItsKeysAndRejectsOthersAsOftenAsItsFingerprintsSay) {
  ThreadPool pool(2);
  const std::vector<KeyHash> keys = some_keys(20000);
  std::vector<KeyHash> others;
  for (size_t i = 0; i < 200000; ++i) others.push_back(hash_key("other " + std::to_string(i), 0));
  for (const PerfectHash kind : {PerfectHash::pilots, PerfectHash::levels}) {
    for (const uint32_t bits : {0u, 4u, 8u, 16u}) {
      KeyIndexOptions options;
      options.perfect_hash = kind;
      options.fingerprint_bits = bits;
      const KeyIndex index = KeyIndex::build(keys, pool, options);
      expect_numbers(index, keys);
      std::vector<uint32_t> numbers(others.size());
      index.find(others, numbers.data());
      const auto taken = static_cast<double>(others.size() - std::ranges::count(numbers, KeyIndex::kNone));
      const double most = static_cast<double>(others.size()) / (1 << bits);
      EXPECT_LT(taken, most + 5 * std::sqrt(most) + 1);
      if (kind == PerfectHash::pilots) {
        EXPECT_GT(taken, most - 5 * std::sqrt(most) - 1);
      }
      for (size_t i = 0; i < 1000; ++i) ASSERT_EQ(index.find(others[i]), numbers[i]);
    }
  }
}

TEST(KeyIndex, RefusesFingerprintsThatDoNotFit) {
  ThreadPool pool(1);
  const KeyIndex index = KeyIndex::build(some_keys(100), pool);
  EXPECT_THROW(KeyIndex(index.hash(), 16, index.fingerprints()), Error);
  EXPECT_THROW(KeyIndex(index.hash(), 7, index.fingerprints()), Error);
}

TEST(KeyHash, IsXxh3AndTheSameOnEveryMachine) {
  EXPECT_EQ(hash_key("", 0).low, 0x6001C324468D497Fu);
  EXPECT_EQ(hash_key("", 0).high, 0x99AA06D3014798D8u);
}

}  // namespace
}  // namespace coppice
