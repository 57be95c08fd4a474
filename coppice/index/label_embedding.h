// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/math/csr.h"

namespace coppice {

/// What a label is known by when labels are clustered.
enum class EmbeddingMethod {
  pifa,         ///< the features of its instances, summed
  pii,          ///< the instances that have it
  features,     ///< features given by the user
  pifa_concat,  ///< pifa and given features side by side
  pifa_convex   ///< a * pifa + (1 - a) * given features, in one feature space
};

struct EmbeddingOptions {
  EmbeddingMethod method = EmbeddingMethod::pifa;
  float pifa_share = 0.5f;
  bool weigh_by_relevance = false;
  uint32_t max_features_per_label = 0;
};

void describe(OptionTable& table, EmbeddingOptions& options);

/// What a label embedder may look at. Borrowed for the time of one call.
///
/// Shapes: `features` n x d, `labels` n x L (values: relevance), `label_features` L x any or null, `pifa_shares` empty
/// or L values in [0, 1] that stand before `EmbeddingOptions::pifa_share`.
struct EmbedderInput {
  const Csr& features;
  const Csr& labels;
  const Csr* label_features = nullptr;
  std::span<const float> pifa_shares = {};
};

/// Gives each label a vector, so that labels which are easily confused lie together. Implement it to plug in an own
/// embedding.
///
/// Threads: `embed` is const and thread-safe; the result must not depend on the size of the pool.
class LabelEmbedder {
 public:
  virtual ~LabelEmbedder() = default;

  /// Shapes: the result is L x any; a label about which nothing is known has an empty row.
  virtual Csr embed(const EmbedderInput& input, Job job) const = 0;
};

/// The embedders of `EmbeddingMethod`; rows have l2 norm 1 or are empty.
///
/// Cost: one pass over the features of each (instance, label) pair, memory for the entries that are kept, and one dense
/// row of d floats per thread.
/// Throws `ErrorCode::data` from `embed` when shapes disagree, `ErrorCode::usage` when label features are needed and
/// not given.
/// Source: Yu et al., "PECOS", 2022, section 3.1 (PII, PIFA, PIFA joined with label features). We depart from it in
/// keeping only the largest weights of a row, and in scaling given label features to length 1 before joining.
std::unique_ptr<LabelEmbedder> make_embedder(const EmbeddingOptions& options);

/// The `most` entries of largest magnitude of each row (ties: lower column), l2 norm 1. 0 keeps all.
Csr keep_largest(const Csr& matrix, uint32_t most, ThreadPool& pool);

/// For each label the number of instances that have it. Shapes: L.
std::vector<uint32_t> label_frequencies(const Csr& labels);

}  // namespace coppice
