// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/bm25.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/random.h"

namespace coppice {
namespace {

/// Counts of words as texts have them: few words often, many seldom, some rows empty.
Csr random_counts(size_t n, uint32_t d, uint64_t seed) {
  Random random(seed);
  CsrBuilder builder(d);
  for (size_t p = 0; p < n; ++p) {
    for (uint32_t words = p % 7 == 3 ? 0 : random.below(40); words > 0; --words) {
      builder.add(static_cast<uint32_t>(d * random.uniform() * random.uniform() * random.uniform()), 1);
    }
    builder.end_row();
  }
  builder.set_columns(d);
  return builder.build();
}

/// The formula, letter by letter, for one passage and feature.
double naive_weight(const Csr& counts, size_t p, uint32_t f, const Bm25Options& options) {
  double n = 0, total = 0, df = 0, tf = 0, length = 0;
  for (size_t q = 0; q < counts.n_rows(); ++q) {
    double sum = 0;
    for (size_t j = 0; j < counts.row(q).size(); ++j) {
      sum += counts.row(q).values[j];
      df += counts.row(q).columns[j] == f ? 1 : 0;
      if (q == p && counts.row(q).columns[j] == f) tf = counts.row(q).values[j];
    }
    if (q == p) length = sum;
    n += sum > 0 ? 1 : 0;
    total += sum;
  }
  const double idf = std::log(1 + (n - df + 0.5) / (df + 0.5)), k1 = options.k1, b = options.b;
  return idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / (total / n)));
}

TEST(Bm25, WeightsAreThoseOfTheFormula) {
  ThreadPool pool(2);
  const Csr counts = random_counts(60, 50, 1);
  for (const Bm25Options& options : {Bm25Options{}, Bm25Options{0.9F, 0.4F}, Bm25Options{2, 0}, Bm25Options{1.5F, 1}}) {
    const Csr weights = bm25_weights(counts, options, pool);
    weights.validate("weights");
    ASSERT_EQ(weights.n_nonzeros(), counts.n_nonzeros());
    for (size_t p = 0; p < weights.n_rows(); ++p) {
      for (size_t j = 0; j < weights.row(p).size(); ++j) {
        const double expected = naive_weight(counts, p, weights.row(p).columns[j], options);
        EXPECT_NEAR(weights.row(p).values[j], expected, 1e-6 * expected);
        EXPECT_GT(weights.row(p).values[j], 0);
      }
    }
  }
}

TEST(Bm25, WithoutK1AWordCountsOnceAndAlike) {
  ThreadPool pool(1);
  CsrBuilder builder(2);
  builder.add(0, 9);
  builder.end_row();
  builder.add(0, 1);
  builder.add(1, 1);
  builder.end_row();
  const Csr weights = bm25_weights(builder.build(), {0, 0.75F}, pool);
  EXPECT_EQ(weights.values[0], weights.values[1]);
  EXPECT_GT(weights.values[2], weights.values[1]);
}

TEST(Bm25, NoPassagesAndEmptyOnesHaveNoWeights) {
  ThreadPool pool(1);
  EXPECT_EQ(bm25_weights(CsrBuilder(3).build(), {}, pool).n_rows(), 0u);
  CsrBuilder builder(3);
  builder.end_row();
  EXPECT_EQ(bm25_weights(builder.build(), {}, pool).n_nonzeros(), 0u);
}

TEST(Bm25, ThreadsChangeNothing) {
  const Csr counts = random_counts(5000, 200, 2);
  ThreadPool one(1);
  const Csr expected = bm25_weights(counts, {}, one);
  for (const size_t threads : {2, 7}) {
    ThreadPool pool(threads);
    const Csr weights = bm25_weights(counts, {}, pool);
    EXPECT_TRUE(std::equal(weights.values.begin(), weights.values.end(), expected.values.begin()));
  }
}

}  // namespace
}  // namespace coppice
