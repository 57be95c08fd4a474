// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// "&" and its like, so that a text stands in HTML and SVG as it is, also within quotes.
std::string escaped(std::string_view text);

/// A step of a graph: those that it comes after are numbers before its own.
struct GraphNode {
  std::string name, kind, state;
  std::vector<size_t> after;
};
/// Steps as boxes in columns: each stands one to the right of the last one that it comes after.
std::string graph_svg(const std::vector<GraphNode>& nodes);

/// Bars on a common time axis. Units: seconds.
struct TimeBar {
  std::string name, title;
  double begin = 0, end = 0;
  std::string colour;
  bool is_part = false;  ///< of the bar above it that is none
  std::string meaning;   ///< of its colour, in the legend; "" = not there
};
/// The legend, where there is any, stands above the bars.
std::string timeline_svg(const std::vector<TimeBar>& bars);

/// Horizontal bars with a text behind each.
struct ValueBar {
  std::string name, text;
  double value = 0;
};
std::string bars_svg(const std::vector<ValueBar>& bars);

/// A place on the x axis, and the interval that it may lie in.
struct ChartMark {
  double at = 0, low = 0, high = 0;
  std::string text;
};

/// Lines over a logarithmic axis; the other one is logarithmic, too, where all values are above zero.
struct ChartLine {
  std::string name;
  std::vector<double> y;
};
struct LineChart {
  std::vector<double> x;  ///< positive, growing
  std::vector<ChartLine> lines;
  std::string x_title, y_title;
  std::vector<ChartMark> marks;  ///< what lies beside the axis is left out
};
std::string lines_svg(const LineChart& chart);

}  // namespace coppice
