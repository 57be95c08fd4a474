// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/code_points.h"

#include <utf8proc.h>

namespace coppice {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

/// Bytes of the character that `lead` begins, 0 for what begins none.
uint32_t size_by_lead(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

template <class Append>
std::string mapped(std::string_view text, Append append) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const CodePoint character = first_code_point(text);
    if (character.is_valid) {
      append(character.value, result);
    } else {
      result += text.front();
    }
    text.remove_prefix(character.n_bytes);
  }
  return result;
}

}  // namespace

CodePoint first_code_point(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  const uint32_t size = size_by_lead(lead);
  if (size == 0 || text.size() < size) return {0xFFFD, 1, false};
  uint32_t value = lead & (0x7Fu >> size);
  for (uint32_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return {0xFFFD, 1, false};
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  if (overlong || (value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) return {0xFFFD, 1, false};
  return {value, size, true};
}

size_t count_code_points(std::string_view text) noexcept {
  size_t n = 0;
  for (; !text.empty(); ++n) text.remove_prefix(first_code_point(text).n_bytes);
  return n;
}

size_t byte_of_code_point(std::string_view text, size_t index) noexcept {
  size_t byte = 0;
  for (; index > 0 && byte < text.size(); --index) byte += first_code_point(text.substr(byte)).n_bytes;
  return byte;
}

bool append_code_point(uint32_t value, std::string& text) {
  const auto low = [&](uint32_t shift) { return static_cast<char>(0x80u | ((value >> shift) & 0x3Fu)); };
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return false;
  if (value < 0x80) {
    text += static_cast<char>(value);
  } else if (value < 0x800) {
    text += {static_cast<char>(0xC0u | (value >> 6)), low(0)};
  } else if (value < 0x10000) {
    text += {static_cast<char>(0xE0u | (value >> 12)), low(6), low(0)};
  } else {
    text += {static_cast<char>(0xF0u | (value >> 18)), low(12), low(6), low(0)};
  }
  return true;
}

bool is_space(uint32_t value) noexcept {
  if (value < 0x80) return value == ' ' || (value >= 0x09 && value <= 0x0D) || (value >= 0x1C && value <= 0x1F);
  if (value == 0x85) return true;
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_word_character(uint32_t value) noexcept {
  if (value == '_') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return false;
  }
}

void append_lower(uint32_t value, std::string& text) {
  append_code_point(static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value))), text);
}

void append_upper(uint32_t value, std::string& text) {
  if (value == 0xDF) {  // the one letter of everyday use that becomes two
    text += "SS";
  } else {
    append_code_point(static_cast<uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(value))), text);
  }
}

std::string to_lower(std::string_view text) {
  return mapped(text, append_lower);
}

std::string to_upper(std::string_view text) {
  return mapped(text, append_upper);
}

}  // namespace coppice
