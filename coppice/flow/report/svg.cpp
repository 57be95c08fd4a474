// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/svg.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace coppice {
namespace {

constexpr double kWidth = 860;
constexpr std::array<const char*, 6> kColours = {"#00695c", "#c2571a", "#3f51b5", "#8e24aa", "#546e7a", "#9e9d24"};

std::string begin_svg(double width, double height, const char* label) {
  return fmt::format(R"(<svg viewBox="0 0 {0:.0f} {1:.0f}" style="max-width:{0:.0f}px" role="img" aria-label="{2}" )"
                     R"(xmlns="http://www.w3.org/2000/svg">)",
                     width, height, label);
}

std::string text_at(double x, double y, std::string_view text, std::string_view more = {}) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}"{}{}>{}</text>)", x, y, more.empty() ? "" : " ", more,
                     escaped(text));
}

std::string cut(std::string_view text, size_t most) {
  return text.size() <= most ? std::string(text) : std::string(text.substr(0, most - 2)) + "..";
}

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

/// 1, 2 or 5 times a power of ten, so that some `parts` of it cover the range.
double nice_step(double range, double parts) {
  const double rough = range / parts;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) return factor * power;
  }
  return 10 * power;
}

std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 1e6) return fmt::format("{:g}M", value / 1e6);
  return size >= 1e3 ? fmt::format("{:g}k", value / 1e3) : fmt::format("{:g}", value);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '&':
        made += "&amp;";
        break;
      case '<':
        made += "&lt;";
        break;
      case '>':
        made += "&gt;";
        break;
      case '"':
        made += "&quot;";
        break;
      case '\'':
        made += "&#39;";
        break;
      default:
        made += c;
    }
  }
  return made;
}

std::string graph_svg(const std::vector<GraphNode>& nodes) {
  constexpr double kBox = 132, kHigh = 44, kGapX = 44, kGapY = 18;
  const std::vector<size_t> columns = columns_of(nodes);
  std::vector<size_t> used;
  std::vector<std::pair<double, double>> at;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (used.size() <= columns[i]) used.resize(columns[i] + 1, 0);
    at.emplace_back(8 + static_cast<double>(columns[i]) * (kBox + kGapX),
                    8 + static_cast<double>(used[columns[i]]++) * (kHigh + kGapY));
  }
  const double rows = used.empty() ? 1 : static_cast<double>(*std::max_element(used.begin(), used.end()));
  std::string svg = begin_svg(16 + static_cast<double>(used.size()) * (kBox + kGapX) - kGapX,
                              16 + rows * (kHigh + kGapY), "the steps and what they wait for");
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const size_t other : nodes[i].after) {
      const double x0 = at[other].first + kBox, y0 = at[other].second + kHigh / 2;
      const double x1 = at[i].first, y1 = at[i].second + kHigh / 2, middle = (x0 + x1) / 2;
      svg += fmt::format(
          R"(<path d="M{:.1f} {:.1f} C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}" fill="none" stroke="#90a4ae"/>)", x0,
          y0, middle, y0, middle, y1, x1, y1);
    }
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto [x, y] = at[i];
    svg += fmt::format(
        R"(<g><title>{}</title><rect x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="6" fill="{}" stroke="#607d8b"/>)",
        escaped(nodes[i].name + ": " + nodes[i].state), x, y, kBox, kHigh, colour_of(nodes[i].state));
    svg += text_at(x + 8, y + 18, cut(nodes[i].name, 18)) + text_at(x + 8, y + 34, nodes[i].kind, R"(class="small")") +
           "</g>";
  }
  return svg + "</svg>";
}

std::string timeline_svg(const std::vector<TimeBar>& bars) {
  constexpr double kLeft = 170, kRow = 20;
  double end = 1e-9;
  for (const TimeBar& bar : bars) end = std::max(end, bar.end);
  const double scale = (kWidth - kLeft - 20) / end, height = 30 + kRow * static_cast<double>(bars.size());
  std::string svg = begin_svg(kWidth, height, "the steps over time");
  const double step = nice_step(end, 6);
  for (double at = 0; at <= end * 1.0001; at += step) {
    const double x = kLeft + at * scale;
    svg += fmt::format(R"(<line x1="{0:.1f}" y1="4" x2="{0:.1f}" y2="{1:.1f}" stroke="#e0e0e0"/>)", x, height - 18);
    svg += text_at(x, height - 4, fmt::format("{:g} s", at), R"(class="small" text-anchor="middle")");
  }
  double y = 6;
  for (const TimeBar& bar : bars) {
    svg += bar.is_part ? text_at(18, y + 11, cut(bar.name, 26), R"(class="small")")
                       : text_at(4, y + 12, cut(bar.name, 24));
    svg += fmt::format(
        R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="3" fill="{}"><title>{}</title></rect>)",
        kLeft + bar.begin * scale, y, std::max(1.5, (bar.end - bar.begin) * scale), bar.is_part ? 10 : 14,
        bar.colour.empty() ? kColours[0] : bar.colour, escaped(bar.title));
    y += kRow;
  }
  return svg + "</svg>";
}

std::string bars_svg(const std::vector<ValueBar>& bars) {
  constexpr double kLeft = 170, kRow = 22;
  double most = 1e-300;
  for (const ValueBar& bar : bars) most = std::max(most, bar.value);
  std::string svg = begin_svg(kWidth, 8 + kRow * static_cast<double>(bars.size()), "shares");
  double y = 4;
  for (const ValueBar& bar : bars) {
    const double width = std::max(1.0, (kWidth - kLeft - 150) * bar.value / most);
    svg += text_at(4, y + 13, cut(bar.name, 24));
    svg += fmt::format(R"(<rect x="{}" y="{:.1f}" width="{:.1f}" height="16" rx="3" fill="{}"/>)", kLeft, y, width,
                       kColours[0]);
    svg += text_at(kLeft + width + 6, y + 13, bar.text);
    y += kRow;
  }
  return svg + "</svg>";
}

std::string lines_svg(const LineChart& chart) {
  constexpr double kLeft = 80, kTop = 28, kHeight = 320, kBottom = 52, kRight = 20;
  if (chart.x.size() < 2) return {};
  const double low = std::log10(chart.x.front()), high = std::log10(chart.x.back());
  double most = 1e-300;
  for (const ChartLine& line : chart.lines) most = std::max(most, *std::max_element(line.y.begin(), line.y.end()));
  const auto place_x = [&](double x) {
    return kLeft + (std::log10(x) - low) / (high - low) * (kWidth - kLeft - kRight);
  };
  const auto place_y = [&](double y) { return kTop + (1 - y / most) * (kHeight - kTop - kBottom); };
  std::string svg = begin_svg(kWidth, kHeight, "lines");
  for (double decade = std::ceil(low); decade <= high + 1e-9; ++decade) {
    const double x = place_x(std::pow(10, decade));
    svg += fmt::format(R"(<line x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}" stroke="#e8e8e8"/>)", x, kTop,
                       kHeight - kBottom);
    svg +=
        text_at(x, kHeight - kBottom + 16, short_number(std::pow(10, decade)), R"(text-anchor="middle" class="small")");
  }
  const double step = nice_step(most, 5);
  for (double y = 0; y <= most * 1.0001; y += step) {
    svg += fmt::format(R"(<line x1="{0}" y1="{1:.1f}" x2="{2}" y2="{1:.1f}" stroke="#e8e8e8"/>)", kLeft, place_y(y),
                       kWidth - kRight);
    svg += text_at(kLeft - 6, place_y(y) + 4, short_number(y), R"(text-anchor="end" class="small")");
  }
  for (const double mark : chart.marks) {
    if (!(mark >= chart.x.front() && mark <= chart.x.back())) continue;
    svg += fmt::format(R"(<line x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}" stroke="#b71c1c" stroke-dasharray="4 3"/>)",
                       place_x(mark), kTop, kHeight - kBottom);
  }
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    svg += fmt::format(R"(<polyline fill="none" stroke="{}" stroke-width="2" points=")", colour);
    for (size_t k = 0; k < chart.x.size(); ++k)
      svg += fmt::format("{:.1f},{:.1f} ", place_x(chart.x[k]), place_y(chart.lines[i].y[k]));
    svg += R"("/>)";
    const double y = kTop + 14 + 18 * static_cast<double>(i);
    svg += fmt::format(R"(<rect x="{}" y="{:.1f}" width="12" height="12" fill="{}"/>)", kLeft + 12, y - 10, colour);
    svg += text_at(kLeft + 30, y, chart.lines[i].name);
  }
  svg += text_at((kLeft + kWidth) / 2, kHeight - 14, chart.x_title, R"(text-anchor="middle")");
  svg += text_at(14, kTop - 12, chart.y_title, R"(class="small")");
  return svg + "</svg>";
}

}  // namespace coppice
