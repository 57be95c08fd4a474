// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/compact_text.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace coppice {
namespace {

bool is_written_as_it_is(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

template <class Json>
void write_by_library(std::string& text, const Json& value) {
  text += value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class Integer>
void write_integer(std::string& text, Integer value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  text.append(digits, end);
}

template <class Json>
void write_string(std::string& text, const std::string& string) {
  if (!std::all_of(string.begin(), string.end(), is_written_as_it_is)) return write_by_library(text, Json(string));
  text += '"';
  text += string;
  text += '"';
}

template <class Json>
void write(std::string& text, const Json& value);

template <class Json>
void write_array(std::string& text, const Json& array) {
  char before = '[';
  for (const Json& each : array) {
    text += before;
    write(text, each);
    before = ',';
  }
  text += before == '[' ? "[]" : "]";
}

template <class Json>
void write_object(std::string& text, const Json& object) {
  char before = '{';
  for (auto each = object.begin(); each != object.end(); ++each) {
    text += before;
    write_string<Json>(text, each.key());
    text += ':';
    write(text, each.value());
    before = ',';
  }
  text += before == '{' ? "{}" : "}";
}

/// Numbers with a fraction and texts with escapes are the library's.
template <class Json>
void write(std::string& text, const Json& value) {
  switch (value.type()) {
    case Json::value_t::array:
      return write_array(text, value);
    case Json::value_t::object:
      return write_object(text, value);
    case Json::value_t::string:
      return write_string<Json>(text, value.template get_ref<const std::string&>());
    case Json::value_t::number_integer:
      return write_integer(text, value.template get<int64_t>());
    case Json::value_t::number_unsigned:
      return write_integer(text, value.template get<uint64_t>());
    default:
      return write_by_library(text, value);
  }
}

template <class Json>
std::string text_of(const Json& value) {
  std::string text;
  write(text, value);
  return text;
}

}  // namespace

std::string compact_text(const nlohmann::json& value) {
  return text_of(value);
}
std::string compact_text(const nlohmann::ordered_json& value) {
  return text_of(value);
}

}  // namespace coppice
