// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/index/kmeans.h"
#include "coppice/index/label_tree.h"
#include "coppice/math/csr.h"

namespace coppice {

struct IndexOptions {
  bool flat = false;
  uint32_t branching = 16;
  uint32_t max_leaf = 100;
  uint32_t root_branching = 0;
  std::vector<uint32_t> level_widths;
  KmeansOptions kmeans;
};

/// Describes the clustering's options too.
void describe(OptionTable& table, IndexOptions& options);

/// No tree at all: the labels, in their order, are the root's children. Throws `ErrorCode::usage` above 65,535 labels.
LabelTree flat_tree(uint32_t n_labels);

/// Makes a tree over labels from their vectors. Implement it to plug in an own indexer.
///
/// Threads: `index` is const and thread-safe; the result must not depend on the size of the pool.
class Indexer {
 public:
  virtual ~Indexer() = default;

  /// Shapes: embedding L x any; the result holds every label 0..L-1 at least once and passes `LabelTree::validate`.
  virtual LabelTree index(const Csr& embedding, Job job) const = 0;
};

/// Balanced clustering in the shape that the options ask for. Labels about which nothing is known (empty rows) fill
/// the clusters up.
std::unique_ptr<Indexer> make_indexer(const IndexOptions& options);

/// The same in one call; with `options.flat` the labels are the root's children, in their order.
/// Throws `ErrorCode::data` without labels; `ErrorCode::usage` when a shape gives a node more than 65,535 children.
LabelTree build_label_tree(const Csr& embedding, const IndexOptions& options, Job job);

}  // namespace coppice
