// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "coppice/index/label_tree.h"
#include "coppice/math/csr.h"

namespace coppice {

/// What becomes of labels that an imported tree does not hold.
enum class MissingLabels {
  refuse,  ///< an error that names the first and counts them
  gather   ///< clusters of up to 100 of their own, in a branch beside the others
};

/// Which labels there are. `label_of` finds a label by name and may be empty where labels have no names; `is_repeated`
/// says whether several labels have a name, and may be empty where none has.
struct TreeImportOptions {
  uint32_t n_labels = 0;
  std::function<std::optional<uint32_t>(std::string_view name)> label_of;
  std::function<bool(std::string_view name)> is_repeated = nullptr;
  MissingLabels missing = MissingLabels::refuse;
  std::function<void(size_t count)> on_gathered = nullptr;  ///< told how many were gathered, if any
};

/// A tree from nested JSON: `{"children": [...]}` is an inner node, `{"label": "name"}`, `"name"` or a label's number
/// is a label; `{"labels": ["a", "b"]}` stands for children that are labels. Other keys, such as "name", are ignored.
///
/// Branches may differ in depth (a label high up gets nodes with one child below it); a label may occur in several
/// places; nodes without labels are left out. `where` names the input in messages.
/// Throws `ErrorCode::data` with the place ("tree.json: /children/3/label") of what is wrong: bad JSON (by
/// "tree.json:2:1", line and column), an unknown label, a name that several labels have, a node of more than 65,535
/// children, nesting deeper than 256, labels that are missing, no label at all.
LabelTree tree_from_json(std::string_view json, const TreeImportOptions& options, const std::string& where);

/// A tree from a chain of cluster matrices, as PECOS' ClusterChain keeps them.
///
/// Shapes: chain[t] has a row per node of level t + 1 and a column per node of level t; the last one has a row per
/// label, so options.n_labels is not looked at. A nonzero makes a child. Several columns in chain[0] get a root above
/// them. A node with several parents is repeated under each. Values do not matter. Nodes without labels are left out.
/// Throws `ErrorCode::data` as above, and when matrices do not fit or repeated nodes grow without measure.
LabelTree tree_from_clusters(std::span<const Csr> chain, const TreeImportOptions& options, const std::string& where);

}  // namespace coppice
