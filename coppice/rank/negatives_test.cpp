// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/negatives.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

Csr pattern(uint32_t columns, const std::vector<std::vector<uint32_t>>& rows) {
  CsrBuilder builder(columns);
  for (const auto& row : rows) {
    for (const uint32_t column : row) builder.add(column, 1.0F);
    builder.end_row();
  }
  return builder.build();
}

std::vector<uint32_t> rows_of(const ChunkRowSets& sets, size_t chunk) {
  return {sets.of(chunk).begin(), sets.of(chunk).end()};
}

TEST(Negatives, AreOneOrSeveralSetsByTheirNamesInPecos) {
  EXPECT_EQ(negatives_from_name("tfn"), (Negatives{.tfn = true}));
  EXPECT_EQ(negatives_from_name("man"), (Negatives{.man = true}));
  EXPECT_EQ(negatives_from_name("usn"), (Negatives{.usn = true}));
  EXPECT_EQ(negatives_from_name("tfn+man"), (Negatives{.tfn = true, .man = true}));
  EXPECT_EQ(negatives_from_name("usn+man+tfn"), (Negatives{true, true, true}));
  for (const char* bad : {"", "+", "tfn+", "tfn,man", "mam", "TFN"}) {
    EXPECT_THROW(negatives_from_name(bad), Error) << bad;
  }
  try {
    negatives_from_name("tfn+mam");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    EXPECT_NE(error.hint().find("man"), std::string::npos);
  }
}

TEST(RowsByChunk, IsTheUnionOfAllMatricesWithRowsAscending) {
  const Csr labels = pattern(3, {{0}, {0, 2}, {}, {1}});
  const Csr matched = pattern(3, {{0, 1}, {1}, {}, {1, 2}});
  const Csr* both[] = {&labels, &matched};
  const ChunkRowSets sets = rows_by_chunk(both, 3);
  EXPECT_EQ(rows_of(sets, 0), (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(rows_of(sets, 1), (std::vector<uint32_t>{0, 1, 3}));
  EXPECT_EQ(rows_of(sets, 2), (std::vector<uint32_t>{1, 3}));
  const Csr* one[] = {&labels};
  EXPECT_EQ(rows_of(rows_by_chunk(one, 3), 2), (std::vector<uint32_t>{1}));
}

TEST(AllRowsInEach, GivesEveryChunkEveryRow) {
  const ChunkRowSets sets = all_rows_in_each(3, 2);
  EXPECT_EQ(sets.n_chunks(), 2U);
  EXPECT_EQ(rows_of(sets, 0), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_EQ(rows_of(sets, 1), (std::vector<uint32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace coppice
