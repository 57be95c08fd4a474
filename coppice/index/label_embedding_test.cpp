// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/label_embedding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

Csr random_matrix(size_t rows, uint32_t columns, uint32_t most, uint64_t seed) {
  Random random(seed);
  CsrBuilder builder(columns);
  for (size_t i = 0; i < rows; ++i) {
    for (uint32_t count = random.below(most); count > 0; --count) {
      builder.add(random.below(columns), static_cast<float>(random.uniform() * 2 - 0.5));
    }
    builder.end_row();
  }
  return builder.build();
}

using Dense = std::vector<std::vector<double>>;

Dense dense(const Csr& matrix) {
  Dense cells(matrix.n_rows(), std::vector<double>(matrix.n_columns));
  for (size_t i = 0; i < matrix.n_rows(); ++i) {
    for (size_t j = 0; j < matrix.row(i).size(); ++j) cells[i][matrix.row(i).columns[j]] = matrix.row(i).values[j];
  }
  return cells;
}

void scale_to_one(std::vector<double>& row) {
  double squares = 0;
  for (const double value : row) squares += value * value;
  if (squares > 0) {
    for (double& value : row) value /= std::sqrt(squares);
  }
}

/// Z = normalised rows of (row-normalised Y)^T X, as the paper writes it.
Dense naive_pifa(const Csr& features, const Csr& labels, bool relevance) {
  const Dense x = dense(features);
  Dense y = dense(labels);
  Dense z(labels.n_columns, std::vector<double>(features.n_columns));
  for (size_t i = 0; i < y.size(); ++i) {
    if (!relevance) {
      for (const uint32_t label : labels.row(i).columns) y[i][label] = 1;
    }
    scale_to_one(y[i]);
    for (size_t l = 0; l < y[i].size(); ++l) {
      for (size_t c = 0; c < x[i].size(); ++c) z[l][c] += y[i][l] * x[i][c];
    }
  }
  for (std::vector<double>& row : z) scale_to_one(row);
  return z;
}

void expect_near(const Dense& got, const Dense& expected, double tolerance = 1e-5) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].size(), expected[i].size());
    for (size_t c = 0; c < got[i].size(); ++c) EXPECT_NEAR(got[i][c], expected[i][c], tolerance) << i << ", " << c;
  }
}

constexpr uint32_t kAll = UINT32_MAX;

Csr embed(const EmbeddingOptions& options, const EmbedderInput& input, size_t threads = 2) {
  ThreadPool pool(threads);
  Progress progress;
  Csr result = make_embedder(options)->embed(input, {pool, progress});
  result.validate("embedding");
  return result;
}

TEST(LabelEmbedding, PifaEqualsTheFormula) {
  const Csr x = random_matrix(200, 40, 12, 1);
  const Csr y = random_matrix(200, 30, 5, 2);
  EmbeddingOptions options;
  options.max_features_per_label = kAll;
  expect_near(dense(embed(options, {x, y})), naive_pifa(x, y, false));
  options.weigh_by_relevance = true;
  expect_near(dense(embed(options, {x, y})), naive_pifa(x, y, true));
}

TEST(LabelEmbedding, PiiHoldsTheInstancesOfALabel) {
  CsrBuilder builder(3);
  builder.add(0, 2);
  builder.add(2, 2);
  builder.end_row();
  builder.add(0, 1);
  builder.end_row();
  EmbeddingOptions options;
  options.method = EmbeddingMethod::pii;
  const Dense z = dense(embed(options, {Csr{}, builder.build()}));
  ASSERT_EQ(z.size(), 3u);
  EXPECT_NEAR(z[0][0], std::sqrt(0.5) / std::sqrt(1.5), 1e-6);
  EXPECT_NEAR(z[0][1], 1 / std::sqrt(1.5), 1e-6);
  EXPECT_EQ(z[1], (std::vector<double>{0, 0}));
  EXPECT_NEAR(z[2][0], 1, 1e-6);
}

TEST(LabelEmbedding, JoinedVectorsMixTheirInnerProducts) {
  const Csr x = random_matrix(100, 20, 8, 3);
  const Csr y = random_matrix(100, 10, 4, 4);
  const Csr f = random_matrix(10, 20, 9, 5);
  EmbeddingOptions options;
  options.max_features_per_label = kAll;
  const Dense own = naive_pifa(x, y, false);
  Dense given = dense(f);
  for (auto& row : given) scale_to_one(row);

  options.method = EmbeddingMethod::pifa_convex;
  options.pifa_share = 0.3f;
  Dense expected = own;
  for (size_t l = 0; l < expected.size(); ++l) {
    for (size_t c = 0; c < 20; ++c) expected[l][c] = 0.3 * own[l][c] + 0.7 * given[l][c];
    scale_to_one(expected[l]);
  }
  expect_near(dense(embed(options, {x, y, &f})), expected);

  options.method = EmbeddingMethod::pifa_concat;
  const std::vector<float> shares(10, 0.9f);
  for (size_t l = 0; l < expected.size(); ++l) {
    expected[l].assign(40, 0);
    for (size_t c = 0; c < 20; ++c) {
      expected[l][c] = std::sqrt(0.9) * own[l][c];
      expected[l][20 + c] = std::sqrt(0.1) * given[l][c];
    }
    scale_to_one(expected[l]);
  }
  expect_near(dense(embed(options, {x, y, &f, shares})), expected);

  options.method = EmbeddingMethod::features;
  expect_near(dense(embed(options, {x, y, &f})), given);
}

TEST(LabelEmbedding, KeepsTheLargestWeights) {
  CsrBuilder builder(9);
  const std::vector<float> values{1, -5, 3, 5, 0, 2};
  for (uint32_t c = 0; c < values.size(); ++c) builder.add(c, values[c]);
  builder.end_row();
  ThreadPool pool(1);
  const Csr row = builder.build();
  const Csr kept = keep_largest(row, 3, pool);
  EXPECT_EQ(std::vector<uint32_t>(kept.columns.begin(), kept.columns.end()), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_NEAR(kept.values[0], -5 / std::sqrt(59.0), 1e-6);
  const Csr tied = keep_largest(row, 1, pool);
  ASSERT_EQ(tied.columns.size(), 1u);
  EXPECT_EQ(tied.columns[0], 1u);
}

/// The size of the vector of a label that each of `n_instances` like instances has: 1000 features of weight 1,
/// the first `n_heavy` of weight 100.
size_t kept_by_itself(size_t n_instances, uint32_t n_columns, uint32_t n_heavy) {
  CsrBuilder x(n_columns), y(1);
  for (size_t i = 0; i < n_instances; ++i) {
    for (uint32_t c = 0; c < 1000; ++c) x.add(c, c < n_heavy ? 100 : 1);
    x.end_row();
    y.add(0, 1);
    y.end_row();
  }
  return embed(EmbeddingOptions{}, {x.build(), y.build()}).columns.size();
}

TEST(LabelEmbedding, CutsTheTailOfRareLabelsByItself) {
  constexpr uint32_t kSparse = 100000;
  EXPECT_EQ(kept_by_itself(1, kSparse, 1), 8u);     // never fewer
  EXPECT_EQ(kept_by_itself(3, kSparse, 100), 61u);  // six tenths of the squared norm
  EXPECT_EQ(kept_by_itself(4, kSparse, 1), 1000u);  // instances enough
  EXPECT_EQ(kept_by_itself(1, 1000, 1), 1000u);     // dense
}

TEST(LabelEmbedding, KeepsGivenFeaturesWholeByItself) {
  CsrBuilder builder(100000);
  for (uint32_t c = 0; c < 500; ++c) builder.add(c, 1);
  builder.end_row();
  ThreadPool pool(1);
  EXPECT_EQ(keep_largest(builder.build(), 0, pool).columns.size(), 500u);
}

TEST(LabelEmbedding, IsTheSameForAnyThreadCount) {
  const Csr x = random_matrix(2000, 500, 30, 6);
  const Csr y = random_matrix(2000, 700, 5, 7);
  EmbeddingOptions options;
  options.max_features_per_label = 20;
  const Csr one = embed(options, {x, y}, 1);
  EXPECT_EQ(one.n_rows(), 700u);
  for (const size_t threads : {2, 7}) {
    const Csr other = embed(options, {x, y}, threads);
    EXPECT_TRUE(std::equal(one.offsets.begin(), one.offsets.end(), other.offsets.begin(), other.offsets.end()));
    EXPECT_TRUE(std::equal(one.columns.begin(), one.columns.end(), other.columns.begin(), other.columns.end()));
    EXPECT_TRUE(std::equal(one.values.begin(), one.values.end(), other.values.begin(), other.values.end()));
  }
}

TEST(LabelEmbedding, SurvivesOpposedInstancesAndHugeValues) {
  CsrBuilder x(4), y(3);
  const auto add = [](CsrBuilder& builder, uint32_t column, float value) { builder.add(column, value); };
  add(x, 0, 1);
  add(x, 1, 1);
  x.end_row();
  add(x, 0, -1);
  add(x, 1, 1);
  x.end_row();
  add(x, 0, 1);
  x.end_row();
  add(x, 2, 3e38f);
  add(x, 3, 3e38f);
  x.end_row();
  for (int i = 0; i < 3; ++i) {
    add(y, 0, 1);
    y.end_row();
  }
  add(y, 1, 1);
  y.end_row();
  const Csr z = embed({}, {x.build(), y.build()});
  ASSERT_EQ(z.row(0).size(), 2u);
  EXPECT_NEAR(z.row(0).values[0], 1 / std::sqrt(5.0), 1e-6);
  EXPECT_NEAR(z.row(1).values[1], std::sqrt(0.5), 1e-6);
  EXPECT_EQ(z.row(2).size(), 0u);
}

TEST(LabelEmbedding, RefusesShapesThatDoNotFit) {
  const Csr x = random_matrix(10, 5, 3, 8);
  const Csr y = random_matrix(10, 4, 3, 9);
  const Csr f = random_matrix(4, 6, 3, 10);
  const Csr short_x = random_matrix(9, 5, 3, 8);
  EmbeddingOptions options;
  EXPECT_THROW(embed(options, {short_x, y}), Error);
  options.method = EmbeddingMethod::features;
  EXPECT_THROW(embed(options, {x, y}), Error);
  EXPECT_THROW(embed(options, {x, y, &x}), Error);
  options.method = EmbeddingMethod::pifa_convex;
  EXPECT_THROW(embed(options, {x, y, &f}), Error);
  options.method = EmbeddingMethod::pifa_concat;
  EXPECT_THROW(embed(options, {x, y, &f, std::vector<float>(3, 0.5f)}), Error);
  EXPECT_THROW(embed(options, {x, y, &f, std::vector<float>(4, 1.5f)}), Error);
}

TEST(LabelFrequencies, CountInstances) {
  const Csr y = random_matrix(50, 7, 4, 11);
  const std::vector<uint32_t> counts = label_frequencies(y);
  const Dense cells = dense(y);
  for (size_t l = 0; l < 7; ++l) {
    uint32_t count = 0;
    for (const auto& row : cells) count += row[l] != 0;
    EXPECT_EQ(counts[l], count);
  }
}

}  // namespace
}  // namespace coppice
