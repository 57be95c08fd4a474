// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/packed_names.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/data/label_names.h"

namespace coppice {
namespace {

/// Names with much in common, of very different lengths, not in their order.
std::vector<std::string> sample_names(size_t n, uint64_t seed = 1) {
  Random random(seed);
  std::vector<std::string> names;
  for (size_t i = 0; i < n; ++i) {
    std::string name = "vendor" + std::to_string(random.below(20)) + ":";
    for (uint32_t words = random.below(4); words > 0; --words) name += "product_" + std::to_string(random.below(30));
    if (random.below(10) == 0) name += std::string(random.below(300), 'x') + "\xC3\xA4";
    names.push_back(name + std::to_string(i));
  }
  return names;
}

void expect_same(const PackedNames& packed, const std::vector<std::string>& names) {
  ASSERT_EQ(packed.size(), names.size());
  for (uint32_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(packed.name(i), names[i]);
    EXPECT_EQ(packed.find(names[i]), i);
    EXPECT_FALSE(packed.is_repeated(names[i]));
    EXPECT_FALSE(packed.find(names[i] + "!").has_value());
  }
}

TEST(PackedNames, EachNameIsFoundAtItsPlace) {
  for (const size_t n : {1, 15, 16, 17, 33, 1000}) {
    std::vector<std::string> names = sample_names(n);
    const PackedNames packed = PackedNames::pack(names);
    packed.verify();
    expect_same(packed, names);
    std::sort(names.begin(), names.end());
    const PackedNames ordered = PackedNames::pack(names);
    EXPECT_TRUE(ordered.tables().ranks.empty());
    ordered.verify();
    expect_same(ordered, names);
  }
}

TEST(PackedNames, TakesAThirdOfTheRoomOrLess) {
  const std::vector<std::string> names = sample_names(3000);
  size_t plain = 0;
  for (const std::string& name : names) plain += name.size();
  EXPECT_LT(PackedNames::pack(names).size_bytes(), plain / 3);
}

TEST(PackedNames, EmptyAndRepeatedNames) {
  std::vector<std::string> names(40, "same");
  names.insert(names.begin() + 7, "");
  names.push_back("other");
  const PackedNames packed = PackedNames::pack(names);
  packed.verify();
  for (uint32_t i = 0; i < names.size(); ++i) EXPECT_EQ(packed.name(i), names[i]);
  EXPECT_EQ(packed.find("same"), 0u);
  EXPECT_TRUE(packed.is_repeated("same"));
  EXPECT_EQ(packed.find(""), 7u);
  EXPECT_FALSE(packed.is_repeated(""));
  EXPECT_FALSE(packed.is_repeated("other"));
  EXPECT_FALSE(packed.find("zzz").has_value());
  EXPECT_EQ(packed.name(1000), "");
}

TEST(PackedNames, LabelNamesArePackedOnce) {
  const std::vector<std::string> names = sample_names(100);
  const LabelNames packed = LabelNames::from(names).packed();
  ASSERT_NE(packed.packed_names(), nullptr);
  EXPECT_EQ(packed.packed().size(), 100u);
  for (uint32_t i = 0; i < names.size(); ++i) EXPECT_EQ(packed.name(i), names[i]);
  EXPECT_EQ(packed.find(names[5]), 5u);
  EXPECT_EQ(LabelNames().packed().packed_names(), nullptr);
}

TEST(PackedNames, DamagedTablesHurtNobody) {
  const std::vector<std::string> names = sample_names(200);
  const PackedNames::Tables sound = PackedNames::pack(names).tables();
  Random random(3);
  size_t refused = 0;
  const auto spoilt = [&](const auto& array) {
    using T = std::decay_t<decltype(array[0])>;
    std::vector<T> values(array.begin(), array.end());
    auto* bytes = reinterpret_cast<unsigned char*>(values.data());
    bytes[random.below(static_cast<uint32_t>(values.size() * sizeof(T)))] ^=
        static_cast<unsigned char>(1 << random.below(8));
    return Array<T>(std::move(values));
  };
  for (size_t trial = 0; trial < 500; ++trial) {
    PackedNames::Tables tables = sound;
    switch (trial % 5) {
      case 0:
        tables.bytes = spoilt(sound.bytes);
        break;
      case 1:
        tables.block_begins = spoilt(sound.block_begins);
        break;
      case 2:
        tables.symbol_bytes = spoilt(sound.symbol_bytes);
        break;
      case 3:
        tables.symbol_begins = spoilt(sound.symbol_begins);
        break;
      default:
        tables.ranks = spoilt(sound.ranks);
    }
    try {
      const PackedNames packed(std::move(tables));
      for (uint32_t i = 0; i < packed.size(); i += 7) (void)packed.find(packed.name(i));
      packed.verify();
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 250u);  // another letter in a name is no broken invariant
}

TEST(PackedNames, TablesOfTheWrongSizeAreRefused) {
  PackedNames::Tables tables = PackedNames::pack(sample_names(50)).tables();
  tables.n_names = 70;
  EXPECT_THROW(PackedNames{tables}, Error);
  tables = PackedNames::pack(sample_names(50)).tables();
  tables.symbol_bytes = std::vector<char>(5000, 'x');
  EXPECT_THROW(PackedNames{tables}, Error);
}

}  // namespace
}  // namespace coppice
