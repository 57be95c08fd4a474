// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"

namespace coppice {

struct Bm25Options {
  float k1 = 1.2F;
  float b = 0.75F;
};

void describe(OptionTable& table, Bm25Options& options);

/// How much each feature of a passage says for it: what a query that has the feature once adds to the passage's score.
///
/// weight(p, f) = idf(f) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length(p) / mean length)), where tf = counts(p, f),
/// length(p) is the sum of the counts of p, and idf(f) = ln(1 + (N - df(f) + 1/2) / (df(f) + 1/2)), df(f) being the
/// passages that have f. N and the mean are of the passages that have a feature at all.
/// Shapes: counts N x d, none below 0; the result has its pattern. All weights are above 0.
/// Threads: the same bytes for any number of them.
/// Source: Robertson and Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009, section 3; the idf
/// is Apache Lucene's (BM25Similarity), whose 1 inside of the logarithm keeps the weight of a feature that most
/// passages have above zero. Lucene rounds lengths to a byte, and leaves the factor k1 + 1 out from version 8 on: that
/// changes scores, not their order.
Csr bm25_weights(const Csr& counts, const Bm25Options& options, ThreadPool& pool);

}  // namespace coppice
