// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/schema_place.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/options.h"
#include "coppice/flow/json/json_schema_document.h"

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
  if (schema.is_boolean()) return schema.get<bool>() ? kAnyType : 0;
  Types types = kAnyType;
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
  Types types = kAnyType;
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

Child unless_refused(Together child) {
  const bool is_refused = std::any_of(child.begin(), child.end(), [](const json* each) { return *each == false; });
  return is_refused ? std::nullopt : Child(std::move(child));
}

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
  return unless_refused(std::move(child));
}

bool has_room_for(const json& schema, int64_t index) {
  const json* const most = member_of(schema, "maxItems");
  return !most || !most->is_number() || most->get<double>() > static_cast<double>(index < 0 ? -index - 1 : index);
}

const json::array_t* first_items(const json& schema) {
  const json* const first = member_of(schema, "prefixItems");
  return first ? first->get_ptr<const json::array_t*>() : nullptr;
}

Child item_in(const Together& together, int64_t index) {
  Together child;
  for (const json* const schema : together) {
    if (!has_room_for(*schema, index)) return std::nullopt;
    const json::array_t* const first = first_items(*schema);
    const json* const others = member_of(*schema, "items");
    const auto n_first = first ? static_cast<int64_t>(first->size()) : 0;
    if (index >= 0 && index < n_first) {
      child.push_back(&(*first)[static_cast<size_t>(index)]);
    } else if (others && (index >= 0 || n_first == 0)) {  // from the end, it may be one of the first
      child.push_back(others);
    }
  }
  return unless_refused(std::move(child));
}

/// The first items by themselves, and one that comes after all of them.
std::vector<Child> items_in(const Together& together) {
  size_t n_first = 0;
  for (const json* const schema : together) {
    if (const json::array_t* const first = first_items(*schema)) n_first = std::max(n_first, first->size());
  }
  if (n_first > kMostAlternatives) throw TooMany();
  std::vector<Child> items;
  for (size_t i = 0; i <= n_first; ++i) items.push_back(item_in(together, static_cast<int64_t>(i)));
  return items;
}

/// By `maxLength`, `const` and `enum`.
std::optional<uint64_t> most_characters_by(const json& schema) {
  if (const json* const most = member_of(schema, "maxLength"); most && most->is_number_integer() && *most >= 0) {
    return most->get<uint64_t>();
  }
  const auto length = [](const json& value) {
    return value.is_string() ? uint64_t{value.get_ref<const std::string&>().size()} : uint64_t{0};
  };
  if (const json* const constant = member_of(schema, "const")) return length(*constant);
  const json* const choices = member_of(schema, "enum");
  if (!choices || !choices->is_array()) return std::nullopt;
  uint64_t most = 0;
  for (const json& choice : *choices) most = std::max(most, length(choice));
  return most;
}

}  // namespace

struct SchemaPlace::Root {
  explicit Root(std::shared_ptr<const json> whole) : schema(std::move(whole)), document(*schema) {}
  std::shared_ptr<const json> schema;
  schema::Document document;
};

/// The alternatives of a schema, in each the schemas whose own keywords count.
class SchemaPlace::Expansion {
 public:
  explicit Expansion(const Root& root) : document_(root.document) {}

  /// Without those that no value fits.
  Alternatives possible(const Together& together) const {
    Alternatives result{{}};
    for (const json* const schema : together) result = both(result, expand(*schema, 0));
    std::erase_if(result, [](const Together& each) { return types_left(each) == 0; });
    return result;
  }

 private:
  Alternatives expand(const json& schema, size_t depth) const {
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

  const schema::Document& document_;
};

SchemaPlace::SchemaPlace(std::shared_ptr<const json> schema) : root_(std::make_shared<Root>(std::move(schema))) {
  try {
    alternatives_ = Expansion(*root_).possible({root_->schema.get()});
  } catch (const TooMany&) {
    alternatives_ = {{}};
  }
  for (const Together& each : alternatives_) types_ |= types_left(each);
}

SchemaPlace::SchemaPlace(std::shared_ptr<const Root> root, Alternatives alternatives)
    : root_(std::move(root)), alternatives_(std::move(alternatives)) {
  for (const Together& each : alternatives_) types_ |= types_left(each);
}

template <class PartsOf>
SchemaPlace::Part SchemaPlace::part(const PartsOf& parts_of) const {
  const Expansion expansion(*root_);
  Alternatives found;
  try {
    for (const Together& together : alternatives_) {
      for (const Child& child : parts_of(together, types_left(together))) {
        if (!child) continue;
        if (child->empty()) return {};
        found = either(std::move(found), expansion.possible(*child));
      }
    }
  } catch (const TooMany&) {
    return {};
  }
  if (found.empty()) return {false, std::nullopt, {}};
  return {true, SchemaPlace(root_, std::move(found)), {}};
}

SchemaPlace::Part SchemaPlace::member(const std::string& name) const {
  Part found = part([&](const Together& together, Types types) {
    return (types & schema::kObject) != 0 ? std::vector<Child>{member_in(together, name)} : std::vector<Child>();
  });
  if (!found.may_exist) found.nearest = nearest_member(name);
  return found;
}

SchemaPlace::Part SchemaPlace::item(int64_t index) const {
  return part([&](const Together& together, Types types) {
    return (types & schema::kArray) != 0 ? std::vector<Child>{item_in(together, index)} : std::vector<Child>();
  });
}

SchemaPlace::Part SchemaPlace::any_item() const {
  return part([&](const Together& together, Types types) {
    return (types & schema::kArray) != 0 ? items_in(together) : std::vector<Child>();
  });
}

SchemaPlace::Part SchemaPlace::item_or_member(const std::string& name) const {
  const std::optional<int64_t> index = index_of(name);
  Part found = part([&](const Together& together, Types types) {
    std::vector<Child> parts;
    const bool may_be_item = index && (types & schema::kArray) != 0;
    if (may_be_item) parts.push_back(item_in(together, *index));
    const bool is_only_item = may_be_item && types != kAnyType;
    if ((types & schema::kObject) != 0 && !is_only_item) parts.push_back(member_in(together, name));
    return parts;
  });
  if (!found.may_exist) found.nearest = nearest_member(name);
  return found;
}

std::optional<uint64_t> SchemaPlace::most_characters() const {
  uint64_t most = 0;
  for (const Together& together : alternatives_) {
    if ((types_left(together) & schema::kString) == 0) continue;
    std::optional<uint64_t> here;
    for (const json* const schema : together) {
      const std::optional<uint64_t> one = most_characters_by(*schema);
      if (one) here = std::min(here.value_or(*one), *one);
    }
    if (!here) return std::nullopt;
    most = std::max(most, *here);
  }
  return most;
}

std::string SchemaPlace::nearest_member(const std::string& name) const {
  std::vector<std::string> names;
  for (const Together& together : alternatives_) {
    for (const json* const schema : together) {
      const json* const properties = member_of(*schema, "properties");
      if (!properties || !properties->is_object()) continue;
      for (auto each = properties->begin(); each != properties->end(); ++each) names.push_back(each.key());
    }
  }
  return name.size() > 64 ? std::string() : nearest_name(name, names);
}

}  // namespace coppice
