// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/static_type.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/options.h"

namespace coppice {
namespace {

using nlohmann::json;
using schema::Types;

/// More are not told apart: then it may be anything.
constexpr size_t kMostAlternatives = 64;

}  // namespace

StaticType StaticType::of(Types types) {
  StaticType made;
  if (types != 0 && types != kAnyType) made.alternatives_.emplace_back(types);
  return made;
}

/// A schema that no value fits is the fault of somebody else.
StaticType StaticType::of_schema(const json& schema) {
  SchemaPlace place(std::make_shared<const json>(schema));
  StaticType made;
  if (place.types() != 0) made.alternatives_.emplace_back(std::move(place));
  return made;
}

StaticType StaticType::of_value(const json& value) {
  if (value.is_object()) {
    Members members;
    for (const auto& [name, member] : value.items()) members.emplace(name, of_value(member));
    return object_of(std::move(members));
  }
  if (value.is_number_integer()) return of(schema::kInteger);
  if (!value.is_array()) return of(schema::types_of(value));
  if (value.empty()) return of(schema::kArray);
  StaticType item = of_value(value.front());
  for (size_t i = 1; i < value.size(); ++i) item = either(item, of_value(value[i]));
  return list_of(std::move(item));
}

StaticType StaticType::list_of(StaticType item) {
  StaticType made;
  made.alternatives_.emplace_back(List{std::make_shared<const StaticType>(std::move(item))});
  return made;
}

StaticType StaticType::object_of(Members members) {
  StaticType made;
  made.alternatives_.emplace_back(Object{std::make_shared<const Members>(std::move(members)), false});
  return made;
}

StaticType StaticType::object_with(std::shared_ptr<const Members> members) {
  StaticType made;
  made.alternatives_.emplace_back(Object{std::move(members), true});
  return made;
}

StaticType StaticType::either(const StaticType& one, const StaticType& other) {
  const size_t n = one.alternatives_.size() + other.alternatives_.size();
  if (one.alternatives_.empty() || other.alternatives_.empty() || n > kMostAlternatives) {
    return of(one.types() | other.types());
  }
  StaticType made = one;
  for (const Alternative& alternative : other.alternatives_) {
    const Types* const plain = std::get_if<Types>(&alternative);
    const auto same = std::find_if(made.alternatives_.begin(), made.alternatives_.end(), [&](const Alternative& each) {
      return plain && std::get_if<Types>(&each) && *plain == std::get<Types>(each);
    });
    if (same == made.alternatives_.end()) made.alternatives_.push_back(alternative);
  }
  return made;
}

Types StaticType::types_of(const Alternative& alternative) {
  if (const Types* const types = std::get_if<Types>(&alternative)) return *types;
  if (const SchemaPlace* const place = std::get_if<SchemaPlace>(&alternative)) return place->types();
  return std::holds_alternative<List>(alternative) ? schema::kArray : schema::kObject;
}

Types StaticType::types() const {
  if (alternatives_.empty()) return kAnyType;
  Types types = 0;
  for (const Alternative& alternative : alternatives_) types |= types_of(alternative);
  return types;
}

std::string StaticType::text() const {
  const Types own = types();
  return own == kAnyType ? "anything"
                         : schema::types_text((own & schema::kNumber) != 0 ? own & ~schema::kInteger : own);
}

StaticType::Part StaticType::from(const SchemaPlace::Part& part) {
  if (!part.may_exist) return {std::nullopt, part.nearest};
  StaticType type;
  if (part.place && part.place->types() != 0) type.alternatives_.emplace_back(*part.place);
  return {std::move(type), {}};
}

StaticType::Part StaticType::member_of(const Alternative& alternative, const std::string& name) {
  if (const SchemaPlace* const place = std::get_if<SchemaPlace>(&alternative)) return from(place->member(name));
  if (const Object* const object = std::get_if<Object>(&alternative)) {
    const auto found = object->members->find(name);
    if (found != object->members->end()) return {found->second, {}};
    if (object->has_others) return {StaticType(), {}};
    std::vector<std::string> names;
    for (const auto& [key, member] : *object->members) names.push_back(key);
    return {std::nullopt, name.size() > 64 ? std::string() : nearest_name(name, names)};
  }
  return (types_of(alternative) & schema::kObject) != 0 && !std::holds_alternative<List>(alternative)
             ? Part{StaticType(), {}}
             : Part{};
}

StaticType::Part StaticType::item_of(const Alternative& alternative, int64_t index) {
  if (const SchemaPlace* const place = std::get_if<SchemaPlace>(&alternative)) {
    Part found = from(place->item(index));
    if ((place->types() & schema::kString) == 0) return found;
    return {found.type ? either(*found.type, of(schema::kString)) : of(schema::kString), {}};
  }
  const Types types = types_of(alternative);
  if ((types & schema::kString) == 0) return any_item_of(alternative);
  return {(types & schema::kArray) != 0 ? StaticType() : of(schema::kString), {}};
}

StaticType::Part StaticType::any_item_of(const Alternative& alternative) {
  if (const SchemaPlace* const place = std::get_if<SchemaPlace>(&alternative)) return from(place->any_item());
  if (const List* const list = std::get_if<List>(&alternative)) return {*list->item, {}};
  return (types_of(alternative) & schema::kArray) != 0 ? Part{StaticType(), {}} : Part{};
}

template <class PartOf>
StaticType::Part StaticType::part(const PartOf& part_of) const {
  if (alternatives_.empty()) return {StaticType(), {}};
  Part all;
  for (const Alternative& alternative : alternatives_) {
    Part one = part_of(alternative);
    if (all.nearest.empty()) all.nearest = one.nearest;
    if (one.type) all.type = all.type ? either(*all.type, *one.type) : std::move(*one.type);
  }
  return all;
}

StaticType::Part StaticType::member(const std::string& name) const {
  return part([&](const Alternative& alternative) { return member_of(alternative, name); });
}

StaticType::Part StaticType::item(int64_t index) const {
  return part([&](const Alternative& alternative) { return item_of(alternative, index); });
}

StaticType::Part StaticType::any_item() const {
  return part([&](const Alternative& alternative) { return any_item_of(alternative); });
}

}  // namespace coppice
