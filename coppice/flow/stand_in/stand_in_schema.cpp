// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_schema.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/stand_in/stand_in_pattern.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr size_t kMostValues = 20'000;
constexpr int kDeepOptional = 4;  // optional properties and further items are left out below this
constexpr int kDeepest = 64;
constexpr uint64_t kMostLength = 65'536;

uint64_t count_of(const json& schema, const char* key, uint64_t otherwise) {
  const auto found = schema.find(key);
  if (found == schema.end() || !found->is_number()) return otherwise;
  const double number = found->get<double>();
  return number >= 0 && number < 1e15 ? static_cast<uint64_t>(number) : otherwise;
}

size_t code_points(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void keep_code_points(std::string& text, uint64_t most) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((text[at] & 0xC0) != 0x80 && most-- == 0) break;
  }
  text.resize(at);
}

bool asks_for_prose(const std::string& name) {
  constexpr std::array<const char*, 10> kProse = {"description", "summary", "text",   "content", "body",
                                                  "explanation", "reason",  "answer", "comment", "paragraph"};
  return std::any_of(kProse.begin(), kProse.end(), [&](const char* part) { return name.find(part) != name.npos; });
}

/// Keys of `more` go over those of `all`, but properties and required names are joined.
void merge(json& all, const json& more) {
  for (const auto& [key, value] : more.items()) {
    json& present = all[key];
    if (key == "properties" && present.is_object() && value.is_object()) {
      present.update(value);
    } else if (key == "required" && present.is_array() && value.is_array()) {
      present.insert(present.end(), value.begin(), value.end());
    } else {
      present = value;
    }
  }
}

class Maker {
 public:
  Maker(const json& root, StandInWriter& writer) : root_(root), writer_(writer) {}

  json value(const json& schema, const std::string& name, int depth) {
    if (depth > kDeepest) throw Error(ErrorCode::data, "got a schema whose values have no end");
    if (++n_values_ > kMostValues) throw Error(ErrorCode::data, "got a schema that asks for more than 20,000 values");
    if (!schema.is_object() || schema.empty()) return text(json::object(), name);
    if (const auto fixed = schema.find("const"); fixed != schema.end()) return *fixed;
    if (const auto list = schema.find("enum"); list != schema.end() && list->is_array() && !list->empty()) {
      return (*list)[draw(list->size())];
    }
    if (const auto to = schema.find("$ref"); to != schema.end()) return referred(schema, *to, name, depth);
    if (schema.contains("allOf")) return value(all_of(schema), name, depth + 1);
    for (const char* key : {"anyOf", "oneOf"}) {
      if (schema.contains(key)) return value(one_of(schema, key, depth), name, depth + 1);
    }
    return of_type(type_of(schema, depth), schema, name, depth);
  }

 private:
  const json& list_in(const json& schema, const char* key) const {
    const auto found = schema.find(key);
    return found != schema.end() && found->is_array() ? *found : empty_list_;
  }
  const json& object_in(const json& schema, const char* key) const {
    const auto found = schema.find(key);
    return found != schema.end() && found->is_object() ? *found : empty_object_;
  }

  size_t draw(size_t bound) { return writer_.random().below(static_cast<uint32_t>(bound)); }

  json of_type(const std::string& type, const json& schema, const std::string& name, int depth) {
    if (type == "object") return object(schema, depth);
    if (type == "array") return list(schema, name, depth);
    if (type == "integer") return integer(schema);
    if (type == "number") return number(schema);
    if (type == "boolean") return draw(2) == 1;
    if (type == "null") return nullptr;
    return text(schema, name);
  }

  static std::string type_of(const json& schema, int depth) {
    const auto type = schema.find("type");
    if (type != schema.end() && type->is_string()) return type->get<std::string>();
    if (type != schema.end() && type->is_array()) {
      std::vector<std::string> names;
      for (const json& one : *type) names.push_back(one.is_string() ? one.get<std::string>() : std::string());
      const bool may_be_null = std::find(names.begin(), names.end(), "null") != names.end();
      if (may_be_null && (depth > kDeepOptional || names.size() == 1)) return "null";
      for (const std::string& one : names) {
        if (one != "null") return one;
      }
    }
    for (const char* key : {"properties", "required", "additionalProperties", "minProperties"}) {
      if (schema.contains(key)) return "object";
    }
    for (const char* key : {"items", "prefixItems", "minItems", "maxItems"}) {
      if (schema.contains(key)) return "array";
    }
    for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}) {
      if (schema.contains(key)) return "number";
    }
    return "string";
  }

  const json& target(const json& to) const {
    const std::string text = to.is_string() ? to.get<std::string>() : std::string();
    try {
      if (text.starts_with("#")) return root_.at(json::json_pointer(text.substr(1)));
    } catch (const json::exception&) {  // said below
    }
    throw Error(ErrorCode::data, fmt::format("got a schema that refers to '{}', which is not in it", text));
  }

  json referred(const json& schema, const json& to, const std::string& name, int depth) {
    const json& referred_to = target(to);
    if (schema.size() == 1 || !referred_to.is_object()) return value(referred_to, name, depth + 1);
    json beside = schema;
    beside.erase("$ref");
    json both = referred_to;
    merge(both, beside);
    return value(both, name, depth + 1);
  }

  json all_of(const json& schema) const {
    json merged = schema;
    merged.erase("allOf");
    for (const json& part : list_in(schema, "allOf")) {
      if (!part.is_object()) continue;
      const auto to = part.find("$ref");
      const json& meant = to == part.end() ? part : target(*to);
      if (meant.is_object()) merge(merged, meant);
    }
    return merged;
  }

  json one_of(const json& schema, const char* key, int depth) {
    const json& choices = schema[key];
    json merged = schema;
    merged.erase(key);
    if (!choices.is_array() || choices.empty()) return merged;
    const json* chosen = &choices[draw(choices.size())];
    if (depth > kDeepOptional) {  // the one that ends soonest: null, or what refers to nothing
      for (const json& choice : choices) {
        if (!choice.contains("$ref")) chosen = &choice;
      }
      for (const json& choice : choices) {
        if (choice.is_object() && choice.value("type", json()) == "null") chosen = &choice;
      }
    }
    if (chosen->is_object()) merge(merged, *chosen);
    return merged;
  }

  json object(const json& schema, int depth) {
    json made = json::object();
    std::set<std::string> required;
    for (const json& name : list_in(schema, "required")) {
      if (name.is_string()) required.insert(name.get<std::string>());
    }
    const json& properties = object_in(schema, "properties");
    for (const auto& [name, of] : properties.items()) {
      if (of == false || (depth >= kDeepOptional && !required.contains(name))) continue;
      made[name] = value(of, name, depth + 1);
    }
    const json& others = object_in(schema, "additionalProperties");
    for (const std::string& name : required) {
      if (!made.contains(name)) made[name] = value(others, name, depth + 1);
    }
    const bool is_map = !others.empty() && properties.empty() && depth < kDeepOptional;
    const uint64_t least = count_of(schema, "minProperties", is_map ? 2 : 0);
    for (uint64_t n = 2; made.size() < least; ++n) {
      std::string name = writer_.word();
      if (made.contains(name)) name += std::to_string(n);
      made[name] = value(others, name, depth + 1);
    }
    return made;
  }

  json list(const json& schema, const std::string& name, int depth) {
    json made = json::array();
    const json& first = list_in(schema, "prefixItems");
    const json& rest = schema.contains("items") ? schema["items"] : anything_;
    const bool are_unique = schema.contains("uniqueItems") && schema["uniqueItems"] == true;
    const uint64_t wanted = length(schema, first, depth);
    for (uint64_t i = 0; i < wanted; ++i) {
      const json& of = i < first.size() ? first[i] : rest;
      json item = value(of, name, depth + 1);
      if (are_unique && !make_unique(item, of, made, {name, depth})) break;
      made.push_back(std::move(item));
    }
    return made;
  }

  uint64_t length(const json& schema, const json& first, int depth) {
    const uint64_t least = count_of(schema, "minItems", 0);
    const uint64_t most = std::max(least, count_of(schema, "maxItems", std::max<uint64_t>(least, 4)));
    const bool is_closed = schema.contains("items") ? schema["items"] == false : !first.empty();
    if (is_closed) return std::clamp<uint64_t>(first.size(), least, most);
    if (depth >= kDeepOptional) return least;
    const uint64_t low = std::clamp<uint64_t>(1, least, most), high = std::clamp<uint64_t>(4, low, most);
    return low + draw(static_cast<size_t>(high - low + 1));
  }

  struct Place {
    const std::string& name;
    int depth;
  };

  /// False where no other value came in many draws.
  bool make_unique(json& item, const json& schema, const json& present, const Place& place) {
    n_values_ += present.size() / 64;  // each is compared with all
    const auto is_there = [&] { return std::find(present.begin(), present.end(), item) != present.end(); };
    for (int tries = 0; is_there(); ++tries) {
      if (tries == 30) return false;
      item = value(schema, place.name, place.depth + 1);
      const bool is_free = item.is_string() && tries > 20 && !schema.contains("enum") && !schema.contains("pattern");
      if (is_free) item = item.get<std::string>() + std::to_string(present.size());
    }
    return true;
  }

  struct Range {
    double low, high;
    bool low_is_open, high_is_open;
  };

  static Range range(const json& schema) {
    const auto limit = [&](const char* key) { return schema.contains(key) && schema[key].is_number(); };
    Range range{std::nan(""), std::nan(""), false, false};
    if (limit("minimum")) range.low = schema["minimum"].get<double>();
    if (limit("exclusiveMinimum") && !(range.low > schema["exclusiveMinimum"].get<double>())) {
      range.low = schema["exclusiveMinimum"].get<double>();
      range.low_is_open = true;
    }
    if (limit("maximum")) range.high = schema["maximum"].get<double>();
    if (limit("exclusiveMaximum") && !(range.high < schema["exclusiveMaximum"].get<double>())) {
      range.high = schema["exclusiveMaximum"].get<double>();
      range.high_is_open = true;
    }
    if (std::isnan(range.low)) range.low = range.high <= 0 ? range.high - 100 : 0;
    if (std::isnan(range.high)) range.high = range.low + 100;
    return range;
  }

  /// A multiple of `step` in the range.
  double stepped(const Range& range, double step) {
    double first = std::ceil(range.low / step), last = std::floor(range.high / step);
    if (range.low_is_open && first * step <= range.low) ++first;
    if (range.high_is_open && last * step >= range.high) --last;
    const double n = std::min(last - first + 1, 1e6);
    const double chosen = first + (n > 1 ? static_cast<double>(draw(static_cast<size_t>(n))) : 0);
    return chosen * step;
  }

  json integer(const json& schema) {
    const double step = schema.contains("multipleOf") && schema["multipleOf"].is_number()
                            ? std::max(1.0, std::ceil(schema["multipleOf"].get<double>()))
                            : 1;
    const double made = stepped(range(schema), step);
    if (std::abs(made) < 9e15) return static_cast<int64_t>(made);
    return made;
  }

  json number(const json& schema) {
    const Range limits = range(schema);
    if (schema.contains("multipleOf") && schema["multipleOf"].is_number() && schema["multipleOf"].get<double>() > 0) {
      return stepped(limits, schema["multipleOf"].get<double>());
    }
    const double share = (static_cast<double>(draw(999)) + 1) / 1000;  // never at the ends
    const double made = limits.low + (limits.high - limits.low) * share;
    const double rounded = std::round(made * 1000) / 1000;
    return rounded > limits.low && rounded < limits.high ? rounded : made;
  }

  json text(const json& schema, const std::string& name) {
    if (const auto pattern = schema.find("pattern"); pattern != schema.end() && pattern->is_string()) {
      if (auto made = stand_in_pattern_text(pattern->get<std::string>(), writer_.random())) return *made;
    }
    if (const auto format = schema.find("format"); format != schema.end() && format->is_string()) {
      const std::string made = formatted(format->get<std::string>());
      if (!made.empty()) return made;
    }
    const uint64_t least = count_of(schema, "minLength", 0), most = count_of(schema, "maxLength", kMostLength);
    if (least > kMostLength) throw Error(ErrorCode::data, "got a schema that asks for a text above 65,536 characters");
    n_values_ += least / 64;
    std::string made = asks_for_prose(name) ? writer_.sentence() : writer_.phrase(2 + draw(3));
    for (size_t size = code_points(made); size < least;) {
      const std::string more = " " + writer_.word();
      made += more;
      size += code_points(more);
    }
    keep_code_points(made, most);
    if (made.ends_with(' ') && code_points(made) > least) made.pop_back();
    return made;
  }

  std::string formatted(const std::string& format) {
    const auto number = [&](size_t low, size_t bound) { return low + draw(bound); };
    const std::string date = fmt::format("2025-{:02}-{:02}", number(1, 12), number(1, 28));
    if (format == "date") return date;
    if (format == "date-time") return fmt::format("{}T{:02}:{:02}:00Z", date, number(0, 24), number(0, 60));
    if (format == "time") return fmt::format("{:02}:{:02}:00Z", number(0, 24), number(0, 60));
    if (format == "email") return fmt::format("someone{}@example.com", number(1, 1000));
    if (format == "uri" || format == "url") return fmt::format("https://example.com/{}", number(1, 1000));
    if (format != "uuid") return {};
    const uint64_t high = writer_.random().next(), low = writer_.random().next();
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFF,
                       low >> 48 & 0xFFF, low & 0xFFFF'FFFF'FFFF);
  }

  const json& root_;
  StandInWriter& writer_;
  const json empty_list_ = json::array(), empty_object_ = json::object(), anything_ = json(true);
  size_t n_values_ = 0;
};

}  // namespace

json schema_instance(const json& schema, StandInWriter& writer) {
  try {
    return Maker(schema, writer).value(schema, "answer", 0);
  } catch (const json::exception& fault) {  // a keyword whose value is of the wrong type
    throw Error(ErrorCode::data, "got a schema that is none: " + json_fault(fault.what()));
  }
}

}  // namespace coppice
