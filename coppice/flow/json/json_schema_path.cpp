// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/core/error.h"
#include "coppice/core/options.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/json/json_schema_document.h"
#include "coppice/flow/json/json_schema_rules.h"

namespace coppice {
namespace {

using nlohmann::json;
using schema::Types;

/// Schemas that one value has to fit, all of them; and several such, of which it has to fit one.
using Together = std::vector<const json*>;
using Alternatives = std::vector<Together>;

/// More are not told apart; then anything may be there.
constexpr size_t kMostAlternatives = 256, kDeepestExpansion = 64;
struct TooMany {};

constexpr Types kAll = schema::kNull | schema::kBoolean | schema::kInteger | schema::kNumber | schema::kString |
                       schema::kArray | schema::kObject;

const json* member_of(const json& value, const std::string& key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(key);
  return found == value.end() ? nullptr : &*found;
}

Alternatives either(Alternatives a, const Alternatives& b) {
  a.insert(a.end(), b.begin(), b.end());
  if (a.size() > kMostAlternatives) throw TooMany();
  return a;
}

Alternatives both(const Alternatives& a, const Alternatives& b) {
  if (a.size() * b.size() > kMostAlternatives) throw TooMany();
  Alternatives result;
  for (const Together& left : a) {
    for (const Together& right : b) {
      result.push_back(left);
      result.back().insert(result.back().end(), right.begin(), right.end());
    }
  }
  return result;
}

/// The types that `type`, `const` and `enum` leave; a number may be an integer.
Types types_left(const json& schema) {
  if (schema.is_boolean()) return schema.get<bool>() ? kAll : 0;
  Types types = kAll;
  const auto named = [](const json& name) {
    const Types type = name.is_string() ? schema::type_named(name.get_ref<const std::string&>()) : 0;
    return type == schema::kNumber ? type | schema::kInteger : type;
  };
  if (const json* const type = member_of(schema, "type")) {
    types = type->is_array() ? 0 : named(*type);
    if (type->is_array()) {
      for (const json& each : *type) types |= named(each);
    }
  }
  if (const json* const constant = member_of(schema, "const")) types &= schema::types_of(*constant);
  if (const json* const choices = member_of(schema, "enum"); choices && choices->is_array()) {
    Types of_choices = 0;
    for (const json& choice : *choices) of_choices |= schema::types_of(choice);
    types &= of_choices;
  }
  return types;
}

Types types_left(const Together& together) {
  Types types = kAll;
  for (const json* const schema : together) types &= types_left(*schema);
  return types;
}

std::optional<int64_t> index_of(const std::string& part) {
  int64_t index = 0;
  const auto result = std::from_chars(part.data(), part.data() + part.size(), index);
  if (result.ec != std::errc() || result.ptr != part.data() + part.size()) return std::nullopt;
  return index;
}

/// What schemas say of a part of their value: nothing when it cannot be there, no schema when they leave it open.
using Child = std::optional<Together>;

Child member_in(const Together& together, const std::string& name) {
  Together child;
  for (const json* const schema : together) {
    bool is_known = false;
    const auto add = [&](const json& found) {
      is_known = true;
      child.push_back(&found);
    };
    const json* const properties = member_of(*schema, "properties");
    if (const json* const found = properties ? member_of(*properties, name) : nullptr) add(*found);
    if (const json* const patterns = member_of(*schema, "patternProperties"); patterns && patterns->is_object()) {
      for (auto each = patterns->begin(); each != patterns->end(); ++each) {
        if (RegularExpression(each.key()).matches_in(name)) add(*each);
      }
    }
    if (is_known) continue;
    if (const json* const others = member_of(*schema, "additionalProperties")) add(*others);
  }
  const bool is_refused = std::any_of(child.begin(), child.end(), [](const json* each) { return *each == false; });
  return is_refused ? std::nullopt : Child(child);
}

Child item_in(const Together& together, int64_t index) {
  Together child;
  for (const json* const schema : together) {
    const json* const first = member_of(*schema, "prefixItems");
    const json* const most = member_of(*schema, "maxItems");
    const json* const others = member_of(*schema, "items");
    const auto n_first = first && first->is_array() ? static_cast<int64_t>(first->size()) : 0;
    if (most && most->is_number() && most->get<double>() <= static_cast<double>(index < 0 ? -index - 1 : index)) {
      return std::nullopt;
    }
    if (index >= 0 && index < n_first) {
      child.push_back(&(*first)[static_cast<size_t>(index)]);
    } else if (others && (index >= 0 || n_first == 0)) {  // from the end, it may be one of the first
      child.push_back(others);
    }
  }
  const bool is_refused = std::any_of(child.begin(), child.end(), [](const json* each) { return *each == false; });
  return is_refused ? std::nullopt : Child(child);
}

class Lookup {
 public:
  explicit Lookup(const json& root) : document_(root) {}

  SchemaPath find(const json& root, const std::vector<std::string>& path) {
    Alternatives now = possible(expand(root, 0));
    for (const std::string& part : path) {
      Alternatives next;
      for (const Together& together : now) {
        for (const Child& child : parts_of(together, part)) {
          if (!child) continue;
          if (child->empty()) return {};
          next = either(std::move(next), possible(expand_all(*child)));
        }
      }
      if (next.empty()) return {false, nearest_in(now, part), {}};
      now = std::move(next);
    }
    return {true, {}, types_in(now)};
  }

 private:
  /// The alternatives of a schema, in each the schemas whose own keywords count.
  Alternatives expand(const json& schema, size_t depth) {
    if (depth > kDeepestExpansion) throw TooMany();
    Alternatives result{{&schema}};
    if (const json* const reference = member_of(schema, "$ref"); reference && reference->is_string()) {
      const json* const target = document_.find(schema, reference->get_ref<const std::string&>());
      if (target) result = both(result, expand(*target, depth + 1));
    }
    if (const json* const all = member_of(schema, "allOf")) {
      for (const json& each : *all) result = both(result, expand(each, depth + 1));
    }
    for (const char* keyword : {"anyOf", "oneOf"}) {
      const json* const choices = member_of(schema, keyword);
      if (!choices) continue;
      Alternatives any;
      for (const json& each : *choices) any = either(std::move(any), expand(each, depth + 1));
      result = both(result, any);
    }
    if (!member_of(schema, "if")) return result;
    Alternatives branches;
    for (const char* keyword : {"then", "else"}) {
      const json* const branch = member_of(schema, keyword);
      branches = either(std::move(branches), branch ? expand(*branch, depth + 1) : Alternatives{{}});
    }
    return both(result, branches);
  }

  Alternatives expand_all(const Together& together) {
    Alternatives result{{}};
    for (const json* const schema : together) result = both(result, expand(*schema, 0));
    return result;
  }

  /// Without those that no value fits.
  static Alternatives possible(Alternatives alternatives) {
    std::erase_if(alternatives, [](const Together& each) { return types_left(each) == 0; });
    return alternatives;
  }

  /// A number may be the place of an item as well as the name of a member.
  static std::vector<Child> parts_of(const Together& together, const std::string& part) {
    const Types types = types_left(together);
    std::vector<Child> parts;
    const std::optional<int64_t> index = index_of(part);
    if (index && (types & schema::kArray) != 0) parts.push_back(item_in(together, *index));
    const bool is_only_item = index && types != kAll && (types & schema::kArray) != 0;
    if ((types & schema::kObject) != 0 && !is_only_item) parts.push_back(member_in(together, part));
    return parts;
  }

  static std::string nearest_in(const Alternatives& alternatives, const std::string& part) {
    std::vector<std::string> names;
    for (const Together& together : alternatives) {
      for (const json* const schema : together) {
        const json* const properties = member_of(*schema, "properties");
        if (!properties || !properties->is_object()) continue;
        for (auto each = properties->begin(); each != properties->end(); ++each) names.push_back(each.key());
      }
    }
    return part.size() > 64 ? std::string() : nearest_name(part, names);
  }

  /// None where it may be of any.
  static std::vector<std::string> types_in(const Alternatives& alternatives) {
    Types types = 0;
    for (const Together& each : alternatives) types |= types_left(each);
    std::vector<std::string> names;
    if (types == kAll) return names;
    if ((types & schema::kNumber) != 0) types &= ~schema::kInteger;
    for (const char* name : {"string", "number", "integer", "boolean", "object", "array", "null"}) {
      if ((types & schema::type_named(name)) != 0) names.emplace_back(name);
    }
    return names;
  }

  schema::Document document_;
};

}  // namespace

SchemaPath look_up(const json& schema, const std::vector<std::string>& path) {
  try {
    return Lookup(schema).find(schema, path);
  } catch (const TooMany&) {
    return {};
  }
}

}  // namespace coppice
