// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/json_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"

namespace coppice {

bool nests_deeper(std::string_view json, size_t levels) noexcept {
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text && c == '\\') {
      ++i;  // what is escaped ends no text
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      if (++depth > levels) return true;
    } else if (!in_text && (c == ']' || c == '}')) {
      depth -= depth > 0 ? 1 : 0;
    }
  }
  return false;
}

void take_apart(nlohmann::json& value) noexcept {
  if (auto* const list = value.get_ptr<nlohmann::json::array_t*>()) {
    for (; !list->empty(); list->pop_back()) take_apart(list->back());
  } else if (auto* const object = value.get_ptr<nlohmann::json::object_t*>()) {
    for (; !object->empty(); object->erase(object->begin())) take_apart(object->begin()->second);
  }
}

namespace {

/// The builder of values takes the input as a second parameter since nlohmann 3.12.
template <template <class> class Builder, class Input>
auto builder_of(nlohmann::json& value) {
  return Builder<nlohmann::json>(value, /*allow_exceptions=*/false);
}
template <template <class, class> class Builder, class Input>
auto builder_of(nlohmann::json& value) {
  return Builder<nlohmann::json, Input>(value, /*allow_exceptions=*/false);
}

/// What json::parse does, less its other form, with a callback, which would take 5 kB of the runtime.
bool parse(std::string_view text, nlohmann::json& value) {
  using Input = decltype(nlohmann::detail::input_adapter(text.begin(), text.end()));
  auto builder = builder_of<nlohmann::detail::json_sax_dom_parser, Input>(value);
  nlohmann::detail::parser<nlohmann::json, Input> parser(nlohmann::detail::input_adapter(text.begin(), text.end()),
                                                         nullptr, /*allow_exceptions=*/false);
  return parser.sax_parse(&builder);
}

}  // namespace

HeldJson parse_held_json(std::string_view text) {
  HeldJson held;
  if (nests_deeper(text, kDeepestJson) || !parse(text, held.value)) {
    return HeldJson(nlohmann::json(nlohmann::json::value_t::discarded));
  }
  return held;
}

nlohmann::json parse_json(std::string_view text) {
  return std::move(parse_held_json(text).value);
}

std::string line_and_column(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return std::to_string(line) + ":" + std::to_string(before.size() - line_begin + 1);
}

std::string json_fault_without_place(std::string_view what) {
  const std::string fault = json_fault(what);
  const size_t end = fault.starts_with("parse error at ") ? fault.find(": ") : std::string::npos;
  return end == std::string::npos ? fault : fault.substr(end + 2);
}

std::string number_text(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return std::to_string(static_cast<int64_t>(value));
  std::array<char, 32> digits;
  const int size = std::snprintf(digits.data(), digits.size(), "%.9g", value);
  return {digits.data(), static_cast<size_t>(size)};
}

namespace {

/// Without control characters, which would break a message or end it.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return result + "\"";
}

}  // namespace

// By hand: whoever only reads JSON needs no writer of it.
std::string json_value_text(const nlohmann::json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  if (value.is_string()) return quoted(value.get_ref<const std::string&>());
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_unsigned()) return std::to_string(value.get<uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<int64_t>());
  return value.is_number() ? number_text(value.get<double>()) : "null";
}

}  // namespace coppice
