// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/output_path.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace coppice {
namespace {

constexpr size_t kLongestPath = 1000;

bool is_below_its_folder(const std::string& path) {
  if (path.empty() || path.size() > kLongestPath || path.front() == '/') return false;
  const auto is_bad = [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '\\'; };
  if (std::any_of(path.begin(), path.end(), is_bad)) return false;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") return false;
    begin = end + 1;
  }
  return true;
}

/// As it is where that can be shown, else as JSON.
std::string shown(const std::string& path) {
  const bool is_plain = std::all_of(path.begin(), path.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
  if (is_plain) return "'" + path + "'";
  return nlohmann::json(path).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string fault_of_output_path(const std::string& path) {
  if (is_below_its_folder(path)) return {};
  return fmt::format("the output path {} leaves its folder, or is none", shown(path));
}

}  // namespace coppice
