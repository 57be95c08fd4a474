// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/svg.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "coppice/flow/report/svg_parts.h"

namespace coppice {
namespace {

constexpr double kWidth = 860;
constexpr std::array<const char*, 6> kColours = {"#00695c", "#c2571a", "#3f51b5", "#8e24aa", "#546e7a", "#9e9d24"};

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

/// From values to places along an axis.
class ChartAxis {
 public:
  ChartAxis(double low, double high, bool is_logarithmic, double from, double to)
      : is_logarithmic_(is_logarithmic), low_(scaled(low)), high_(scaled(high)), from_(from), to_(to) {}

  double place(double value) const { return from_ + (scaled(value) - low_) / (high_ - low_) * (to_ - from_); }

  std::vector<double> ticks() const {
    std::vector<double> all;
    if (is_logarithmic_) {
      for (double power = std::ceil(low_ - 1e-9); power <= high_ + 1e-9; ++power) all.push_back(std::pow(10, power));
    } else {
      const double step = nice_step(high_, 5);
      for (double at = 0; at <= high_ * 1.0001; at += step) all.push_back(at);
    }
    return all;
  }

 private:
  double scaled(double value) const { return is_logarithmic_ ? std::log10(value) : value; }

  bool is_logarithmic_;
  double low_, high_, from_, to_;
};

class ChartDrawing {
 public:
  explicit ChartDrawing(const LineChart& chart)
      : chart_(chart), x_(chart.x.front(), chart.x.back(), true, kLeft, kWidth - kRight), y_(y_axis(chart)) {}

  std::string svg() {
    svg_ = begin_svg(kWidth, kHeight, "lines");
    draw_grid();
    for (const ChartMark& mark : chart_.marks) draw(mark);
    for (size_t i = 0; i < chart_.lines.size(); ++i) draw(chart_.lines[i], i);
    svg_ += text_at((kLeft + kWidth) / 2, kHeight - 14, chart_.x_title, R"(text-anchor="middle")");
    svg_ += text_at(14, kTop - 12, chart_.y_title, R"(class="small")");
    return std::move(svg_) + "</svg>";
  }

 private:
  static constexpr double kLeft = 80, kTop = 28, kHeight = 320, kBottom = 52, kRight = 20;

  static ChartAxis y_axis(const LineChart& chart) {
    double least = HUGE_VAL, most = 0;
    for (const ChartLine& line : chart.lines) {
      least = std::min(least, *std::min_element(line.y.begin(), line.y.end()));
      most = std::max(most, *std::max_element(line.y.begin(), line.y.end()));
    }
    const bool is_logarithmic = least > 0 && most > least;
    if (!is_logarithmic) return {0, most > 0 ? most : 1, false, kHeight - kBottom, kTop};
    return {std::pow(10, std::floor(std::log10(least))), most, true, kHeight - kBottom, kTop};
  }

  void draw_grid() {
    for (const double value : x_.ticks()) {
      const double x = x_.place(value);
      svg_ += fmt::format(R"(<line x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}" stroke="#e8e8e8"/>)", x, kTop,
                          kHeight - kBottom);
      svg_ += text_at(x, kHeight - kBottom + 16, short_number(value), R"(text-anchor="middle" class="small")");
    }
    for (const double value : y_.ticks()) {
      const double y = y_.place(value);
      svg_ += fmt::format(R"(<line x1="{0}" y1="{1:.1f}" x2="{2}" y2="{1:.1f}" stroke="#e8e8e8"/>)", kLeft, y,
                          kWidth - kRight);
      svg_ += text_at(kLeft - 6, y + 4, short_number(value), R"(text-anchor="end" class="small")");
    }
  }

  void draw(const ChartMark& mark) {
    const double first = chart_.x.front(), last = chart_.x.back();
    const double low = std::max(mark.low, first), high = std::min(mark.high, last);
    if (low < high) {
      svg_ += fmt::format(R"(<rect x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill="#b71c1c" fill-opacity="0.12"/>)",
                          x_.place(low), kTop, std::max(1.0, x_.place(high) - x_.place(low)), kHeight - kTop - kBottom);
    }
    if (!(mark.at >= first && mark.at <= last)) return;
    const double x = x_.place(mark.at);
    svg_ +=
        fmt::format(R"(<line x1="{0:.1f}" y1="{1}" x2="{0:.1f}" y2="{2}" stroke="#b71c1c" stroke-dasharray="4 3"/>)", x,
                    kTop, kHeight - kBottom);
    svg_ += text_at(x, kTop - 6, mark.text, R"(class="small" text-anchor="middle")");
  }

  void draw(const ChartLine& line, size_t number) {
    const char* colour = kColours[number % kColours.size()];
    svg_ += fmt::format(R"(<polyline fill="none" stroke="{}" stroke-width="2" points=")", colour);
    for (size_t k = 0; k < chart_.x.size(); ++k) {
      svg_ += fmt::format("{:.1f},{:.1f} ", x_.place(chart_.x[k]), y_.place(line.y[k]));
    }
    svg_ += R"("/>)";
    const double y = kTop + 14 + 18 * static_cast<double>(number);
    svg_ += fmt::format(R"(<rect x="{}" y="{:.1f}" width="12" height="12" fill="{}"/>)", kLeft + 12, y - 10, colour);
    svg_ += text_at(kLeft + 30, y, line.name);
  }

  const LineChart& chart_;
  ChartAxis x_, y_;
  std::string svg_;
};

std::string colour_of(const TimeBar& bar) {
  return bar.colour.empty() ? kColours[0] : bar.colour;
}

/// What colours mean, each once, side by side from the left.
std::string legend_of(const std::vector<TimeBar>& bars, double top) {
  constexpr double kLetter = 6.2;  // about as wide as one is on average
  std::string svg;
  std::vector<std::string> told;
  double x = 4;
  for (const TimeBar& bar : bars) {
    if (bar.meaning.empty() || std::find(told.begin(), told.end(), bar.meaning) != told.end()) continue;
    told.push_back(bar.meaning);
    svg += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="18" height="{}" rx="3" fill="{}"/>)", x,
                       bar.is_part ? top + 2 : top, bar.is_part ? 10 : 14, colour_of(bar));
    svg += text_at(x + 24, top + 11, bar.meaning, R"(class="small")");
    x += 24 + kLetter * static_cast<double>(bar.meaning.size()) + 18;
  }
  return svg;
}

}  // namespace

std::string begin_svg(double width, double height, const char* label) {
  return fmt::format(R"(<svg viewBox="0 0 {0:.0f} {1:.0f}" style="max-width:{0:.0f}px" role="img" aria-label="{2}" )"
                     R"(xmlns="http://www.w3.org/2000/svg">)",
                     width, height, label);
}

std::string text_at(double x, double y, std::string_view text, std::string_view more) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}"{}{}>{}</text>)", x, y, more.empty() ? "" : " ", more,
                     escaped(text));
}

std::string cut(std::string_view text, size_t most) {
  return text.size() <= most ? std::string(text) : std::string(text.substr(0, most - 2)) + "..";
}

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

std::string timeline_svg(const std::vector<TimeBar>& bars) {
  constexpr double kLeft = 170, kRow = 20;
  double end = 1e-9;
  for (const TimeBar& bar : bars) end = std::max(end, bar.end);
  const std::string legend = legend_of(bars, 4);
  const double top = legend.empty() ? 6 : 28;
  const double scale = (kWidth - kLeft - 20) / end, height = top + 24 + kRow * static_cast<double>(bars.size());
  std::string svg = begin_svg(kWidth, height, "the steps over time") + legend;
  const double step = nice_step(end, 6);
  for (double at = 0; at <= end * 1.0001; at += step) {
    const double x = kLeft + at * scale;
    svg += fmt::format(R"(<line x1="{0:.1f}" y1="{1:.1f}" x2="{0:.1f}" y2="{2:.1f}" stroke="#e0e0e0"/>)", x, top - 2,
                       height - 18);
    svg += text_at(x, height - 4, fmt::format("{:g} s", at), R"(class="small" text-anchor="middle")");
  }
  double y = top;
  for (const TimeBar& bar : bars) {
    svg += bar.is_part ? text_at(18, y + 11, cut(bar.name, 28), R"(class="small")")
                       : text_at(4, y + 12, cut(bar.name, 24));
    svg += fmt::format(
        R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="3" fill="{}"><title>{}</title></rect>)",
        kLeft + bar.begin * scale, bar.is_part ? y + 2 : y, std::max(1.5, (bar.end - bar.begin) * scale),
        bar.is_part ? 10 : 14, colour_of(bar), escaped(bar.title));
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
  if (chart.x.size() < 2 || chart.lines.empty()) return {};
  return ChartDrawing(chart).svg();
}

}  // namespace coppice
