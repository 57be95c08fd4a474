// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/label_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

/// Root -> 2 nodes -> 3 + 2 leaves; label 1 stands in both clusters.
LabelTree overlapping_tree() {
  LabelTree tree;
  tree.n_labels = 4;
  tree.first_child = {std::vector<uint32_t>{0, 2}, std::vector<uint32_t>{0, 3, 5}};
  tree.leaf_label = std::vector<uint32_t>{3, 1, 0, 1, 2};
  return tree;
}

std::string refusal(const LabelTree& tree) {
  try {
    tree.validate();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "accepted";
}

TEST(LabelTree, WithOverlappingClustersIsValid) {
  EXPECT_EQ(refusal(overlapping_tree()), "accepted");
}

TEST(LabelTree, ValidateNamesEachBrokenInvariant) {
  EXPECT_NE(refusal(LabelTree{}).find("no level"), std::string::npos);
  LabelTree tree = overlapping_tree();
  tree.first_child[1] = Array<uint32_t>();
  EXPECT_NE(refusal(tree).find("0 child offsets for 2 nodes"), std::string::npos);
  tree.first_child[1] = std::vector<uint32_t>{1, 3, 5};
  EXPECT_NE(refusal(tree).find("first child is 1"), std::string::npos);
  tree.first_child[1] = std::vector<uint32_t>{0, 5, 5};
  EXPECT_NE(refusal(tree).find("node 1"), std::string::npos);
  tree.first_child[1] = std::vector<uint32_t>{0, 0xFFFFFFFF, 5};
  EXPECT_NE(refusal(tree).find("1 to 65535"), std::string::npos);
  tree = overlapping_tree();
  tree.leaf_label = std::vector<uint32_t>{3, 1, 0, 1};
  EXPECT_NE(refusal(tree).find("4 leaf labels for 5 leaves"), std::string::npos);
  tree.leaf_label = std::vector<uint32_t>{3, 1, 0, 4, 2};
  EXPECT_NE(refusal(tree).find("label 4 of 4"), std::string::npos);
  tree.leaf_label = std::vector<uint32_t>{3, 1, 0, 1, 1};
  EXPECT_NE(refusal(tree).find("label 2 stands in no leaf"), std::string::npos);
  tree.n_labels = 0xFFFFFFFF;
  EXPECT_NE(refusal(tree).find("but 5 leaves"), std::string::npos);
  tree = overlapping_tree();
  tree.first_child[0] = std::vector<uint32_t>{0, 70000};
  EXPECT_NE(refusal(tree).find("1 to 65535"), std::string::npos);
}

TEST(LabelTree, ValidateSurvivesArbitraryArrays) {
  Random random(7);
  size_t refused = 0;
  for (size_t trial = 0; trial < 5000; ++trial) {
    LabelTree tree = overlapping_tree();
    std::vector<uint32_t> cells;
    for (uint32_t count = random.below(7); count > 0; --count) {
      cells.push_back(random.below(4) == 0 ? static_cast<uint32_t>(random.next()) : random.below(6));
    }
    const uint32_t which = random.below(4);
    if (which == 3) tree.n_labels = static_cast<uint32_t>(random.next() >> random.below(64));
    if (which == 2) tree.leaf_label = std::move(cells);
    if (which < 2) tree.first_child[which] = std::move(cells);
    refused += refusal(tree) != "accepted";
  }
  EXPECT_GT(refused, 4000u);
}

TEST(LabelsUpTheTree, TakeTheLargestRelevanceUnderEachNode) {
  CsrBuilder builder(4);
  builder.add(1, 0.5f);
  builder.add(3, 2);
  builder.end_row();
  builder.end_row();
  builder.add(2, 1);
  builder.end_row();
  ThreadPool pool(2);
  const std::vector<Csr> levels = labels_up_the_tree(overlapping_tree(), builder.build(), pool);
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_EQ(levels[1].n_columns, 5u);
  EXPECT_EQ(std::vector<uint32_t>(levels[1].columns.begin(), levels[1].columns.end()),
            (std::vector<uint32_t>{0, 1, 3, 4}));
  EXPECT_EQ(levels[1].row(1).size(), 0u);
  EXPECT_EQ(std::vector<uint32_t>(levels[0].columns.begin(), levels[0].columns.end()),
            (std::vector<uint32_t>{0, 1, 1}));
  EXPECT_EQ(std::vector<float>(levels[0].values.begin(), levels[0].values.end()), (std::vector<float>{2, 0.5f, 1}));
}

TEST(LabelsUpTheTree, EqualTheNaiveWalkForAnyThreadCount) {
  Random random(3);
  LabelTree tree;
  tree.n_labels = 300;
  tree.first_child = {std::vector<uint32_t>{0, 3}, std::vector<uint32_t>{0, 10, 11, 20}};
  std::vector<uint32_t> first{0}, labels(300);
  for (uint32_t p = 1; p <= 20; ++p) first.push_back(p * 300 / 20);
  for (uint32_t l = 0; l < 300; ++l) labels[l] = l;
  random.shuffle(std::span(labels));
  tree.first_child.emplace_back(first);
  tree.leaf_label = labels;
  tree.validate();

  CsrBuilder builder(300);
  for (size_t i = 0; i < 9000; ++i) {
    for (uint32_t count = random.below(6); count > 0; --count) {
      builder.add(random.below(300), static_cast<float>(random.uniform()));
    }
    builder.end_row();
  }
  const Csr rows = builder.build();
  for (const size_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    const std::vector<Csr> levels = labels_up_the_tree(tree, rows, pool);
    for (size_t i = 0; i < rows.n_rows(); i += 97) {
      std::map<uint32_t, float> nodes;
      for (size_t j = 0; j < rows.row(i).size(); ++j) {
        const auto leaf = std::find(labels.begin(), labels.end(), rows.row(i).columns[j]) - labels.begin();
        nodes[static_cast<uint32_t>(leaf)] = rows.row(i).values[j];
      }
      for (size_t t = 3; t > 0; --t) {
        const SparseRow row = levels[t - 1].row(i);
        ASSERT_EQ(row.size(), nodes.size());
        size_t j = 0;
        std::map<uint32_t, float> up;
        for (const auto& [node, value] : nodes) {
          EXPECT_EQ(row.columns[j], node);
          EXPECT_EQ(row.values[j++], value);
          const auto& children = tree.first_child[t - 1];
          const auto parent = std::upper_bound(children.begin(), children.end(), node) - children.begin() - 1;
          float& best = up[static_cast<uint32_t>(parent)];
          best = std::max(best, value);
        }
        nodes = up;
      }
    }
  }
}

TEST(LeavesBelow, AreThoseOfTheSubtreeAndOfALeafItself) {
  const LabelTree tree = overlapping_tree();
  const auto range = [&](size_t level, uint32_t node) {
    const NodeRange leaves = leaves_below(tree, level, node);
    return std::pair(leaves.begin, leaves.end);
  };
  EXPECT_EQ(range(0, 0), std::pair(0U, 5U));
  EXPECT_EQ(range(1, 0), std::pair(0U, 3U));
  EXPECT_EQ(range(1, 1), std::pair(3U, 5U));
  EXPECT_EQ(range(2, 4), std::pair(4U, 5U));
}

TEST(LeavesBelow, AreCutToThoseThatThereAreWhereOffsetsAreDamaged) {
  LabelTree tree = overlapping_tree();
  for (const uint32_t damaged : {0x80000002U, 0U, UINT32_MAX}) {
    tree.first_child[0] = std::vector<uint32_t>{0, damaged};
    tree.first_child[1] = std::vector<uint32_t>{0, damaged, 5};
    for (size_t level = 0; level <= 2; ++level) {
      for (const uint32_t node : {0U, 1U, 0x80000000U, UINT32_MAX}) {
        const NodeRange leaves = leaves_below(tree, level, node);
        EXPECT_LE(leaves.begin, leaves.end);
        EXPECT_LE(leaves.end, 5U);
      }
    }
  }
}

TEST(LabelsUpTheTree, RefuseLabelsThatTheTreeDoesNotHold) {
  CsrBuilder builder(9);
  ThreadPool pool(1);
  EXPECT_THROW(labels_up_the_tree(overlapping_tree(), builder.build(), pool), Error);
}

}  // namespace
}  // namespace coppice
