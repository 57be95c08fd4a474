// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/row.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <system_error>

namespace coppice {
namespace {

constexpr size_t kShownBytes = 40;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Decimals of at most 15 digits without exponent: both parts are exact in double, so the quotient is the nearest.
bool parse_short_decimal(std::string_view text, double& value) noexcept {
  static constexpr std::array<double, 16> kPowers{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 16) return false;
  uint64_t digits = 0;
  size_t n_digits = 0;
  size_t n_decimals = 0;
  bool point = false;
  for (const char c : text) {
    if (is_digit(c)) {
      digits = digits * 10 + static_cast<uint64_t>(c - '0');
      ++n_digits;
      n_decimals += point ? 1 : 0;
    } else if (c == '.' && !point) {
      point = true;
    } else {
      return false;
    }
  }
  if (n_digits == 0 || n_digits > 15) return false;
  value = static_cast<double>(digits) / kPowers[n_decimals];
  if (negative) value = -value;
  return true;
}

bool parse_any_decimal(std::string_view text, double& value) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return false;
  if (error == std::errc()) return true;
  if (error != std::errc::result_out_of_range) return false;
  value = std::strtod(std::string(text).c_str(), nullptr);  // tells too small (0) from too large (infinite)
  return true;
}

}  // namespace

void Row::clear() {
  text = {};
  id = {};
  features.clear();
  labels.clear();
  weight = 1;
  has_text = has_features = has_id = repaired = false;
  scratch.clear();
}

std::string shown(std::string_view text) {
  std::string result = "'";
  const bool cut = text.size() > kShownBytes;
  if (cut) {
    size_t end = kShownBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
    text = text.substr(0, end);
  }
  for (const char c : text) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '.' : c;
  return result + (cut ? "...'" : "'");
}

IndexLimit index_limit(uint32_t size, const char* hint, const char* option_hint) noexcept {
  return size > 0 ? IndexLimit{size - 1, hint} : IndexLimit{kLargestIndex, option_hint};
}

uint64_t parse_index(std::string_view text, size_t column, IndexLimit limit, const char* what) {
  uint64_t number = 0;
  if (text.empty()) throw BadLine{column, std::string(what) + " is missing, expected a whole number"};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
    throw BadLine{column, std::string(what) + " is " + shown(text) + ", expected a whole number from 0"};
  }
  if (error == std::errc::result_out_of_range || number > limit.highest) {
    throw BadLine{column,
                  std::string(what) + " is " + std::string(text.substr(0, kShownBytes)) +
                      ", expected a whole number from 0 to " + std::to_string(limit.highest),
                  limit.hint};
  }
  return number;
}

void parse_label_ids(std::string_view list, size_t column, std::string_view separator, Row& row) {
  if (trimmed(list).empty()) return;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(separator, begin), list.size());
    const std::string_view whole = list.substr(begin, end - begin);
    const std::string_view item = trimmed(whole);
    LabelMention label;
    label.column = column + begin + static_cast<size_t>(item.data() - whole.data());
    const size_t colons = item.find("::");
    label.id = parse_index(item.substr(0, colons), label.column, {LabelMention::kNamed - 1, ""}, "label");
    bool relevant = true;
    if (colons != std::string_view::npos) {
      label.relevance = parse_value(item.substr(colons + 2), label.column + colons + 2, "relevance");
      relevant = is_relevant(label.relevance, label.column + colons + 2);
    }
    if (relevant) row.labels.push_back(label);
    begin = end + separator.size();
  }
}

bool is_relevant(float relevance, size_t column) {
  if (relevance < 0) throw BadLine{column, "relevance is below 0, expected a number from 0"};
  return relevance > 0;
}

std::string_view trimmed(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return text.substr(0, 0);
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

float parse_value(std::string_view text, size_t column, const char* what) {
  double value = 0;
  if (!parse_short_decimal(text, value) && !parse_any_decimal(text, value)) {
    throw BadLine{column, std::string(what) + " is " + shown(text) + ", expected a number"};
  }
  const float narrow = static_cast<float>(value);
  if (!std::isfinite(narrow)) {
    throw BadLine{column,
                  std::string(what) + " is " + std::string(text.substr(0, kShownBytes)) + ", expected a finite number"};
  }
  return narrow;
}

void refuse_nul(std::string_view line) {
  const size_t place = line.find('\0');
  if (place != std::string_view::npos) {
    throw BadLine{place + 1, "a NUL byte, expected text", "is this a binary file, or UTF-16?"};
  }
}

}  // namespace coppice
