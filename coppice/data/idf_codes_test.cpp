// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/idf_codes.h"

#include <gtest/gtest.h>

#include <cmath>

namespace coppice {
namespace {

float decoded(const IdfCodes& codes, size_t i) {
  return codes.values[codes.codes[i]];
}

TEST(IdfCodes, FewValuesStayAsTheyAre) {
  std::vector<float> idf;
  for (int i = 0; i < 5000; ++i) idf.push_back(std::log(1.0F + static_cast<float>(i % 256)));
  const IdfCodes codes = code_idf(idf);
  for (size_t i = 0; i < idf.size(); ++i) EXPECT_EQ(decoded(codes, i), idf[i]);
}

TEST(IdfCodes, OfManyTheFrequentStayAndTheOthersMoveALittle) {
  std::vector<float> idf;
  for (int i = 0; i < 20000; ++i) idf.push_back(std::log(20000.0F / static_cast<float>(i / 4 < 100 ? i % 100 + 1 : i)));
  const IdfCodes codes = code_idf(idf);
  for (size_t i = 0; i < idf.size(); ++i) EXPECT_NEAR(decoded(codes, i), idf[i], 0.02);
  for (size_t i = 0; i < 400; ++i) EXPECT_EQ(decoded(codes, i), idf[i]);
}

TEST(IdfCodes, OneValueOrNone) {
  EXPECT_TRUE(code_idf({}).codes.empty());
  const std::vector<float> same(10, 1.5F);
  EXPECT_EQ(decoded(code_idf(same), 9), 1.5F);
}

}  // namespace
}  // namespace coppice
