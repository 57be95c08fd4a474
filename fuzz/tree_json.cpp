// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_export.h"
#include "coppice/index/tree_import.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

constexpr std::string_view kNames[] = {"a", "b", "c\xC3\xA9", "window manager", "\"quoted\"", "f"};

std::optional<uint32_t> label_of(std::string_view name) {
  for (uint32_t label = 0; label < std::size(kNames); ++label) {
    if (kNames[label] == name) return label;
  }
  return std::nullopt;
}

bool same(const coppice::LabelTree& a, const coppice::LabelTree& b) {
  if (a.depth() != b.depth() || !std::ranges::equal(a.leaf_label, b.leaf_label)) return false;
  for (size_t t = 0; t < a.depth(); ++t) {
    if (!std::ranges::equal(a.first_child[t], b.first_child[t])) return false;
  }
  return true;
}

}  // namespace

/// A tree in JSON: what is taken is a valid tree, and comes back from its own export.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (const auto missing : {coppice::MissingLabels::refuse, coppice::MissingLabels::gather}) {
    try {
      coppice::TreeImportOptions options;
      options.n_labels = static_cast<uint32_t>(std::size(kNames));
      options.label_of = label_of;
      options.missing = missing;
      const coppice::LabelTree tree = coppice::tree_from_json(coppice::text_of(bytes, size), options, "input");
      tree.validate();
      const coppice::TreeNames names{[](uint32_t label) { return std::string(kNames[label]); }};
      const std::string written = coppice::tree_to_json(tree, names, {});
      coppice::require(same(coppice::tree_from_json(written, options, "export"), tree));
    } catch (const coppice::Error& error) {
      coppice::require(error.code() == coppice::ErrorCode::data);
      coppice::require(!error.where().starts_with("export"));
    }
  }
  return 0;
}
