// SPDX-License-Identifier: Apache-2.0
// The curve of a search for a smaller model: as a table, and as a drawing.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "coppice/core/quantity.h"
#include "coppice/train/compress_search.h"

namespace coppice {
namespace {

constexpr double kLeft = 70, kRight = 700, kTop = 50, kBottom = 430, kWidth = 860, kHeight = 490;

/// From values to places in the drawing.
struct Axis {
  double least, most;  ///< values
  double low, high;    ///< places
  bool logarithmic = false;

  double place(double value) const {
    const auto form = [&](double x) { return logarithmic ? std::log(x) : x; };
    const double span = form(most) - form(least);
    return low + (form(std::clamp(value, least, most)) - form(least)) / (span > 0 ? span : 1) * (high - low);
  }

  std::vector<double> ticks() const {
    std::vector<double> found;
    if (logarithmic) {
      for (int power = -3; power < 7; ++power) {
        for (const double digit : {1.0, 2.0, 5.0}) found.push_back(digit * std::pow(10.0, power));
      }
    } else {
      double step = std::pow(10.0, std::floor(std::log10((most - least) / 2)));
      if ((most - least) / step > 10) step *= 5;
      const auto first = static_cast<int64_t>(std::ceil(least / step)), last = static_cast<int64_t>(most / step);
      for (int64_t at = first; at <= last; ++at) found.push_back(static_cast<double>(at) * step);
    }
    std::erase_if(found, [&](double value) { return value < least || value > most; });
    return found;
  }
};

std::string text(double x, double y, const std::string& content, const std::string& style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, content);
}

std::string line(double x1, double y1, double x2, double y2, const std::string& style) {
  return fmt::format("<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" {}/>\n", x1, y1, x2, y2, style);
}

std::string colour_of(uint32_t value_bits) {
  static constexpr const char* kColours[] = {"#555", "#555", "#a3d", "#d39", "#e52", "#e93", "#8a2", "#2a7", "#27c"};
  return kColours[std::min<uint32_t>(value_bits, 8)];
}

std::string grid(const Axis& megabytes, const Axis& loss) {
  std::string parts;
  for (const double value : megabytes.ticks()) {
    const double x = megabytes.place(value);
    parts += line(x, kTop, x, kBottom, "stroke=\"#eee\"");
    parts += text(x, kBottom + 16, fmt::format("{:g}", value), "text-anchor=\"middle\"");
  }
  for (const double value : loss.ticks()) {
    const double y = loss.place(value);
    parts += line(kLeft, y, kRight, y, "stroke=\"#eee\"");
    parts += text(kLeft - 6, y + 4, fmt::format("{:.2f}", value + 0.0), "text-anchor=\"end\"");
  }
  parts += fmt::format("<path d=\"M{} {}V{}H{}\" fill=\"none\" stroke=\"#888\"/>\n", kLeft, kTop, kBottom, kRight);
  parts += text((kLeft + kRight) / 2, kBottom + 36, "MB of the file", "text-anchor=\"middle\"");
  parts += text(kLeft, kTop - 8, "points lost (the most of P@1, P@3, P@5)");
  return parts;
}

std::string dot(const CompressCandidate& candidate, const Axis& megabytes, const Axis& loss) {
  const double x = megabytes.place(static_cast<double>(candidate.file_bytes) / 1e6);
  const double y = loss.place(candidate.worst_loss());
  std::string parts;
  const char* shade = candidate.refitted ? "" : " fill-opacity=\"0.35\"";
  if (candidate.chosen) {
    parts += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"9\" fill=\"none\" stroke=\"black\"/>\n", x, y);
  }
  parts += fmt::format(
      "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"{}><title>{} weights in {} bits: {}, {:.2f} points "
      "lost</title></circle>\n",
      x, y, colour_of(candidate.value_bits), shade, candidate.n_weights, candidate.value_bits,
      bytes_text(static_cast<double>(candidate.file_bytes)), candidate.worst_loss());
  return parts;
}

std::string legend(const CompressSearch& search) {
  std::vector<uint32_t> bits;
  for (const CompressCandidate& candidate : search.candidates) bits.push_back(candidate.value_bits);
  std::sort(bits.rbegin(), bits.rend());
  bits.erase(std::unique(bits.begin(), bits.end()), bits.end());
  std::string parts;
  double y = kTop + 10;
  for (const uint32_t n : bits) {
    parts += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{}\"/>\n", kRight + 20, y - 4, colour_of(n));
    parts += text(kRight + 30, y, fmt::format("{} bits a weight", n));
    y += 18;
  }
  parts += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"6\" fill=\"none\" stroke=\"black\"/>\n", kRight + 20, y - 4);
  parts += text(kRight + 30, y, "chosen");
  return parts + text(kRight + 12, y + 18, "pale: not refitted");
}

std::string row_text(const CompressCandidate& candidate, uint64_t whole_bytes) {
  const double smaller = static_cast<double>(whole_bytes) / static_cast<double>(candidate.file_bytes);
  std::string row =
      fmt::format("{:>12}  {:>5}  {:>4}  {:>9}  {:>6.1f}", candidate.n_weights, candidate.refitted ? "yes" : "no",
                  candidate.value_bits, bytes_text(static_cast<double>(candidate.file_bytes)), smaller);
  for (size_t depth = 0; depth < candidate.precision.size(); ++depth)
    row += fmt::format("  {:>6.2f}", candidate.precision[depth]);
  const size_t worst = candidate.worst_depth();
  row += fmt::format("  {:>6.2f}  {:>5.2f}  {:>8.2f}", candidate.loss[worst], candidate.loss_error[worst],
                     candidate.disagreement);
  return row + (candidate.chosen ? "  <- chosen\n" : candidate.within ? "\n" : "  too much\n");
}

}  // namespace

std::string to_text(const CompressSearch& search) {
  std::string table =
      fmt::format("{:>12}  {:>5}  {:>4}  {:>9}  {:>6}  {:>6}  {:>6}  {:>6}  {:>6}  {:>5}  {:>8}\n", "weights", "refit",
                  "bits", "file", "times", "P@1", "P@3", "P@5", "loss", "error", "% others");
  table += fmt::format("{:>12}  {:>5}  {:>4}  {:>9}  {:>6}", search.whole_weights, "-", "-",
                       bytes_text(static_cast<double>(search.whole_bytes)), "1.0");
  for (const double precision : search.whole_precision) table += fmt::format("  {:>6.2f}", precision);
  table += "  the model as it is\n";
  for (const CompressCandidate& candidate : search.candidates) table += row_text(candidate, search.whole_bytes);
  table += fmt::format(
      "\njudged by {}; times: smaller than the model as it is; loss: the most of P@1, P@3, P@5, in points; error: "
      "standard error of that loss;\n% others: rows whose first label is another\n",
      counted(search.n_rows, "row"));
  return table;
}

std::string to_svg(const CompressSearch& search, const CompressBudget& budget) {
  Axis megabytes{1e300, 0, kLeft, kRight, true};
  Axis loss{0, budget.max_loss, kBottom, kTop};
  for (const CompressCandidate& candidate : search.candidates) {
    const double size = static_cast<double>(candidate.file_bytes) / 1e6;
    megabytes.least = std::min(megabytes.least, size / 1.1);
    megabytes.most = std::max(megabytes.most, size * 1.1);
    loss.least = std::min(loss.least, candidate.worst_loss());
    loss.most = std::max(loss.most, candidate.worst_loss());
  }
  loss.least -= 0.05 * (loss.most - loss.least) + 0.005;
  loss.most = std::min(loss.most, 5 * std::max(budget.max_loss, 0.05)) * 1.05 + 0.005;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"{}\" height=\"{}\" fill=\"white\"/>\n",
      kWidth, kHeight, kWidth, kHeight);
  svg +=
      text(kLeft, 24, fmt::format("Smaller models of one of {}", bytes_text(static_cast<double>(search.whole_bytes))),
           "font-size=\"15\"");
  svg += grid(megabytes, loss);
  const double limit = loss.place(budget.max_loss);
  svg += line(kLeft, limit, kRight, limit, "stroke=\"#c33\" stroke-dasharray=\"5 4\"");
  svg += text(kRight, limit - 5, "the budget", "text-anchor=\"end\" fill=\"#c33\"");
  for (const CompressCandidate& candidate : search.candidates) svg += dot(candidate, megabytes, loss);
  return svg + legend(search) + "</svg>\n";
}

}  // namespace coppice
