// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/tree_export.h"

#include <nlohmann/json.hpp>
#include <string>

#include "coppice/data/utf8.h"
#include "coppice/index/tree_view.h"

namespace coppice {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class JsonWriter {
 public:
  JsonWriter(const TreeView& view, const TreeNames& names, uint32_t most_depth)
      : view_(view), names_(names), most_depth_(most_depth) {}

  std::string write(TreePlace place) {
    write_node(place, 0);
    text_ += '\n';
    return std::move(text_);
  }

 private:
  void write_node(TreePlace place, uint32_t depth) {
    text_.append(depth, ' ');
    if (view_.is_label(place)) {
      text_.append("{\"label\": ").append(label_text(place)).append("}");
      return;
    }
    text_ += "{\"n_labels\": " + std::to_string(view_.n_labels(place));
    if (most_depth_ > 0 && depth >= most_depth_) {
      write_examples(place);
    } else {
      text_ += ", \"children\": [\n";
      const auto [begin, end] = view_.children(place);
      for (uint32_t child = begin; child < end; ++child) {
        write_node({place.level + 1, child}, depth + 1);
        text_ += child + 1 < end ? ",\n" : "\n";
      }
      text_.append(depth, ' ');
      text_ += "]";
    }
    text_ += "}";
  }

  /// By its name where that finds it again, else by its number.
  std::string label_text(TreePlace place) const {
    const std::string number = std::to_string(view_.label(place));
    if (!names_.name_of) return number;
    const std::string name = view_.label_name(place);
    const bool finds_it = is_valid_utf8(name) && !(names_.is_repeated && names_.is_repeated(name));
    return finds_it ? quoted(name) : number + ", \"name\": " + quoted(name);
  }

  void write_examples(TreePlace place) {
    text_ += ", \"examples\": [";
    const char* separator = "";
    for (const std::string& name : view_.examples(place, 5)) {
      text_.append(separator).append(quoted(name));
      separator = ", ";
    }
    text_ += "]";
  }

  const TreeView& view_;
  const TreeNames& names_;
  uint32_t most_depth_;
  std::string text_;
};

}  // namespace

void describe(OptionTable& table, TreeViewOptions& options) {
  table.add("tree_level", options.level, 0, UINT32_MAX, "The level of the node at which the view of the tree starts.");
  table.add("tree_node", options.node, 0, UINT32_MAX, "The number, in its level, of the node at which it starts.");
  table.add("tree_depth", options.most_depth, 0, UINT32_MAX, "How many levels are shown; 0 = all (as space allows).");
  table.add("tree_children", options.most_children, 1, UINT32_MAX,
            "How many children of a node a drawing shows; the rest is summed up in a line.");
  table.add("tree_rows", options.most_rows, 1, 100000, "How many lines a drawing has at most.");
}

std::string tree_to_json(const LabelTree& tree, const TreeNames& names, const TreeViewOptions& options) {
  const TreeView view(tree, names);
  return JsonWriter(view, names, options.most_depth).write(view.start(options));
}

}  // namespace coppice
