// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/characters.h"

#include <algorithm>

namespace coppice {

bool equal_without_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view without_blanks(std::string_view text) noexcept {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string shown_bytes(std::string_view text, size_t most_bytes) {
  std::string result = "'";
  for (const char c : text.substr(0, most_bytes)) result += c < 0x20 || c == 0x7F ? '?' : c;
  return result + (text.size() > most_bytes ? "...'" : "'");
}

}  // namespace coppice
