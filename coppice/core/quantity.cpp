// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/quantity.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// Bytes per unit for what stands behind the number; nothing when it is no unit.
std::optional<double> unit_bytes(std::string unit) {
  for (char& c : unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (unit.empty()) return 1e9;
  if (unit == "b") return 1;
  if (unit.back() == 'b') unit.pop_back();
  const double base = unit.size() == 2 && unit.back() == 'i' ? 1024 : 1000;
  if (base == 1024) unit.pop_back();
  const size_t power = std::string_view("kmgt").find(unit);
  if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
  double bytes = base;
  for (size_t i = 0; i < power; ++i) bytes *= base;
  return bytes;
}

}  // namespace

std::string counted(uint64_t count, std::string_view noun, std::string_view plural) {
  if (count != 1 && !plural.empty()) noun = plural;
  return std::to_string(count) + " " + std::string(noun) + (count == 1 || !plural.empty() ? "" : "s");
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 999.95 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  char text[40];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
  return text;
}

uint64_t parse_bytes(std::string_view text, std::string_view option, BareSize bare) {
  double number = -1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  std::string unit(rest, end);
  if (unit.size() > 1 && unit.front() == ' ') unit.erase(0, 1);
  if (unit.empty() && bare == BareSize::bytes) unit = "b";
  const std::optional<double> factor = unit_bytes(unit);
  if (error != std::errc() || !factor || !(number >= 0 && number * *factor < 9.2e18)) {
    throw Error(ErrorCode::usage,
                "option " + std::string(option) + " is '" + std::string(text) + "', expected a size such as " +
                    (bare == BareSize::bytes ? "500k, 4M or 120000 (bytes)" : "20G, 500M or 1.5 (GB of 10^9 bytes)"));
  }
  return static_cast<uint64_t>(number * *factor);
}

}  // namespace coppice
