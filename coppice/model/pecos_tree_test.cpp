// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/pecos_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> listed(const Array<uint32_t>& values) {
  return {values.begin(), values.end()};
}

Csr rows(uint32_t n_columns, const std::vector<std::vector<uint32_t>>& columns) {
  CsrBuilder builder(n_columns);
  for (const auto& row : columns) {
    for (const uint32_t column : row) builder.add(column, 1.0F);
    builder.end_row();
  }
  builder.set_columns(n_columns);
  return builder.build();
}

ErrorCode code_of(const std::vector<Csr>& children) {
  try {
    pecos_tree(children);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(PecosTree, SiblingsBecomeNeighboursAndNumbersAreKept) {
  const PecosTree result = pecos_tree(std::vector<Csr>{rows(2, {{0, 1}}), rows(5, {{1, 4}, {0, 2, 3}})});
  result.tree.validate();
  EXPECT_EQ(result.tree.n_labels, 5u);
  EXPECT_THAT(listed(result.tree.first_child[0]), ElementsAre(0, 2));
  EXPECT_THAT(listed(result.tree.first_child[1]), ElementsAre(0, 2, 5));
  EXPECT_THAT(listed(result.tree.leaf_label), ElementsAre(1, 4, 0, 2, 3));
  EXPECT_THAT(result.numbers[0], ElementsAre(0, 1));
}

TEST(PecosTree, NodesWithoutLabelsAreLeftOut) {
  const PecosTree result = pecos_tree(std::vector<Csr>{rows(3, {{0, 1, 2}}), rows(2, {{1}, {}, {0}})});
  result.tree.validate();
  EXPECT_THAT(result.numbers[0], ElementsAre(0, 2));
  EXPECT_THAT(listed(result.tree.leaf_label), ElementsAre(1, 0));
}

TEST(PecosTree, ALabelMayStandInSeveralClustersButANodeHasOneParent) {
  const PecosTree result = pecos_tree(std::vector<Csr>{rows(2, {{0, 1}}), rows(2, {{0, 1}, {1}})});
  EXPECT_THAT(listed(result.tree.leaf_label), ElementsAre(0, 1, 1));
  EXPECT_EQ(code_of({rows(2, {{0, 1}}), rows(2, {{0, 1}, {1}}), rows(2, {{0}, {1}})}), ErrorCode::unsupported);
}

TEST(PecosTree, SeveralTopClustersHaveOneRoot) {
  const PecosTree result = pecos_tree(std::vector<Csr>{rows(3, {{1}, {0, 2}})});
  result.tree.validate();
  EXPECT_THAT(listed(result.tree.first_child[0]), ElementsAre(0, 3));
  EXPECT_THAT(listed(result.tree.leaf_label), ElementsAre(1, 0, 2));
}

TEST(PecosTree, ALabelInNoClusterIsRefusedByItsNumber) {
  for (const std::vector<Csr>& children :
       {std::vector<Csr>{rows(2, {{0, 1}}), rows(4, {{1, 3}, {0}})},          // in no row
        std::vector<Csr>{rows(3, {{0, 1}}), rows(4, {{1, 3}, {0}, {2}})}}) {  // in one that hangs from nothing
    try {
      pecos_tree(children);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::unsupported);
      EXPECT_THAT(error.message(), ::testing::HasSubstr("1 of 4 labels are in no cluster, label 2 for one"));
    }
  }
}

TEST(PecosTree, LevelsThatDoNotFitAreAnError) {
  EXPECT_EQ(code_of({rows(2, {{0, 1}}), rows(5, {{1, 4}})}), ErrorCode::data);
  EXPECT_EQ(code_of({}), ErrorCode::data);
  EXPECT_EQ(code_of({rows(2, {{}})}), ErrorCode::data);
}

TEST(PecosTree, AChunkIsFeatureMajorWithoutZerosAndItsBiasApart) {
  CsrBuilder builder;
  for (const auto& row : std::vector<std::vector<std::pair<uint32_t, float>>>{
           {{0, 9.0F}}, {{3, 1.0F}, {1, 2.0F}, {4, 0.5F}}, {{1, -1.0F}, {2, 0.0F}, {4, -0.25F}}}) {
    for (const auto& [column, value] : row) builder.add(column, value);
    builder.end_row();
  }
  const PecosWeights level{builder.build(), 4, 2.0F};
  const ChunkRows chunk = pecos_chunk(level, std::vector<uint32_t>{2, 1});
  EXPECT_THAT(chunk.features, ElementsAre(1, 3));
  EXPECT_THAT(chunk.first_entry, ElementsAre(0, 2, 3));
  EXPECT_THAT(chunk.children, ElementsAre(0, 1, 1));
  EXPECT_THAT(chunk.values, ElementsAre(-1.0F, 2.0F, 1.0F));
  EXPECT_THAT(chunk.bias, ElementsAre(-0.5F, 1.0F));
}

}  // namespace
}  // namespace coppice
