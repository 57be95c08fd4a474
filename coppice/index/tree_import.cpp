// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_import.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/core/repeated_keys.h"

namespace coppice {
namespace {

constexpr uint32_t kGatheredLeaf = 100;
constexpr uint32_t kNoLabel = UINT32_MAX;

/// The tree as it comes: inner nodes and labels in any depth. A child's number is above its parents'.
struct Outline {
  struct Node {
    std::vector<uint32_t> children;
    uint32_t label = kNoLabel;
    size_t height = 0;  // of an inner node: 0 = no label below
  };
  std::vector<Node> nodes;

  uint32_t add(uint32_t label = kNoLabel) {
    nodes.push_back({{}, label, 0});
    return static_cast<uint32_t>(nodes.size() - 1);
  }
  void add_child(uint32_t parent, uint32_t label) {
    const uint32_t child = add(label);
    nodes[parent].children.push_back(child);
  }
  bool is_label(uint32_t node) const { return nodes[node].label != kNoLabel; }
};

[[noreturn]] void refuse(const std::string& why, const std::string& where, const std::string& hint = {}) {
  throw Error(ErrorCode::data, "label tree: " + why, where, hint);
}

void gather_missing(Outline& outline, const TreeImportOptions& options, const std::string& where) {
  std::vector<bool> seen(options.n_labels);
  for (const Outline::Node& node : outline.nodes) {
    if (node.label != kNoLabel) seen[node.label] = true;
  }
  const auto count = static_cast<size_t>(std::count(seen.begin(), seen.end(), false));
  if (count == 0) return;
  if (count == options.n_labels) refuse("it holds no label", where, "{\"children\": [{\"label\": 0}]} holds one");
  const auto first = std::find(seen.begin(), seen.end(), false) - seen.begin();
  if (options.missing == MissingLabels::refuse) {
    refuse(std::to_string(count) + " of " + counted(options.n_labels, "label") + " are not in it, label " +
               std::to_string(first) + " for one",
           where, "add them, or ask for the missing ones to be gathered in clusters of their own");
  }
  if (options.on_gathered) options.on_gathered(count);
  const uint32_t branch = outline.add();
  outline.nodes[0].children.push_back(branch);
  uint32_t cluster = 0;
  uint32_t held = kGatheredLeaf;
  for (uint32_t label = 0; label < options.n_labels; ++label) {
    if (seen[label]) continue;
    if (held == kGatheredLeaf) {
      cluster = outline.add();
      outline.nodes[branch].children.push_back(cluster);
      held = 0;
    }
    outline.add_child(cluster, label);
    ++held;
  }
}

/// Heights from below; children without labels are dropped. Returns the root's.
size_t measure(Outline& outline) {
  for (size_t n = outline.nodes.size(); n-- > 0;) {
    Outline::Node& node = outline.nodes[n];
    if (node.label != kNoLabel) continue;
    const auto is_empty = [&](uint32_t child) { return !outline.is_label(child) && outline.nodes[child].height == 0; };
    node.children.erase(std::remove_if(node.children.begin(), node.children.end(), is_empty), node.children.end());
    for (const uint32_t child : node.children) node.height = std::max(node.height, outline.nodes[child].height + 1);
  }
  return outline.nodes[0].height;
}

/// The nodes one level below `nodes`; a label stays as its own only child. Fills the child offsets.
std::vector<uint32_t> next_level(const Outline& outline, const std::vector<uint32_t>& nodes, uint64_t most,
                                 std::vector<uint32_t>& first, const std::string& where) {
  std::vector<uint32_t> below;
  first.assign(1, 0);
  for (const uint32_t node : nodes) {
    if (outline.is_label(node)) {
      below.push_back(node);
    } else {
      const std::vector<uint32_t>& children = outline.nodes[node].children;
      below.insert(below.end(), children.begin(), children.end());
    }
    const size_t count = below.size() - first.back();
    if (count > LabelTree::kMostChildren) {
      refuse("a node has " + counted(count, "child", "children") + ", at most 65535 are possible", where,
             "put a level of clusters in between");
    }
    if (below.size() > most) refuse("nodes with several parents are repeated without measure", where);
    first.push_back(static_cast<uint32_t>(below.size()));
  }
  return below;
}

LabelTree tree_of(Outline& outline, const TreeImportOptions& options, const std::string& where) {
  if (options.n_labels == 0) refuse("there are no labels", where);
  gather_missing(outline, options, where);
  const size_t height = measure(outline);
  const uint64_t most = std::min<uint64_t>(UINT32_MAX - 1, 1024 + uint64_t{options.n_labels} * 256);
  LabelTree tree;
  tree.n_labels = options.n_labels;
  std::vector<uint32_t> nodes{0};
  for (size_t level = 0; level < height; ++level) {
    std::vector<uint32_t> first;
    nodes = next_level(outline, nodes, most, first, where);
    tree.first_child.emplace_back(std::move(first));
  }
  std::vector<uint32_t> labels;
  labels.reserve(nodes.size());
  for (const uint32_t node : nodes) labels.push_back(outline.nodes[node].label);
  tree.leaf_label = std::move(labels);
  tree.validate();
  return tree;
}

/// Walks JSON and writes an outline; knows the place for messages.
class JsonReader {
 public:
  JsonReader(const TreeImportOptions& options, std::string where) : options_(options), place_(std::move(where)) {}

  Outline read(const nlohmann::json& json) {
    outline_.add();
    read_node(json, 0, 0);
    return std::move(outline_);
  }

 private:
  uint32_t label_of(const nlohmann::json& json) const {
    if (json.is_number_unsigned() && json.get<uint64_t>() < options_.n_labels) return json.get<uint32_t>();
    if (json.is_number()) {
      refuse("label " + json.dump() + ", expected 0 to " + std::to_string(options_.n_labels - 1), place_);
    }
    if (!json.is_string()) refuse("a label is neither a name nor a number", place_);
    const auto& name = json.get_ref<const std::string&>();
    const std::optional<uint32_t> label = options_.label_of ? options_.label_of(name) : std::nullopt;
    if (!label || *label >= options_.n_labels) {
      refuse("unknown label \"" + name + "\"", place_,
             options_.label_of ? "" : "these labels have no names, their numbers stand without quotes: {\"label\": 0}");
    }
    if (options_.is_repeated && options_.is_repeated(name)) {
      refuse("several labels are named \"" + name + "\"", place_, "name each by its number: {\"label\": 0}");
    }
    return *label;
  }

  /// Reads `json` as what stands at node `self`.
  void read_node(const nlohmann::json& json, uint32_t self, size_t depth) {
    if (depth > kDeepestJson) refuse("nodes nest deeper than 256", place_);
    if (!json.is_object()) {
      outline_.nodes[self].label = label_of(json);
      return;
    }
    const size_t known = json.count("label") + json.count("labels") + json.count("children");
    if (known == 0) refuse("a node has neither \"children\" nor \"label\" nor \"labels\"", place_);
    if (json.contains("label")) {
      if (known > 1) refuse("a node has both a \"label\" and children", place_);
      return at("label", [&] { outline_.nodes[self].label = label_of(json["label"]); });
    }
    if (json.contains("children")) read_children(json["children"], "children", self, depth);
    if (json.contains("labels")) read_children(json["labels"], "labels", self, depth);
  }

  void read_children(const nlohmann::json& json, const char* key, uint32_t self, size_t depth) {
    at(key, [&] {
      if (!json.is_array()) refuse("expected a list", place_);
      size_t index = 0;
      for (const nlohmann::json& item : json) {
        const uint32_t child = outline_.add();
        outline_.nodes[self].children.push_back(child);
        at(std::to_string(index++), [&] { read_node(item, child, depth + 1); });
      }
    });
  }

  template <class Action>
  void at(const std::string& step, const Action& action) {
    const size_t length = place_.size();
    place_ += (depth_of_place_++ == 0 ? ": /" : "/") + step;
    action();
    place_.resize(length);
    --depth_of_place_;
  }

  const TreeImportOptions& options_;
  std::string place_;  ///< the file, and behind it the steps from the root
  size_t depth_of_place_ = 0;
  Outline outline_;
};

void check_chain(std::span<const Csr> chain, const std::string& where) {
  if (chain.empty()) refuse("no cluster matrix", where);
  for (size_t t = 0; t < chain.size(); ++t) {
    chain[t].validate("cluster matrix " + std::to_string(t));
    if (t > 0 && chain[t].n_columns != chain[t - 1].n_rows()) {
      refuse("cluster matrix " + std::to_string(t) + " has " + counted(chain[t].n_columns, "column") +
                 ", expected one for each of the " + counted(chain[t - 1].n_rows(), "row") + " of the one above",
             where);
    }
    if (chain[t].n_rows() >= kNoLabel) refuse("too many nodes in one level", where);
  }
}

}  // namespace

LabelTree tree_from_json(std::string_view json, const TreeImportOptions& options, const std::string& where) {
  const auto refuse_key = [&](const std::string& key) {
    refuse("a node has " + json_value_text(key) + " twice, expected it once", where);
  };
  nlohmann::json parsed;
  try {
    parsed = nlohmann::json::parse(json, watch_repeated_keys(refuse_key));
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorCode::data, "label tree: no valid JSON: " + json_fault_without_place(error.what()),
                where + ":" + line_and_column(json, error.byte));
  } catch (const nlohmann::json::exception& error) {  // a number that no double holds
    throw Error(ErrorCode::data, "label tree: no valid JSON: " + json_fault(error.what()), where);
  }
  Outline outline = JsonReader(options, where).read(parsed);
  if (outline.is_label(0)) {  // one label, and nothing else
    const uint32_t label = outline.nodes[0].label;
    outline.nodes[0].label = kNoLabel;
    outline.add_child(0, label);
  }
  return tree_of(outline, options, where);
}

LabelTree tree_from_clusters(std::span<const Csr> chain, const TreeImportOptions& options, const std::string& where) {
  check_chain(chain, where);
  Outline outline;
  std::vector<uint32_t> above;
  outline.add();
  if (chain[0].n_columns == 1) above.push_back(0);
  for (uint32_t c = 0; chain[0].n_columns > 1 && c < chain[0].n_columns; ++c) {
    above.push_back(outline.add());
    outline.nodes[0].children.push_back(above.back());
  }
  for (size_t t = 0; t < chain.size(); ++t) {
    std::vector<uint32_t> nodes;
    for (uint32_t row = 0; row < chain[t].n_rows(); ++row) {
      const SparseRow parents = chain[t].row(row);
      const uint32_t node = outline.add(t + 1 == chain.size() && parents.size() > 0 ? row : kNoLabel);
      nodes.push_back(node);
      for (const uint32_t parent : parents.columns) outline.nodes[above[parent]].children.push_back(node);
    }
    above = std::move(nodes);
  }
  TreeImportOptions own = options;
  own.n_labels = static_cast<uint32_t>(chain.back().n_rows());
  return tree_of(outline, own, where);
}

}  // namespace coppice
