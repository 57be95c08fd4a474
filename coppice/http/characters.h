// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice {

// Of ASCII alone, whatever the locale.
constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}
/// Of what names of methods and headers are made (RFC 9110, section 5.6.2).
constexpr bool is_token_character(char c) noexcept {
  return is_letter(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool is_token(std::string_view text) noexcept {
  for (const char c : text) {
    if (!is_token_character(c)) return false;
  }
  return !text.empty();
}
/// A control character has no place in the value of a header; a tabulator has (RFC 9110, section 5.5).
constexpr bool is_header_value(std::string_view text) noexcept {
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return false;
  }
  return true;
}

bool equal_without_case(std::string_view a, std::string_view b) noexcept;

/// Without spaces and tabulators at both ends.
std::string_view without_blanks(std::string_view text) noexcept;

/// As a message shows what came from elsewhere: in quotes, its first bytes alone, '?' for what cannot be shown.
std::string shown_bytes(std::string_view text, size_t most_bytes = 60);

}  // namespace coppice
