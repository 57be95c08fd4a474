// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/feature_names.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

std::vector<std::string> some_names(size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i)
    names.push_back("feature " + std::to_string(i * 7919 % 1000) + std::string(i % 300, 'x'));
  return names;
}

FeatureNames encode(const std::vector<std::string>& names, size_t threads) {
  ThreadPool pool(threads);
  const std::vector<std::string_view> views(names.begin(), names.end());
  return encode_feature_names(views, pool);
}

TEST(FeatureNames, ComeBackAsTheyWere) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{16}, size_t{17}, size_t{20'000}}) {
    const auto names = some_names(count);
    const FeatureNames encoded = encode(names, 2);
    EXPECT_TRUE(feature_names_intact(encoded.offsets, encoded.bytes, count));
    for (size_t i = 0; i < count; i += 1 + count / 100) {
      ASSERT_EQ(decode_feature_name(encoded.offsets, encoded.bytes, i), names[i]);
    }
    EXPECT_EQ(decode_feature_name(encoded.offsets, encoded.bytes, count + 16), "");
  }
}

TEST(FeatureNames, AreTheSameBytesForAnyNumberOfThreads) {
  const auto names = some_names(40'000);
  const FeatureNames one = encode(names, 1);
  for (const size_t threads : {2, 7}) {
    const FeatureNames more = encode(names, threads);
    EXPECT_TRUE(std::equal(one.bytes.begin(), one.bytes.end(), more.bytes.begin(), more.bytes.end()));
    EXPECT_TRUE(std::equal(one.offsets.begin(), one.offsets.end(), more.offsets.begin(), more.offsets.end()));
  }
}

TEST(FeatureNames, SurviveEveryBitFlip) {
  const auto names = some_names(40);
  const FeatureNames encoded = encode(names, 1);
  std::vector<char> bytes(encoded.bytes.begin(), encoded.bytes.end());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    for (size_t i = 0; i < names.size(); i += 15) decode_feature_name(encoded.offsets, bytes, i);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
  }
  const std::vector<uint64_t> wild = {~uint64_t{0}, 5, ~uint64_t{0}};
  EXPECT_EQ(decode_feature_name(wild, bytes, 0), "");
  EXPECT_FALSE(feature_names_intact(wild, bytes, 20));
}

}  // namespace
}  // namespace coppice
