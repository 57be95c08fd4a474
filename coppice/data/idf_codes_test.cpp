// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/idf_codes.h"

#include <gtest/gtest.h>

#include <cmath>

namespace coppice {
namespace {

float decoded(const IdfCodes& codes, size_t i) {
  return codes.values[IdfCodes::code_at(codes.codes.data(), i)];
}

TEST(IdfCodes, FewValuesStayAsTheyAre) {
  for (const size_t n_values : {1, 2, 15, 16}) {
    std::vector<float> idf;
    for (size_t i = 0; i < 501; ++i) idf.push_back(std::log(1.0F + static_cast<float>(i * i % n_values)));
    const IdfCodes codes = code_idf(idf);
    EXPECT_EQ(codes.codes.size(), 251U);
    for (size_t i = 0; i < idf.size(); ++i) EXPECT_EQ(decoded(codes, i), idf[i]);
  }
}

TEST(IdfCodes, ManyMoveALittle) {
  std::vector<float> idf;  // of 20,000 rows, as words are distributed
  for (int i = 0; i < 20000; ++i) idf.push_back(1 + std::log(20001.0F / static_cast<float>(1 + 20000 / (i + 1))));
  const IdfCodes codes = code_idf(idf);
  double worst = 0;
  for (size_t i = 0; i < idf.size(); ++i) worst = std::max(worst, std::abs(double{decoded(codes, i)} / idf[i] - 1));
  EXPECT_LT(worst, 0.15);
}

TEST(IdfCodes, EachIsTheNearestValue) {
  std::vector<float> idf;
  for (int i = 0; i < 1000; ++i) idf.push_back(1 + static_cast<float>(i * 7919 % 1000) / 100);
  const IdfCodes codes = code_idf(idf);
  for (size_t i = 0; i < idf.size(); ++i) {
    for (const float value : codes.values) {
      EXPECT_LE(std::abs(decoded(codes, i) - idf[i]), std::abs(value - idf[i]) + 1e-6F);
    }
  }
}

TEST(IdfCodes, None) {
  EXPECT_TRUE(code_idf({}).codes.empty());
}

}  // namespace
}  // namespace coppice
