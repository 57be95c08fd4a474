// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/index/tree_shape.h"
#include "coppice/math/csr.h"

namespace coppice {

enum class KmeansDistance { spherical, euclidean };

struct KmeansOptions {
  KmeansDistance distance = KmeansDistance::spherical;
  uint32_t starts = 4;
  uint32_t max_iterations = 20;
  float tolerance = 0.005F;
  float min_sample_rate = 1;
  float max_sample_rate = 1;
  float sample_warmup = 0.4f;
  uint64_t seed = 0;
};

void describe(OptionTable& table, KmeansOptions& options);

/// Orders the rows so that the clusters of `shape` are runs of neighbours: balanced 2-means, recursively.
///
/// Each split puts the rows with the lowest score z . (c2 - c1) left, as many as the shape says (ties: lower row
/// first), and moves the centres, until no more than `tolerance` of the rows change sides or `max_iterations` rounds
/// are over. Features that one row of a node alone has are left out: they can only hold that row where it is.
/// Shapes: rows shape.n_labels() x any, norm 1 for the spherical distance; result: a permutation of the rows, and
/// rows of one cluster of the last level ascend.
/// Threads: the same bytes for any number of threads.
/// Cost: memory for one copy of the rows.
/// Source: Yu et al., "PECOS", 2022, algorithm 1 (balanced spherical 2-means after Prabhu et al., "Parabel", 2018).
std::vector<uint32_t> cluster_balanced(const Csr& rows, const TreeShape& shape, const KmeansOptions& options, Job job);

}  // namespace coppice
