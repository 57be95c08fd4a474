// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/csr.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

Csr random_matrix(size_t rows, uint32_t columns, uint64_t seed) {
  Random random(seed);
  CsrBuilder builder(columns);
  for (size_t i = 0; i < rows; ++i) {
    for (uint32_t count = random.below(8); count > 0; --count) {
      builder.add(random.below(columns), static_cast<float>(random.uniform()));
    }
    builder.end_row();
  }
  return builder.build();
}

std::vector<float> dense(const Csr& matrix) {
  std::vector<float> cells(matrix.n_rows() * matrix.n_columns);
  for (size_t i = 0; i < matrix.n_rows(); ++i) {
    const SparseRow row = matrix.row(i);
    for (size_t j = 0; j < row.size(); ++j) cells[i * matrix.n_columns + row.columns[j]] += row.values[j];
  }
  return cells;
}

TEST(Csr, BuilderSortsARowAndSumsRepeats) {
  CsrBuilder builder;
  builder.add(5, 1);
  builder.add(2, 2);
  builder.add(5, 3);
  builder.end_row();
  builder.end_row();
  const Csr matrix = builder.build();
  EXPECT_EQ(matrix.n_rows(), 2u);
  EXPECT_EQ(matrix.n_columns, 6u);
  ASSERT_EQ(matrix.row(0).size(), 2u);
  EXPECT_EQ(matrix.row(0).columns[0], 2u);
  EXPECT_EQ(matrix.row(0).values[1], 4.0f);
  EXPECT_EQ(matrix.row(1).size(), 0u);
}

TEST(Csr, TransposedTwiceIsItself) {
  ThreadPool pool(2);
  const Csr matrix = random_matrix(50, 20, 1);
  const Csr turned = transpose(matrix, pool);
  turned.validate("turned");
  EXPECT_EQ(turned.n_rows(), 20u);
  const Csr back = transpose(turned, pool);
  EXPECT_EQ(dense(back), dense(matrix));
}

TEST(Csr, ConcatenationAndSelectionEqualTheDenseOnes) {
  const Csr a = random_matrix(9, 4, 2);
  const Csr b = random_matrix(9, 3, 3);
  const Csr wide = concatenate_columns(a, b);
  wide.validate("wide");
  const auto da = dense(a), db = dense(b), dw = dense(wide);
  for (size_t i = 0; i < 9; ++i) {
    for (size_t j = 0; j < 7; ++j) EXPECT_EQ(dw[i * 7 + j], j < 4 ? da[i * 4 + j] : db[i * 3 + j - 4]);
  }
  const Csr tall = concatenate_rows(a, b);
  tall.validate("tall");
  EXPECT_EQ(tall.n_rows(), 18u);
  const std::vector<uint32_t> order{8, 0, 8};
  const Csr picked = select_rows(a, order);
  EXPECT_EQ(picked.n_rows(), 3u);
  EXPECT_EQ(picked.row(2).size(), a.row(8).size());
}

TEST(Csr, ValidateNamesTheRowAtFault) {
  Csr matrix = random_matrix(3, 4, 4);
  matrix.n_columns = 1;
  EXPECT_THROW(matrix.validate("features"), Error);
  Csr bad;
  bad.n_columns = 2;
  bad.offsets = std::vector<uint64_t>{0, 1};
  bad.columns = std::vector<uint32_t>{0};
  bad.values = std::vector<float>{std::numeric_limits<float>::quiet_NaN()};
  try {
    bad.validate("features");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "features: row 0: a value is not finite");
  }
}

}  // namespace
}  // namespace coppice
