// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/validate.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

constexpr size_t kMostLevels = 1000;

void expect(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorCode::data, "the model is damaged: " + what);
}

void expect_equal(uint64_t got, uint64_t expected, const std::string& what) {
  if (got != expected) expect(false, what + " is " + std::to_string(got) + ", expected " + std::to_string(expected));
}

void check_tree(const LabelTree& tree) {
  expect(tree.depth() > 0 && tree.depth() <= kMostLevels, "its tree has " + counted(tree.depth(), "level"));
  expect(tree.n_labels > 0, "it has no labels");
  uint64_t n_nodes = 1;
  for (size_t t = 0; t < tree.depth(); ++t) {
    const std::string place = "level " + std::to_string(t) + " of its tree: ";
    const Array<uint32_t>& first = tree.first_child[t];
    expect_equal(first.size(), n_nodes + 1, place + "the number of child offsets");
    expect_equal(first.front(), 0, place + "the first child");
    n_nodes = first.back();
    expect(n_nodes > 0 && n_nodes <= LevelWeights::kMostNodes, place + "it has " + counted(n_nodes, "node"));
  }
  expect_equal(tree.leaf_label.size(), n_nodes, "the number of leaves in its tree");
}

void check_label_names(const LabelNames& names, uint32_t n_labels) {
  // Labels of a model that was trained on matrices have numbers only.
  if (names.packed_names() != nullptr) return expect_equal(names.size(), n_labels, "the number of label names");
  if (names.bytes().empty() && names.offsets().empty() && names.slots().empty()) return;
  expect_equal(names.size(), n_labels, "the number of label names");
  expect_equal(names.offsets().front(), 0, "the offset of the first label name");
  expect_equal(names.offsets().back(), names.bytes().size(), "the offset of the end of the label names");
  expect(names.slots().size() > n_labels && std::has_single_bit(names.slots().size()),
         "the size of the table of label names is " + std::to_string(names.slots().size()));
}

void check_domains(const LabelDomains& domains, uint32_t n_labels) {
  const bool is_wide = domains.names().size() > LabelDomains::kMostNarrow;
  const uint32_t n_expected = domains.names().empty() ? 0 : n_labels;
  expect_equal(domains.size(), n_expected, "the number of labels with a domain or none");
  expect((is_wide ? domains.narrow().empty() : domains.wide().empty()) &&
             domains.names().size() <= LabelDomains::kMostDomains,
         "its domains are too many for their numbers");
  expect(
      std::all_of(domains.names().begin(), domains.names().end(), [](const auto& name) { return is_valid_utf8(name); }),
      "the name of a domain is no text");
}

void check_passages(const Passages& passages, uint32_t n_labels) {
  if (passages.bytes().empty() && passages.offsets().empty()) return;
  expect_equal(passages.offsets().size(), 2 * uint64_t{n_labels} + 1, "the number of places in its passages");
  expect_equal(passages.offsets().front(), 0, "the place of the first passage");
  expect_equal(passages.offsets().back(), passages.bytes().size(), "the end of the passages");
}

void check_json(const std::string& text, const std::string& what) {
  expect(!nests_deeper(text, kDeepestJson), what + " nest deeper than " + counted(kDeepestJson, "level"));
  expect(parse_held_json(text).value.is_object(), what + " are no JSON object");
}

void check_label_name_contents(const LabelNames& names) {
  if (names.packed_names() != nullptr) return names.packed_names()->verify();
  for (size_t label = 0; label < names.size(); ++label) {
    const std::string place = "label " + std::to_string(label);
    expect(names.offsets()[label] <= names.offsets()[label + 1], "the name of " + place + " ends before it begins");
    const std::string name = names.name(static_cast<uint32_t>(label));
    expect(is_valid_utf8(name), "the name of " + place + " is not valid UTF-8");
    const auto found = names.find(name);  // another label, if two have one name
    expect(found.has_value() && names.name(*found) == name,
           "the name of " + place + " is not found in the table of names");
    expect(*found == label || names.is_repeated(name), "the name of " + place + " is found for another label alone");
  }
  std::vector<bool> listed(names.size());
  for (const uint32_t slot : names.slots()) {
    if (slot == 0) continue;
    if (slot > names.size() || listed[slot - 1]) {
      expect(false, "the table of names holds label " + std::to_string(slot - 1) + " twice, or there is no such label");
    }
    listed[slot - 1] = true;
  }
}

void check_domain_contents(const LabelDomains& domains) {
  std::vector<std::string> names = domains.names();
  std::sort(names.begin(), names.end());
  expect(std::adjacent_find(names.begin(), names.end()) == names.end(), "two of its domains have one name");
  for (size_t label = 0; label < domains.size(); ++label) {
    const bool is_none = domains.wide().empty() ? domains.narrow()[label] == LabelDomains::kMostNarrow
                                                : domains.wide()[label] == LabelDomains::kMostDomains;
    expect(is_none || domains.of(static_cast<uint32_t>(label)).has_value(),
           "label " + std::to_string(label) + " is of a domain that there is not");
  }
}

/// A model that ranks nothing has nothing of a ranker.
void check_no_ranker(const ModelParts& parts) {
  const LabelTree& tree = parts.ranker.tree;
  expect(tree.n_labels == 0 && tree.leaf_label.empty() && parts.ranker.levels.empty() && parts.ranker.n_features == 0,
         "it has labels or features, but no tree");
  expect(!parts.vectorizer, "it has a vectorizer, but no ranker");
  expect(parts.domains.names().empty(), "it has domains, but no labels");
}

}  // namespace

void check_parts(const ModelParts& parts) {
  if (parts.tagger && parts.ranker.tree.depth() == 0) {
    check_no_ranker(parts);
  } else {
    check_tree(parts.ranker.tree);
    parts.ranker.check_shapes();
  }
  check_label_names(parts.label_names, parts.ranker.tree.n_labels);
  check_domains(parts.domains, parts.ranker.tree.n_labels);
  check_passages(parts.passages, parts.ranker.tree.n_labels);
  if (!parts.label_counts.empty()) {
    expect_equal(parts.label_counts.size(), parts.ranker.tree.n_labels, "the number of label counts");
  }
  expect(parts.n_dense <= parts.ranker.n_features, "it has " + std::to_string(parts.n_dense) +
                                                       " dense features, more than the " +
                                                       std::to_string(parts.ranker.n_features) + " of its ranker");
  if (parts.vectorizer) {
    const uint32_t n_features = parts.vectorizer->n_features();
    const uint32_t most = parts.ranker.n_features - parts.n_dense;
    expect(n_features <= most, "its vectorizer gives " + counted(n_features, "feature") + ", more than the " +
                                   std::to_string(most) + " of its ranker");
  }
  expect(std::all_of(parts.fingerprint.begin(), parts.fingerprint.end(), [](char c) { return c >= 0x20 && c < 0x7F; }),
         "its fingerprint is no text");
  check_json(parts.options_json, "its options");
  check_json(parts.metrics_json, "its metrics");
}

void check_contents(const ModelParts& parts) {
  if (parts.ranker.tree.depth() > 0) parts.ranker.verify();
  if (parts.tagger) parts.tagger->verify();
  if (parts.vectorizer) parts.vectorizer->verify();
  check_label_name_contents(parts.label_names);
  check_domain_contents(parts.domains);
  parts.passages.verify();
  parts.label_counts.verify("the label counts");
  for (const uint32_t count : parts.label_counts.values()) {
    expect(count <= parts.n_training_rows, "a label stands in more rows than there were");
  }
}

}  // namespace coppice
