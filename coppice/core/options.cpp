// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/options.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"

namespace coppice {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& name, const std::string& got, const std::string& expected) {
  throw Error(ErrorCode::usage, "option " + name + " is " + got + ", expected " + expected);
}

/// Any value; a nested one by its kind alone, however deep it is.
std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return json_value_text(value);
  const bool nested = std::any_of(value.begin(), value.end(), [](const json& item) { return item.is_structured(); });
  if (nested) return value.is_array() ? "a list of lists or objects" : "an object of lists or objects";
  if (value.is_object()) return "an object";
  std::string text;
  for (const json& item : value) text += (text.empty() ? "[" : ",") + json_value_text(item);
  return text.empty() ? "[]" : text + "]";
}

std::string range_text(const char* kind, double lowest, double highest) {
  if (lowest <= -1e18 && highest >= 1e18) return kind;
  if (highest >= 1e18) return std::string(kind) + " of at least " + number_text(lowest);
  return std::string(kind) + " from " + number_text(lowest) + " to " + number_text(highest);
}

double number_in(const std::string& name, const json& value, double lowest, double highest) {
  const std::string expected = range_text("a number", lowest, highest);
  if (!value.is_number()) refuse(name, text_of(value), expected);
  const double number = value.get<double>();
  if (!(number >= lowest && number <= highest)) refuse(name, text_of(value), expected);
  return number;
}

uint64_t integer_in(const std::string& name, const json& value, uint64_t lowest, uint64_t highest) {
  const std::string expected = range_text("a whole number", static_cast<double>(lowest), static_cast<double>(highest));
  const bool whole = value.is_number_unsigned() || (value.is_number_integer() && value.get<int64_t>() >= 0) ||
                     (value.is_number_float() && value.get<double>() >= 0 && value.get<double>() < 1e15 &&
                      value.get<double>() == std::floor(value.get<double>()));
  if (!whole) refuse(name, text_of(value), expected);
  const uint64_t number = value.get<uint64_t>();
  if (number < lowest || number > highest) refuse(name, text_of(value), expected);
  return number;
}

/// The text of a command line read as a JSON number, or as a JSON string when it is none.
json scalar_from_text(std::string_view text) {
  json value = parse_json(text);
  return value.is_number() ? value : json(std::string(text));
}

json list_from_text(std::string_view text, bool numbers) {
  json list = json::array();
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = text.substr(0, comma);
    list.push_back(numbers ? scalar_from_text(item) : json(std::string(item)));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return list;
}

const json& as_list(const std::string& name, const json& value, const char* expected) {
  if (!value.is_array()) refuse(name, text_of(value), expected);
  return value;
}

Option make(const std::string& name, std::string type, std::string help, std::function<void(const json&)> set,
            std::function<json()> get) {
  Option option;
  option.name = name;
  option.type = std::move(type);
  option.help = std::move(help);
  const HeldJson held(get());
  option.default_text = text_of(held.value);
  option.set_text = [set](std::string_view text) { set(scalar_from_text(text)); };
  option.set = std::move(set);
  option.get = std::move(get);
  return option;
}

/// The number with the fewest digits that the type still takes for `value`: 0.1 for 0.1f, not 0.10000000149. A whole
/// one without a point, unless it is shorter with an exponent, as std::to_chars has it (which brings 130 kB of tables).
template <class T>
json shortest(T value) {
  char digits[40];
  int precision = 1;
  double number = 0;
  for (; precision <= std::numeric_limits<T>::max_digits10; ++precision) {
    std::snprintf(digits, sizeof digits, "%.*g", precision, static_cast<double>(value));
    number = std::strtod(digits, nullptr);
    if (static_cast<T>(number) == value) break;
  }
  if (number != std::floor(number) || std::abs(number) >= 1e15) return json(number);
  const int n_digits = std::snprintf(digits, sizeof digits, "%.0f", std::abs(number));
  const int with_exponent = precision + (precision > 1 ? 1 : 0) + 4;
  return n_digits <= with_exponent ? json(static_cast<int64_t>(number)) : json(number);
}

template <class T>
Option make_number(const std::string& name, T& value, double lowest, double highest, const std::string& help) {
  return make(
      name, "number", help,
      [&value, name, lowest, highest](const json& j) { value = static_cast<T>(number_in(name, j, lowest, highest)); },
      [&value] { return shortest(value); });
}

template <class T>
Option make_integer(const std::string& name, T& value, uint64_t lowest, uint64_t highest, const std::string& help) {
  return make(
      name, "integer", help,
      [&value, name, lowest, highest](const json& j) { value = static_cast<T>(integer_in(name, j, lowest, highest)); },
      [&value] { return json(value); });
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

void OptionTable::add(const std::string& name, bool& value, const std::string& help) {
  auto set = [&value, name](const json& j) {
    if (!j.is_boolean()) refuse(name, text_of(j), "true or false");
    value = j.get<bool>();
  };
  Option option = make(name, "switch", help, set, [&value] { return json(value); });
  option.set_text = [set, name](std::string_view text) {
    const bool on = text == "true" || text == "1", off = text == "false" || text == "0";
    if (!on && !off) refuse(name, std::string(text), "true (1) or false (0)");
    set(json(on));
  };
  options_.push_back(std::move(option));
}

void OptionTable::add(const std::string& name, std::string& value, const std::string& help) {
  auto set = [&value, name](const json& j) {
    if (!j.is_string()) refuse(name, text_of(j), "text");
    value = j.get<std::string>();
  };
  Option option = make(name, "text", help, set, [&value] { return json(value); });
  option.set_text = [&value](std::string_view text) { value = text; };
  options_.push_back(std::move(option));
}

void OptionTable::add(const std::string& name, std::vector<std::string>& value, const std::string& help) {
  auto set = [&value, name](const json& j) {
    std::vector<std::string> items;
    for (const json& item : as_list(name, j, "a list of texts")) {
      if (!item.is_string()) refuse(name, text_of(item), "a list of texts");
      items.push_back(item.get<std::string>());
    }
    value = std::move(items);
  };
  Option option = make(name, "list of texts", help, set, [&value] { return json(value); });
  option.set_text = [set](std::string_view text) { set(list_from_text(text, false)); };
  options_.push_back(std::move(option));
}

void OptionTable::add(const std::string& name, float& value, double lowest, double highest, const std::string& help) {
  options_.push_back(make_number(name, value, lowest, highest, help));
}

void OptionTable::add(const std::string& name, double& value, double lowest, double highest, const std::string& help) {
  options_.push_back(make_number(name, value, lowest, highest, help));
}

void OptionTable::add(const std::string& name, uint32_t& value, uint64_t lowest, uint64_t highest,
                      const std::string& help) {
  options_.push_back(
      make_integer(name, value, lowest, std::min<uint64_t>(highest, std::numeric_limits<uint32_t>::max()), help));
}

void OptionTable::add(const std::string& name, uint64_t& value, uint64_t lowest, uint64_t highest,
                      const std::string& help) {
  options_.push_back(make_integer(name, value, lowest, highest, help));
}

void OptionTable::add(const std::string& name, std::vector<float>& value, double lowest, double highest,
                      const std::string& help) {
  auto set = [&value, name, lowest, highest](const json& j) {
    std::vector<float> items;
    for (const json& item : as_list(name, j, "a list of numbers")) {
      items.push_back(static_cast<float>(number_in(name, item, lowest, highest)));
    }
    value = std::move(items);
  };
  Option option = make(name, "list of numbers", help, set, [&value] { return json(value); });
  option.set_text = [set](std::string_view text) { set(list_from_text(text, true)); };
  options_.push_back(std::move(option));
}

void OptionTable::add(const std::string& name, std::vector<uint32_t>& value, uint64_t lowest, uint64_t highest,
                      const std::string& help) {
  auto set = [&value, name, lowest, highest](const json& j) {
    std::vector<uint32_t> items;
    for (const json& item : as_list(name, j, "a list of whole numbers")) {
      items.push_back(static_cast<uint32_t>(integer_in(name, item, lowest, highest)));
    }
    value = std::move(items);
  };
  Option option = make(name, "list of integers", help, set, [&value] { return json(value); });
  option.set_text = [set](std::string_view text) { set(list_from_text(text, true)); };
  options_.push_back(std::move(option));
}

void OptionTable::add_choice(const std::string& name, std::function<int64_t()> get, std::function<void(int64_t)> set,
                             std::vector<std::pair<int64_t, std::string>> names, const std::string& help) {
  std::vector<std::string> choices;
  std::string type;
  for (const auto& entry : names) {
    choices.push_back(entry.second);
    type += (type.empty() ? "" : " | ") + entry.second;
  }
  auto set_json = [set = std::move(set), names, name, type](const json& j) {
    for (const auto& [value, text] : names) {
      if (j.is_string() && j.get<std::string>() == text) return set(value);
    }
    refuse(name, text_of(j), "one of " + type);
  };
  auto get_json = [get = std::move(get), names = std::move(names)] {
    for (const auto& [value, text] : names) {
      if (value == get()) return json(text);
    }
    throw Error(ErrorCode::internal, "an enumeration holds a value without a name");
  };
  Option option = make(name, type, help, set_json, get_json);
  option.choices = std::move(choices);
  option.set_text = [set_json](std::string_view text) { set_json(json(std::string(text))); };
  options_.push_back(std::move(option));
}

void OptionTable::set(const json& object) {
  if (!object.is_object()) throw Error(ErrorCode::usage, "options are " + text_of(object) + ", expected a JSON object");
  for (const auto& [key, value] : object.items()) find(key).set(value);
}

nlohmann::ordered_json OptionTable::get() const {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (const Option& option : options_) object[option.name] = option.get();
  return object;
}

const Option& OptionTable::find(std::string_view name) const {
  std::vector<std::string> names;
  for (const Option& option : options_) {
    if (option.name == name) return option;
    names.push_back(option.name);
  }
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorCode::usage, "unknown option '" + std::string(name) + "'", {},
              nearest.empty() ? std::string() : "did you mean '" + nearest + "'?");
}

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  std::string nearest;
  size_t smallest = 1 + std::max<size_t>(2, word.size() / 3);
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace coppice
