// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/indexer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/index/label_embedding.h"
#include "coppice/index/tree_shape.h"

namespace coppice {
namespace {

/// `groups` kinds of labels; a label has words of its kind and a few random ones. Label l is of kind l % groups.
Csr grouped_labels(uint32_t n_labels, uint32_t groups, uint64_t seed, int others = 4) {
  Random random(seed);
  CsrBuilder builder(groups * 10 + 2000);
  for (uint32_t l = 0; l < n_labels; ++l) {
    for (int word = 0; word < 8; ++word) builder.add(l % groups * 10 + random.below(10), 1);
    for (int word = 0; word < others; ++word) builder.add(groups * 10 + random.below(2000), 1);
    builder.end_row();
  }
  ThreadPool pool(1);
  return normalize_rows_l2(builder.build(), pool);
}

LabelTree build(const Csr& embedding, const IndexOptions& options, size_t threads = 2) {
  ThreadPool pool(threads);
  Progress progress;
  LabelTree tree = build_label_tree(embedding, options, {pool, progress});
  tree.validate();
  return tree;
}

std::vector<uint32_t> sorted_labels(const LabelTree& tree) {
  std::vector<uint32_t> labels(tree.leaf_label.begin(), tree.leaf_label.end());
  std::sort(labels.begin(), labels.end());
  return labels;
}

std::vector<size_t> widths(const LabelTree& tree) {
  std::vector<size_t> result;
  for (size_t level = 1; level <= tree.depth(); ++level) result.push_back(tree.n_nodes(level));
  return result;
}

TEST(TreeShape, IsThatOfPecos) {
  const auto widths_of = [](uint32_t labels, uint32_t branching, uint32_t leaf, uint32_t root) {
    const TreeShape shape = regular_shape(labels, branching, leaf, root);
    std::vector<uint32_t> result;
    for (size_t level = 1; level <= shape.depth(); ++level) result.push_back(shape.width(level));
    return result;
  };
  using Widths = std::vector<uint32_t>;
  EXPECT_EQ(widths_of(20000, 16, 100, 0), (Widths{16, 256}));
  EXPECT_EQ(widths_of(52766, 16, 100, 0), (Widths{4, 64, 1024}));
  EXPECT_EQ(widths_of(7240, 16, 100, 0), (Widths{8, 128}));
  EXPECT_EQ(widths_of(100, 16, 100, 0), Widths{});
  EXPECT_EQ(widths_of(101, 16, 100, 0), Widths{2});
  EXPECT_EQ(widths_of(1, 2, 1, 0), Widths{});
  EXPECT_EQ(widths_of(52766, 16, 100, 64), (Widths{64, 1024}));
  EXPECT_EQ(widths_of(3000000, 32, 400, 256), (Widths{256, 8192}));
}

TEST(TreeShape, SharesLabelsOutEvenly) {
  for (const uint32_t labels : {7u, 100u, 1001u, 9999u}) {
    const TreeShape shape = regular_shape(labels, 10, 3, 0);
    for (size_t level = 1; level <= shape.depth(); ++level) {
      EXPECT_EQ(shape.label_begin(level, 0), 0u);
      EXPECT_EQ(shape.label_begin(level, shape.width(level)), labels);
    }
    const size_t last = shape.depth();
    for (uint32_t node = 0; node < shape.width(last); ++node) {
      const uint32_t size = shape.label_begin(last, node + 1) - shape.label_begin(last, node);
      EXPECT_GE(size, labels / shape.width(last));
      EXPECT_LE(size, 3u);
    }
  }
}

TEST(TreeShape, RefusesLevelsThatDoNotGrow) {
  EXPECT_THROW(TreeShape(100, {20, 10}), Error);
  EXPECT_THROW(TreeShape(100, {20, 101}), Error);
  EXPECT_THROW(TreeShape(100, {0}), Error);
}

TEST(Indexer, PutsEachLabelInOneLeaf) {
  for (const uint32_t n_labels : {1u, 2u, 3u, 16u, 17u, 500u, 3001u}) {
    for (const uint32_t branching : {2u, 10u, 16u, 32u}) {
      IndexOptions options;
      options.branching = branching;
      options.max_leaf = 7;
      const LabelTree tree = build(grouped_labels(n_labels, 5, n_labels), options);
      std::vector<uint32_t> all(n_labels);
      std::iota(all.begin(), all.end(), 0);
      EXPECT_EQ(sorted_labels(tree), all);
      for (size_t level = 0; level < tree.depth(); ++level) {
        const uint32_t most = level + 1 == tree.depth() ? 7 : branching;
        for (size_t p = 0; p < tree.n_nodes(level); ++p) {
          EXPECT_LE(tree.first_child[level][p + 1] - tree.first_child[level][p], most);
        }
      }
    }
  }
}

TEST(Indexer, FindsKindsOfLabels) {
  constexpr uint32_t kLabels = 1600, kKinds = 16;
  for (const KmeansDistance distance : {KmeansDistance::spherical, KmeansDistance::euclidean}) {
    IndexOptions options;
    options.kmeans.distance = distance;
    const LabelTree tree = build(grouped_labels(kLabels, kKinds, 1), options);
    ASSERT_EQ(widths(tree), (std::vector<size_t>{16, kLabels}));
    // Share of label pairs of one leaf that are of one kind; 1/16 by chance.
    size_t same = 0, pairs = 0;
    for (size_t p = 0; p < 16; ++p) {
      for (uint32_t a = tree.first_child[1][p]; a < tree.first_child[1][p + 1]; ++a) {
        for (uint32_t b = tree.first_child[1][p]; b < a; ++b) {
          same += tree.leaf_label[a] % kKinds == tree.leaf_label[b] % kKinds;
          ++pairs;
        }
      }
    }
    EXPECT_GT(static_cast<double>(same) / static_cast<double>(pairs), 0.8);
  }
}

/// Share of the labels of two kinds that lie with their kind when the root is split in two, mean over seeds.
double purity_of_root_split(uint32_t starts) {
  constexpr uint32_t kLabels = 1000, kSeeds = 10;
  IndexOptions options;
  options.level_widths = {2};
  options.kmeans.starts = starts;
  options.kmeans.max_iterations = 2;
  double sum = 0;
  for (options.kmeans.seed = 0; options.kmeans.seed < kSeeds; ++options.kmeans.seed) {
    const LabelTree tree = build(grouped_labels(kLabels, 2, 5, 60), options);
    double even = 0;
    for (uint32_t a = 0; a < kLabels / 2; ++a) even += tree.leaf_label[a] % 2 == 0;
    sum += std::max(even, kLabels / 2 - even) / (kLabels / 2);
  }
  return sum / kSeeds;
}

TEST(Indexer, TakesTheBestOfSeveralStarts) {
  const double one = purity_of_root_split(1), eight = purity_of_root_split(8);
  EXPECT_GT(eight, one + 0.05) << one;
}

/// Which side of the root's only split each label is on, after `rounds` at most.
std::vector<bool> sides_of_root(const Csr& embedding, uint32_t rounds, float tolerance) {
  IndexOptions options;
  options.level_widths = {2};
  options.kmeans.starts = 1;
  options.kmeans.max_iterations = rounds;
  options.kmeans.tolerance = tolerance;
  const LabelTree tree = build(embedding, options);
  std::vector<bool> right(embedding.n_rows());
  for (uint32_t at = tree.first_child[1][1]; at < tree.first_child[1][2]; ++at) right[tree.leaf_label[at]] = true;
  return right;
}

TEST(Indexer, StopsASplitOnceNoMoreThanTheToleratedShareOfItsLabelsMoves) {
  constexpr uint32_t kLabels = 1024, kMostRounds = 100;
  const Csr embedding = grouped_labels(kLabels, 30, 5, 60);  // kinds that two sides do not separate by themselves
  std::vector<std::vector<bool>> after{{}};                  // by rounds, when each of them is run
  std::vector<uint32_t> moved{kLabels, kLabels};
  while (moved.back() > 0 && after.size() < kMostRounds) {
    after.push_back(sides_of_root(embedding, static_cast<uint32_t>(after.size()), 0));
    if (after.size() == 2) continue;
    const auto &now = after.back(), &before = after[after.size() - 2];
    moved.push_back(0);
    for (uint32_t l = 0; l < kLabels; ++l) moved.back() += now[l] != before[l];
  }
  ASSERT_EQ(moved.back(), 0u) << "no end after " << kMostRounds << " rounds";
  uint32_t last = 1;
  for (const float tolerance : {1.0F, 1.0F / 64, 0.0F}) {
    uint32_t rounds = 2;
    while (static_cast<float>(moved[rounds]) > tolerance * kLabels) ++rounds;
    EXPECT_GT(rounds, last) << "the labels come to rest too soon to tell " << tolerance << " from more";
    last = rounds;
    const std::vector<bool> sides = sides_of_root(embedding, kMostRounds, tolerance);
    EXPECT_EQ(sides, after[rounds]) << tolerance;
    EXPECT_EQ(std::count(sides.begin(), sides.end(), true), kLabels / 2);
  }
}

TEST(Indexer, GivesTheSameTreeForAnyThreadCount) {
  const Csr embedding = grouped_labels(6000, 60, 2, 90);  // big enough for splits by all threads together
  ASSERT_GT(embedding.n_nonzeros(), 500000u);
  IndexOptions options;
  options.max_leaf = 300;
  options.kmeans.min_sample_rate = 0.2f;
  options.kmeans.max_iterations = 5;
  const LabelTree one = build(embedding, options, 1);
  for (const size_t threads : {2, 7}) {
    const LabelTree other = build(embedding, options, threads);
    EXPECT_TRUE(std::equal(one.leaf_label.begin(), one.leaf_label.end(), other.leaf_label.begin()));
  }
  options.kmeans.seed = 1;
  const LabelTree reseeded = build(embedding, options, 2);
  EXPECT_FALSE(std::equal(one.leaf_label.begin(), one.leaf_label.end(), reseeded.leaf_label.begin()));
}

TEST(Indexer, PlacesIdenticalAndUnknownLabels) {
  CsrBuilder builder(3);
  for (int l = 0; l < 1000; ++l) {
    if (l % 3 != 0) builder.add(1, 1);
    builder.end_row();
  }
  IndexOptions options;
  options.max_leaf = 10;
  const LabelTree tree = build(builder.build(), options);
  EXPECT_EQ(tree.leaf_label.size(), 1000u);
  // Ties go by label: within a leaf the labels ascend.
  const size_t last = tree.depth() - 1;
  for (size_t p = 0; p < tree.n_nodes(last); ++p) {
    const auto begin = tree.leaf_label.begin() + tree.first_child[last][p];
    EXPECT_TRUE(std::is_sorted(begin, tree.leaf_label.begin() + tree.first_child[last][p + 1]));
  }
}

TEST(Indexer, BuildsTheLevelsThatAreAskedFor) {
  IndexOptions options;
  options.level_widths = {37, 200};
  const LabelTree tree = build(grouped_labels(1000, 9, 3), options);
  EXPECT_EQ(widths(tree), (std::vector<size_t>{37, 200, 1000}));
  options.level_widths = {};
  options.root_branching = 64;
  options.max_leaf = 16;
  EXPECT_EQ(widths(build(grouped_labels(1000, 9, 3), options)), (std::vector<size_t>{64, 1000}));
}

TEST(Indexer, MakesNoTreeWhenFlat) {
  const LabelTree tree = flat_tree(300);
  tree.validate();
  EXPECT_EQ(tree.depth(), 1U);
  EXPECT_EQ(tree.n_nodes(1), 300U);
  EXPECT_EQ(tree.leaf_label[299], 299U);
  EXPECT_THROW(flat_tree(65536), Error);
}

TEST(Indexer, RefusesNoLabelsAndNodesThatAreTooWide) {
  EXPECT_THROW(build(Csr{}, {}), Error);
  CsrBuilder builder(1);
  for (int l = 0; l < 70000; ++l) builder.end_row();
  IndexOptions options;
  options.level_widths = {1};
  EXPECT_THROW(build(builder.build(), options), Error);
}

TEST(Indexer, StopsOnRequest) {
  ThreadPool pool(2);
  Progress progress;
  progress.request_stop();
  EXPECT_THROW(build_label_tree(grouped_labels(1000, 9, 3), {}, {pool, progress}), Error);
}

/// A user's indexer: one leaf after the other, in the order of the labels.
class InOrder final : public Indexer {
 public:
  LabelTree index(const Csr& embedding, Job) const override {
    LabelTree tree;
    tree.n_labels = static_cast<uint32_t>(embedding.n_rows());
    tree.first_child = {std::vector<uint32_t>{0, tree.n_labels}};
    std::vector<uint32_t> labels(tree.n_labels);
    std::iota(labels.begin(), labels.end(), 0);
    tree.leaf_label = std::move(labels);
    return tree;
  }
};

TEST(Indexer, CanBeTheUsersOwn) {
  ThreadPool pool(1);
  Progress progress;
  const std::unique_ptr<Indexer> own = std::make_unique<InOrder>();
  EXPECT_NO_THROW(own->index(grouped_labels(5, 2, 4), {pool, progress}).validate());
}

}  // namespace
}  // namespace coppice
