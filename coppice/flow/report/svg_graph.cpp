// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "coppice/flow/report/svg.h"
#include "coppice/flow/report/svg_parts.h"

namespace coppice {
namespace {

constexpr double kBox = 132, kHigh = 44, kGapX = 44, kGapY = 18, kMargin = 8;
/// Lines keep so far away from boxes and from the lines of other steps.
constexpr double kApart = 5;

std::vector<size_t> columns_of(const std::vector<GraphNode>& nodes) {
  std::vector<size_t> columns(nodes.size(), 0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const size_t other : nodes[i].after) columns[i] = std::max(columns[i], columns.at(other) + 1);
  }
  return columns;
}

const char* colour_of(std::string_view state) {
  if (state == "done") return "#d9efe9";
  if (state == "failed") return "#f7d6d0";
  return state == "skipped" ? "#eeeeee" : "#ffffff";
}

/// Boxes in columns, and lines that pass columns in between where there is no box: what runs behind a box would read as
/// a line of that box.
class GraphDrawing {
 public:
  explicit GraphDrawing(const std::vector<GraphNode>& nodes) : nodes_(nodes), columns_(columns_of(nodes)) {
    for (const size_t column : columns_) {
      if (boxes_.size() <= column) boxes_.resize(column + 1, 0);
      tops_.push_back(kMargin + static_cast<double>(boxes_[column]++) * (kHigh + kGapY));
    }
    lanes_.resize(boxes_.size());
    const double rows = boxes_.empty() ? 1 : static_cast<double>(*std::max_element(boxes_.begin(), boxes_.end()));
    bottom_ = 2 * kMargin + rows * (kHigh + kGapY);
  }

  std::string svg() {
    std::string lines, boxes;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const size_t other : nodes_[i].after) lines += line(other, i);
      boxes += box(i);
    }
    const double width = 2 * kMargin + static_cast<double>(boxes_.size()) * (kBox + kGapX) - kGapX;
    return begin_svg(width, bottom_, "the steps and what they wait for") + lines + boxes + "</svg>";
  }

 private:
  static double left(size_t column) { return kMargin + static_cast<double>(column) * (kBox + kGapX); }
  double middle(size_t node) const { return tops_[node] + kHigh / 2; }

  static std::string curve(double x0, double y0, double x1, double y1) {
    const double half = (x0 + x1) / 2;
    return fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", half, y0, half, y1, x1, y1);
  }

  std::string line(size_t from, size_t to) {
    double x = left(columns_[from]) + kBox, y = middle(from);
    std::string path = fmt::format("M{:.1f} {:.1f}", x, y);
    for (size_t column = columns_[from] + 1; column < columns_[to]; ++column) {
      const double steps = static_cast<double>(columns_[to] - column) + 1;
      const double lane = lane_of(from, column, y + (middle(to) - y) / steps);
      path += curve(x, y, left(column), lane) + fmt::format(" H{:.1f}", left(column) + kBox);
      x = left(column) + kBox;
      y = lane;
    }
    path += curve(x, y, left(columns_[to]), middle(to));
    return fmt::format(R"(<path d="{}" fill="none" stroke="#90a4ae"/>)", path);
  }

  /// Where the lines of a step pass a column: as near as can be to where they would. All of one step share the place.
  double lane_of(size_t from, size_t column, double wanted) {
    const auto found = lanes_[column].find(from);
    if (found != lanes_[column].end()) return found->second;
    double at = wanted;
    for (double away = 1; !is_free(column, at); ++away) {
      at = wanted - away;
      if (!is_free(column, at)) at = wanted + away;
    }
    lanes_[column][from] = at;
    bottom_ = std::max(bottom_, at + kMargin);
    return at;
  }

  bool is_free(size_t column, double at) const {
    if (at < 2) return false;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (columns_[i] == column && at > tops_[i] - kApart && at < tops_[i] + kHigh + kApart) return false;
    }
    return std::none_of(lanes_[column].begin(), lanes_[column].end(),
                        [&](const auto& lane) { return std::abs(lane.second - at) < kApart; });
  }

  std::string box(size_t node) const {
    const double x = left(columns_[node]), y = tops_[node];
    const std::string shape = fmt::format(
        R"(<g><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="6" fill="{}" stroke="#607d8b"/>)",
        escaped(nodes_[node].name + ": " + nodes_[node].state), x, y, kBox, kHigh, colour_of(nodes_[node].state));
    return shape + text_at(x + 8, y + 18, cut(nodes_[node].name, 18)) +
           text_at(x + 8, y + 34, nodes_[node].kind, R"(class="small")") + "</g>";
  }

  const std::vector<GraphNode>& nodes_;
  std::vector<size_t> columns_;
  std::vector<double> tops_;                     // of nodes
  std::vector<size_t> boxes_;                    // how many each column has
  std::vector<std::map<size_t, double>> lanes_;  // of columns: the places of lines, by the steps that they come from
  double bottom_ = 0;
};

}  // namespace

std::string graph_svg(const std::vector<GraphNode>& nodes) {
  return GraphDrawing(nodes).svg();
}

}  // namespace coppice
