// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/core/parallel.h"
#include "coppice/index/label_tree.h"
#include "coppice/math/csr.h"
#include "coppice/rank/ranker.h"

namespace coppice {

/// A ranker that is not trained: the score of a label is the sum of its given weights, each times the query's value.
///
/// The weight of a feature at an inner node is the largest of its labels' below it. So for queries without negative
/// values a node scores at least what each label below it does, to the bit: a beam that keeps a node whenever it could
/// hold one of the best labels finds them all, and one as wide as the tree is exhaustive.
/// Shapes: weights L x d, none below 0. The post-processor is noop.
/// Cost: memory for three copies of the weights.
/// Threads: the same bytes for any number of them.
Ranker bounding_ranker(LabelTree tree, const Csr& weights, ThreadPool& pool);

}  // namespace coppice
