// SPDX-License-Identifier: Apache-2.0
// A study as a drawing: above speed-up, below errors, by the number of workers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "coppice/net/study.h"

namespace coppice {
namespace {

constexpr double kLeft = 70, kRight = 600, kWidth = 780;

struct Place {
  double workers, value;
  double half_width = 0;  ///< of its interval
};
using Lines = std::map<std::string, std::vector<Place>>;

constexpr const char* kColoursOfHybrids[] = {"#2a7", "#a3c", "#c90", "#088"};

/// One of the two drawings, from `top` to `bottom`.
class Panel {
 public:
  Panel(std::string title, double top, double bottom, std::vector<double> workers)
      : title_(std::move(title)), top_(top), bottom_(bottom), workers_(std::move(workers)) {}

  void add(Lines lines, bool reported) { (reported ? reported_ : measured_) = std::move(lines); }

  std::string draw() {
    find_range();
    std::string svg = fmt::format("<text x=\"{}\" y=\"{}\" font-weight=\"bold\">{}</text>\n", kLeft, top_ - 14, title_);
    for (const double tick : ticks()) {
      svg += fmt::format(
          "<path d=\"M{} {:.1f}H{}\" stroke=\"#ddd\"/>\n<text x=\"{}\" y=\"{:.1f}\" "
          "text-anchor=\"end\">{:g}</text>\n",
          kLeft, y(tick), kRight, kLeft - 8, y(tick) + 4, tick);
    }
    for (const double n : workers_) {
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", x(n), bottom_ + 20, n);
    }
    double label_y = top_ + 8;
    for (const auto& [strategy, places] : measured_) {
      svg += path(strategy, places, Known::here);
      svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" fill=\"{}\">{}</text>\n", kRight + 14, label_y,
                         colour_of(strategy), strategy);
      label_y += 18;
    }
    for (const auto& [strategy, places] : reported_) svg += path(strategy, places, Known::from_elsewhere);
    return svg;
  }

 private:
  enum class Known : uint8_t { here, from_elsewhere };

  void find_range() {
    for (const Lines* lines : {&measured_, &reported_}) {
      for (const auto& [strategy, places] : *lines) {
        for (const Place& place : places) {
          least_ = std::min(least_, place.value);
          most_ = std::max(most_, place.value);
        }
      }
    }
  }
  /// Hybrids of several sizes have several; what is reported, that of the first.
  const char* colour_of(const std::string& name) const {
    if (name == "sync") return "#777";
    if (name == "gtc") return "#e52";
    if (name == "bmuf") return "#27c";
    size_t before = 0;
    for (const auto& [other, places] : measured_) before += other.starts_with("gtc+bmuf") && other < name;
    return kColoursOfHybrids[before % std::size(kColoursOfHybrids)];
  }
  double x(double workers) const {
    const double span = std::log2(workers_.back() / workers_.front());
    return kLeft + (span > 0 ? std::log2(workers / workers_.front()) / span : 0.5) * (kRight - kLeft);
  }
  double y(double value) const { return bottom_ - (value - least_) / (most_ - least_) * (bottom_ - top_); }

  std::vector<double> ticks() const {
    const double power = std::pow(10.0, std::floor(std::log10((most_ - least_) / 4)));
    const double step = power * ((most_ - least_) / power <= 6 ? 1 : (most_ - least_) / power <= 12 ? 2 : 5);
    std::vector<double> found;
    for (double at = std::ceil(least_ / step) * step; at <= most_; at += step)
      found.push_back(std::round(at / step) * step + 0.0);
    return found;
  }

  std::string path(const std::string& strategy, const std::vector<Place>& places, Known known) const {
    const bool is_here = known == Known::here;
    std::string line, dots;
    for (const Place& place : places) {
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x(place.workers), y(place.value));
      const double half = std::isfinite(place.half_width) ? place.half_width : 0;
      if (half > 0) {
        dots += fmt::format("<path d=\"M{:.1f} {:.1f}V{:.1f}\" stroke=\"{}\"/>\n", x(place.workers),
                            y(std::max(least_, place.value - half)), y(std::min(most_, place.value + half)),
                            colour_of(strategy));
      }
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" stroke=\"{}\"/>\n", x(place.workers),
                          y(place.value), is_here ? colour_of(strategy) : "#fff", colour_of(strategy));
    }
    return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n{}", line,
                       colour_of(strategy), is_here ? "" : " stroke-dasharray=\"5 4\"", dots);
  }

  std::string title_;
  double top_, bottom_;
  double least_ = 0, most_ = 1;
  std::vector<double> workers_;
  Lines measured_, reported_;
};

using Value = std::function<Interval(const StudyRow&)>;

Lines lines_of(const Study& study, const Value& value) {
  Lines lines;
  for (const StudyRow& row : study.table) {
    const Interval found = value(row);
    if (row.workers == 1 || !std::isfinite(found.mean)) continue;
    lines[row.name].push_back({double(row.workers), found.mean, found.half_width});
  }
  return lines;
}

Lines reported_lines(const Study& study, double ReportedRow::*value) {
  Lines lines;
  for (const StudyRow& row : study.table) {
    const auto known = reported(row.workers, row.strategy);
    if (known && std::isfinite((*known).*value)) {
      lines[row.strategy].push_back({double(row.workers), (*known).*value});
    }
  }
  return lines;
}

}  // namespace

std::string to_svg(const Study& study) {
  std::vector<double> workers;
  for (const StudyRow& row : study.table) workers.push_back(row.workers);
  std::sort(workers.begin(), workers.end());
  workers.erase(std::unique(workers.begin(), workers.end()), workers.end());
  if (workers.size() > 1) workers.erase(workers.begin());  // one worker is what the others are compared with
  Panel speed("Speed-up, by samples a second (modelled)", 60, 260, workers);
  speed.add(lines_of(study, [](const StudyRow& row) { return Interval{row.step.speed_up, 0}; }), false);
  speed.add(reported_lines(study, &ReportedRow::speed_up), true);
  Panel errors("More errors than one worker, percent (measured, with intervals of 95 %)", 340, 540, workers);
  errors.add(lines_of(study, [](const StudyRow& row) { return row.more_errors; }), false);
  errors.add(reported_lines(study, &ReportedRow::more_errors), true);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"610\" viewBox=\"0 0 {0} 610\" "
             "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"610\" fill=\"#fff\"/>\n"
             "<text x=\"{1}\" y=\"24\" font-size=\"15\">{2} workers; dashed, hollow: Ladkat et al. 2019, another model "
             "and "
             "network</text>\n",
             kWidth, kLeft, fmt::format("{:g} to {:g}", workers.front(), workers.back())) +
         speed.draw() + errors.draw() +
         fmt::format("<text x=\"{}\" y=\"590\" text-anchor=\"middle\">workers</text>\n</svg>\n", (kLeft + kRight) / 2);
}

}  // namespace coppice
