// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "coppice/index/tree_export.h"
#include "coppice/index/tree_view.h"

namespace coppice {
namespace {

constexpr double kRowHeight = 21;
constexpr double kColumnWidth = 230;
constexpr double kLeft = 30;
constexpr double kTop = 64;
constexpr double kTextWidth = 660;  // of the last column
constexpr size_t kNameLength = 40;
constexpr size_t kOpenedNameLength = 24;

/// What one row or one opened node of the drawing shows.
struct Item {
  TreePlace place = {};
  size_t parent = 0;
  size_t depth = 0;
  uint32_t hidden = 0;  ///< > 0: this row stands for so many siblings that are not shown
  bool is_open = false;
  std::vector<size_t> children = {};
  double y = 0;
};

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// The first `most` characters, with the rest as an ellipsis; bytes that are no UTF-8 become '?'.
std::string shortened(const std::string& text, size_t most) {
  std::string result;
  size_t characters = 0;
  for (size_t i = 0; i < text.size();) {
    if (characters++ == most) return result + "\u2026";
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
    bool valid = length > 0 && lead < 0xF5 && i + length <= text.size();
    for (size_t j = 1; valid && j < length; ++j) valid = is_continuation(text[i + j]);
    if (valid) {
      result.append(text, i, length);
    } else {
      result += '?';
    }
    i += valid ? length : 1;
  }
  return result;
}

/// For XML text: markup as entities; control characters, surrogates and non-characters, which XML forbids, as '?'.
std::string escaped(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    const bool forbidden =
        text.compare(i, 2, "\xEF\xBF") == 0 && i + 2 < text.size() && static_cast<unsigned char>(text[i + 2]) >= 0xBE;
    const bool surrogate = byte == '\xED' && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xA0;
    if (forbidden || surrogate) {
      result += '?';
      i += 2;
    } else if (byte == '&') {
      result += "&amp;";
    } else if (byte == '<') {
      result += "&lt;";
    } else if (byte == '>') {
      result += "&gt;";
    } else {
      result += static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F ? '?' : byte;
    }
  }
  return result;
}

/// 52766 -> "52,766".
std::string grouped(uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string result;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

std::string counted(uint64_t number, const char* one, const char* many) {
  return grouped(number) + " " + (number == 1 ? one : many);
}

class Drawing {
 public:
  Drawing(const TreeView& view, const TreeNames& names, const TreeViewOptions& options)
      : view_(view), names_(names), options_(options) {}

  std::string draw() {
    items_.push_back({view_.start(options_)});
    open_nodes();
    double y = kTop;
    place(0, y);
    std::string svg = header(y);
    for (const Item& item : items_) {
      if (&item != items_.data()) svg += link(items_[item.parent], item);
    }
    for (const Item& item : items_) svg += node(item);
    return svg + "</svg>\n";
  }

 private:
  /// From the root down, level by level, as long as rows last.
  void open_nodes() {
    size_t rows = 1;
    for (size_t at = 0; at < items_.size(); ++at) {
      const Item item = items_[at];
      if (item.hidden > 0 || view_.is_label(item.place)) continue;
      if (options_.most_depth > 0 && item.depth >= options_.most_depth) continue;
      const auto [begin, end] = view_.children(item.place);
      const uint32_t shown = std::min(end - begin, options_.most_children);
      const uint32_t lines = shown + (shown < end - begin);
      if (at > 0 && rows + lines - 1 > options_.most_rows) continue;
      rows += lines - 1;
      items_[at].is_open = true;
      for (const uint32_t child : chosen(item.place, shown))
        append({{item.place.level + 1, child}, at, item.depth + 1});
      if (shown < end - begin) append({item.place, at, item.depth + 1, end - begin - shown});
    }
  }

  void append(Item item) {
    items_[item.parent].children.push_back(items_.size());
    items_.push_back(std::move(item));
  }

  /// The first children; of labels the most frequent ones.
  std::vector<uint32_t> chosen(TreePlace place, uint32_t count) const {
    const auto [begin, end] = view_.children(place);
    std::vector<uint32_t> children;
    for (uint32_t child = begin; child < end; ++child) children.push_back(child);
    const Array<uint32_t>& labels = view_.tree().leaf_label;
    if (view_.is_label({place.level + 1, begin}) && names_.frequencies.size() == view_.tree().n_labels) {
      std::stable_sort(children.begin(), children.end(), [&](uint32_t a, uint32_t b) {
        return names_.frequencies[labels[a]] > names_.frequencies[labels[b]];
      });
    }
    children.resize(count);
    return children;
  }

  void place(size_t at, double& y) {
    deepest_ = std::max(deepest_, items_[at].depth);
    if (!items_[at].is_open) {
      items_[at].y = y;
      y += kRowHeight;
      return;
    }
    for (const size_t child : items_[at].children) place(child, y);
    items_[at].y = (items_[items_[at].children.front()].y + items_[items_[at].children.back()].y) / 2;
  }

  std::string header(double height) const {
    const double width = kLeft + static_cast<double>(deepest_) * kColumnWidth + kTextWidth;
    const LabelTree& tree = view_.tree();
    std::string levels;
    for (size_t level = 1; level < tree.depth(); ++level) levels += grouped(tree.n_nodes(level)) + " \u2192 ";
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
        "{1:.0f}\" "
        "font-family=\"system-ui, 'DejaVu Sans', sans-serif\" font-size=\"13\" fill=\"#222\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        "<text x=\"{2}\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Label tree: {3}</text>\n"
        "<text x=\"{2}\" y=\"44\" fill=\"#666\">nodes by level: 1 \u2192 {4}{5} leaves</text>\n",
        width, height + 12, kLeft - 10, counted(tree.n_labels, "label", "labels"), levels,
        grouped(tree.leaf_label.size()));
  }

  static double x_of(const Item& item) { return kLeft + static_cast<double>(item.depth) * kColumnWidth; }

  static std::string link(const Item& parent, const Item& child) {
    const double from = x_of(parent), to = x_of(child), middle = (from + to) / 2;
    return fmt::format(
        "<path d=\"M{:.0f} {:.1f}C{:.0f} {:.1f} {:.0f} {:.1f} {:.0f} {:.1f}\" fill=\"none\" stroke=\"#b9c9bd\"{}/>\n",
        from, parent.y, middle, parent.y, middle, child.y, to, child.y,
        child.hidden > 0 ? " stroke-dasharray=\"3 4\"" : "");
  }

  std::string node(const Item& item) const {
    if (item.hidden > 0) {
      const bool labels = view_.is_label({item.place.level + 1, 0});
      return text(item, fmt::format("<tspan fill=\"#666\">and {}</tspan>",
                                    labels ? counted(item.hidden, "more label", "more labels")
                                           : counted(item.hidden, "more cluster", "more clusters")));
    }
    const bool label = view_.is_label(item.place);
    const std::string dot = fmt::format("<circle cx=\"{:.0f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>\n", x_of(item),
                                        item.y, label ? 2.5 : 4.5,
                                        item.is_open ? "#2f6f4f"
                                        : label      ? "#8a6d3b"
                                                     : "#7fae92");
    if (label) return dot + text(item, escaped(shortened(view_.label_name(item.place), kNameLength)));
    const std::string count = counted(view_.n_labels(item.place), "label", "labels");
    if (item.is_open) return dot + opened_text(item, count);
    std::string names;
    for (const std::string& name : view_.examples(item.place, 3)) {
      names.append(names.empty() ? "" : ", ").append(escaped(shortened(name, kOpenedNameLength)));
    }
    return dot + text(item, fmt::format("<tspan fill=\"#666\">{}:</tspan> {}{}", count, names,
                                        view_.n_labels(item.place) > 3 ? ", \u2026" : ""));
  }

  static std::string text(const Item& item, const std::string& content) {
    return fmt::format("<text x=\"{:.0f}\" y=\"{:.1f}\">{}</text>\n", x_of(item) + 10, item.y + 4.5, content);
  }

  /// Above the node, so that the links to its children do not cross it.
  std::string opened_text(const Item& item, const std::string& count) const {
    const std::string name = item.depth == 0 ? "" : ": " + view_.examples(item.place, 1)[0];
    return fmt::format(
        "<text x=\"{:.0f}\" y=\"{:.1f}\" font-size=\"11\" stroke=\"#fff\" stroke-width=\"3\" "
        "paint-order=\"stroke\"><tspan fill=\"#666\">{}</tspan>{}</text>\n",
        x_of(item) - 4, item.y - 9, count, escaped(shortened(name, kOpenedNameLength)));
  }

  const TreeView& view_;
  const TreeNames& names_;
  const TreeViewOptions& options_;
  std::vector<Item> items_;
  size_t deepest_ = 0;
};

}  // namespace

std::string tree_to_svg(const LabelTree& tree, const TreeNames& names, const TreeViewOptions& options) {
  const TreeView view(tree, names);
  return Drawing(view, names, options).draw();
}

}  // namespace coppice
