// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "coppice/data/label_names.h"
#include "coppice/index/tree_export.h"
#include "coppice/index/tree_import.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

constexpr uint32_t kLabels = 6;

/// Labels with names of their own, labels of which some share one, labels that have numbers only.
const std::vector<coppice::LabelNames>& all_names() {
  static const std::vector<coppice::LabelNames> names{
      coppice::LabelNames::from({"a", "b", "c\xC3\xA9", "window manager", "\"quoted\"", "f"}),
      coppice::LabelNames::from({"a", "b", "a", "window manager", "a", ""}), coppice::LabelNames()};
  return names;
}

coppice::TreeImportOptions options_of(const coppice::LabelNames& names, coppice::MissingLabels missing) {
  coppice::TreeImportOptions options;
  options.n_labels = kLabels;
  options.missing = missing;
  if (names.size() == 0) return options;
  options.label_of = [&names](std::string_view name) { return names.find(name); };
  options.is_repeated = [&names](std::string_view name) { return names.is_repeated(name); };
  return options;
}

coppice::TreeNames names_of(const coppice::LabelNames& names) {
  if (names.size() == 0) return {};
  return {[&names](uint32_t label) { return std::string(names.name(label)); },
          {},
          [&names](std::string_view name) { return names.is_repeated(name); }};
}

bool same(const coppice::LabelTree& a, const coppice::LabelTree& b) {
  if (a.depth() != b.depth() || !std::ranges::equal(a.leaf_label, b.leaf_label)) return false;
  for (size_t t = 0; t < a.depth(); ++t) {
    if (!std::ranges::equal(a.first_child[t], b.first_child[t])) return false;
  }
  return true;
}

void read_and_write(std::string_view json, const coppice::LabelNames& names, coppice::MissingLabels missing) {
  try {
    const coppice::TreeImportOptions options = options_of(names, missing);
    const coppice::LabelTree tree = coppice::tree_from_json(json, options, "input");
    tree.validate();
    const std::string written = coppice::tree_to_json(tree, names_of(names), {});
    coppice::require(same(coppice::tree_from_json(written, options, "export"), tree));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data);
    coppice::require(!error.where().starts_with("export"));
  }
}

}  // namespace

/// A tree in JSON: what is taken is a valid tree, and comes back from its own export.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (const coppice::LabelNames& names : all_names()) {
    for (const auto missing : {coppice::MissingLabels::refuse, coppice::MissingLabels::gather}) {
      read_and_write(coppice::text_of(bytes, size), names, missing);
    }
  }
  return 0;
}
