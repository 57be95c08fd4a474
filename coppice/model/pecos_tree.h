// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/index/label_tree.h"
#include "coppice/math/csr.h"
#include "coppice/rank/chunk.h"

namespace coppice {

/// A label tree built from PECOS' cluster matrices, and where each node came from.
struct PecosTree {
  LabelTree tree;
  std::vector<std::vector<uint32_t>> numbers;  ///< numbers[t - 1][node of level t] = its number in PECOS' level t
};

/// Turns cluster matrices into a tree whose siblings are neighbours.
///
/// Shapes: `children[t]` has a row per node of PECOS' level t, its columns are nodes of level t + 1 (that is C of level
/// t, transposed). Several rows in `children[0]` have one root here: PECOS opens them all. Nodes without a label under
/// them are left out. A label may stand in several clusters.
/// Throws `ErrorCode::data` when the levels do not fit each other, `unsupported` when an inner node has two parents or
/// more than 65,535 children, or a label stands in no cluster.
PecosTree pecos_tree(std::span<const Csr> children);

/// One level of a PECOS ranker. Shapes: `weights` has a row per child (W transposed), d columns and one more for the
/// bias if there is one; `bias` is the value of the bias feature, 0 for none.
struct PecosWeights {
  Csr weights;
  uint32_t n_features = 0;
  float bias = 0;
};

/// The chunk made of the rows `children` of the weights, without its zeros.
ChunkRows pecos_chunk(const PecosWeights& level, std::span<const uint32_t> children);

}  // namespace coppice
