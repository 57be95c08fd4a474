// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/report/run_metrics.h"

namespace coppice {
namespace {

/// What stands below one # HELP.
struct Family {
  std::string help, type;          ///< their lines
  std::vector<std::string> order;  ///< of the samples, names with labels: buckets stand before their sum
  std::map<std::string, double> values;
};

[[noreturn]] void refuse(std::string_view line) {
  throw Error(ErrorCode::data, fmt::format("'{}' is no line of figures for Prometheus that this program writes", line));
}

double number_of(std::string_view text, std::string_view line) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) refuse(line);
  return value;
}

/// Families by name.
std::map<std::string, Family> read(std::string_view text) {
  std::map<std::string, Family> families;
  Family* family = nullptr;
  while (!text.empty()) {
    const size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    constexpr std::string_view kHelp = "# HELP ", kType = "# TYPE ";
    if (line.starts_with(kHelp)) {
      const std::string_view rest = line.substr(kHelp.size());
      family = &families[std::string(rest.substr(0, rest.find(' ')))];
      family->help = line;
    } else if (line.starts_with(kType) && family != nullptr) {
      family->type = line;
    } else if (!line.empty()) {
      const size_t space = line.rfind(' ');
      if (family == nullptr || space == line.npos || line[0] == '#') refuse(line);
      const std::string sample(line.substr(0, space));
      const double value = number_of(line.substr(space + 1), line);
      if (!family->values.emplace(sample, value).second) refuse(line);
      family->order.push_back(sample);
    }
  }
  return families;
}

void add(Family& sum, const Family& later) {
  if (sum.type != later.type) refuse(sum.type);
  const bool is_gauge = later.type.ends_with(" gauge");
  for (const std::string& sample : later.order) {
    const auto [place, is_new] = sum.values.emplace(sample, 0);
    if (is_new) sum.order.push_back(sample);
    place->second = is_gauge ? later.values.at(sample) : place->second + later.values.at(sample);
  }
}

}  // namespace

std::string merged_metrics(std::string_view earlier, std::string_view later) {
  std::map<std::string, Family> families = read(earlier);
  for (const auto& [name, family] : read(later)) {
    const auto [place, is_new] = families.emplace(name, family);
    if (!is_new) add(place->second, family);
  }
  std::string text;
  for (const auto& [name, family] : families) {
    text += family.help + '\n' + family.type + '\n';
    for (const std::string& sample : family.order) text += fmt::format("{} {}\n", sample, family.values.at(sample));
  }
  return text;
}

}  // namespace coppice
