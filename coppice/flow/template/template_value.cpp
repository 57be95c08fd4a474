// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "coppice/flow/json/code_points.h"

namespace coppice::templates {

using nlohmann::json;

size_t Value::size() const noexcept {
  if (list_) return list_->size();
  return json_ && json_->is_structured() ? json_->size() : 0;
}

Value Value::member(const std::string& key) const {
  if (!is_object()) return {};
  const auto& members = object();
  const auto found = members.find(key);
  return found == members.end() ? Value() : Value(found->second);
}

Value Value::item(int64_t index) const {
  if (!is_list()) return {};
  const auto n = static_cast<int64_t>(size());
  if (index < 0) index += n;
  return index < 0 || index >= n ? Value() : at(static_cast<size_t>(index));
}

bool Value::is_true() const noexcept {
  if (list_) return !list_->empty();
  if (!json_) return false;
  switch (json_->type()) {
    case json::value_t::boolean:
      return *json_->get_ptr<const bool*>();
    case json::value_t::number_integer:
      return *json_->get_ptr<const json::number_integer_t*>() != 0;
    case json::value_t::number_unsigned:
      return *json_->get_ptr<const json::number_unsigned_t*>() != 0;
    case json::value_t::number_float:
      return *json_->get_ptr<const json::number_float_t*>() != 0;
    case json::value_t::string:
      return !json_->get_ptr<const std::string*>()->empty();
    case json::value_t::array:
    case json::value_t::object:
      return !json_->empty();
    default:
      return false;
  }
}

std::string_view kind_name(const Value& value) noexcept {
  if (value.is_undefined()) return "nothing";
  if (value.is_list()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_text()) return "a text";
  if (value.is_number()) return "a number";
  return value.is_boolean() ? "true or false" : "none";
}

namespace {

/// Digits and exponent to Python's layout: without an exponent from 1e-4 to below 1e16, and never without a fraction.
std::string laid_out(std::string_view digits, int exponent) {
  if (exponent >= -4 && exponent < 0)
    return "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + std::string(digits);
  if (exponent >= 0 && exponent < 16) {
    const auto n_whole = static_cast<size_t>(exponent) + 1;
    if (digits.size() <= n_whole) return std::string(digits) + std::string(n_whole - digits.size(), '0') + ".0";
    return std::string(digits.substr(0, n_whole)) + "." + std::string(digits.substr(n_whole));
  }
  std::string text(digits.substr(0, 1));
  if (digits.size() > 1) text += "." + std::string(digits.substr(1));
  const int size = std::abs(exponent);
  return text + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + std::to_string(size);
}

std::string real_literal(double value) {
  if (!std::isfinite(value)) return "null";  // as nlohmann writes it; JSON knows no such number
  if (value == 0) return std::signbit(value) ? "-0.0" : "0.0";
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value), std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<size_t>(end.ptr - buffer.data()));
  const size_t mark = text.find('e');
  int exponent = 0;
  const char* const digits_begin = text.data() + mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(digits_begin, text.data() + text.size(), exponent);
  std::string digits(text.substr(0, mark));
  if (digits.size() > 1) digits.erase(1, 1);
  return (value < 0 ? "-" : "") + laid_out(digits, exponent);
}

template <class Integer>
std::string integer_literal(Integer value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 && c != '"' && c != '\\';
}

void append_escaped(char c, std::string& out) {
  static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt", kDigits = "0123456789abcdef";
  out += '\\';
  if (const size_t known = kFrom.find(c); known != std::string_view::npos) {
    out += kTo[known];
  } else {
    out += "u00";
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 0xFu];
  }
}

}  // namespace

std::string number_literal(const json& number) {
  if (const auto* const real = number.get_ptr<const json::number_float_t*>()) return real_literal(*real);
  if (number.is_number_unsigned()) return integer_literal(*number.get_ptr<const json::number_unsigned_t*>());
  return integer_literal(*number.get_ptr<const json::number_integer_t*>());
}

size_t find_text(std::string_view text, std::string_view needle, size_t from) noexcept {
  if (from > text.size()) return std::string_view::npos;
  const void* const found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found ? static_cast<size_t>(static_cast<const char*>(found) - text.data()) : std::string_view::npos;
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    size_t n_plain = 0;
    while (n_plain < text.size() && is_plain(text[n_plain])) ++n_plain;
    out += text.substr(0, n_plain);
    text.remove_prefix(n_plain);
    if (text.empty()) break;
    const CodePoint character = first_code_point(text);
    if (!character.is_valid) {
      out += "\xEF\xBF\xBD";
    } else if (character.n_bytes > 1 || text[0] == 0x7F) {
      out += text.substr(0, character.n_bytes);
    } else {
      append_escaped(text[0], out);
    }
    text.remove_prefix(character.n_bytes);
  }
  out += '"';
}

}  // namespace coppice::templates
