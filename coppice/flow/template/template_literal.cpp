// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_literal.h"

#include <cstdint>
#include <optional>

#include "coppice/flow/json/code_points.h"

namespace coppice::templates {
namespace {

constexpr std::string_view kLetters = "abfnrtv\\'\"";
constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

/// A number of exactly `n_digits` hexadecimal digits.
std::optional<uint32_t> hexadecimal(std::string_view digits, size_t n_digits) {
  if (digits.size() < n_digits) return std::nullopt;
  uint32_t number = 0;
  for (const char c : digits.substr(0, n_digits)) {
    if (digit_of(c) >= 16) return std::nullopt;
    number = number * 16 + static_cast<uint32_t>(digit_of(c));
  }
  return number;
}

/// \x41, A, \U0001F600, and two halves of a surrogate pair; `at` is that of the letter, and goes to the last digit.
std::optional<uint32_t> hexadecimal_escape(std::string_view literal, size_t& at) {
  const size_t n_digits = literal[at] == 'x' ? 2 : literal[at] == 'u' ? 4 : 8;
  const std::optional<uint32_t> first = hexadecimal(literal.substr(at + 1), n_digits);
  if (!first) return std::nullopt;
  at += n_digits;
  if (*first < 0xD800 || *first > 0xDBFF) return first;
  if (!literal.substr(at + 1).starts_with("\\u")) return std::nullopt;
  const std::optional<uint32_t> second = hexadecimal(literal.substr(at + 3), 4);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return std::nullopt;
  at += 6;
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

uint32_t octal_escape(std::string_view literal, size_t& at) {
  uint32_t number = 0;
  size_t end = at;
  for (; end < literal.size() && end < at + 3 && literal[end] >= '0' && literal[end] <= '7'; ++end) {
    number = number * 8 + static_cast<uint32_t>(literal[end] - '0');
  }
  at = end - 1;
  return number;
}

}  // namespace

bool unescape(std::string_view literal, std::string& text) {
  for (size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i];
      continue;
    }
    const char letter = literal[++i];
    if (const size_t known = kLetters.find(letter); known != std::string_view::npos) {
      text += kMeanings[known];
    } else if (letter == 'x' || letter == 'u' || letter == 'U') {
      const std::optional<uint32_t> character = hexadecimal_escape(literal, i);
      if (!character || !append_code_point(*character, text)) return false;
    } else if (letter >= '0' && letter <= '7') {
      append_code_point(octal_escape(literal, i), text);
    } else if (letter != '\n') {  // a line that goes on
      text += '\\';
      text += letter;
    }
  }
  return true;
}

}  // namespace coppice::templates
