// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "coppice/flow/json/schema_place.h"

namespace coppice {

/// What is known of a value before anything has run: which types it may have, and what is in it. What is not known may
/// be anything, so that nothing is called wrong that may be right.
///
/// Threads: const methods from any.
class StaticType {
 public:
  using Members = std::map<std::string, StaticType>;

  /// Anything.
  StaticType() = default;
  /// Of one of these types, as bits of `schema::Types`; what is in it is not known.
  static StaticType of(schema::Types types);
  static StaticType of_schema(const nlohmann::json& schema);
  static StaticType of_value(const nlohmann::json& value);
  static StaticType list_of(StaticType item);
  /// Has these members, and no others.
  static StaticType object_of(Members members);
  /// Has these members, and perhaps others. They may grow while this lives.
  static StaticType object_with(std::shared_ptr<const Members> members);
  static StaticType either(const StaticType& one, const StaticType& other);

  /// All bits where nothing is known.
  schema::Types types() const;
  bool may_be(schema::Types wanted) const { return (types() & wanted) != 0; }
  bool is_surely(schema::Types wanted) const { return (types() & ~wanted) == 0; }
  /// "a string or null".
  std::string text() const;

  /// What is known of a part of the value.
  struct Part;
  Part member(const std::string& name) const;
  /// Of a list, from its end where it is negative; of a text, a character.
  Part item(int64_t index) const;
  /// Of a list, whichever item.
  Part any_item() const;

 private:
  struct List {
    std::shared_ptr<const StaticType> item;
  };
  struct Object {
    std::shared_ptr<const Members> members;
    bool has_others;
  };
  using Alternative = std::variant<schema::Types, SchemaPlace, List, Object>;

  static schema::Types types_of(const Alternative& alternative);
  static Part from(const SchemaPlace::Part& part);
  static Part member_of(const Alternative& alternative, const std::string& name);
  static Part item_of(const Alternative& alternative, int64_t index);
  static Part any_item_of(const Alternative& alternative);
  template <class PartOf>
  Part part(const PartOf& part_of) const;

  std::vector<Alternative> alternatives_;  ///< none: anything
};

struct StaticType::Part {
  std::optional<StaticType> type;  ///< none: there is no such part
  std::string nearest;             ///< of a member the name that looks like it, or ""
};

/// What is sure to fail when a template is evaluated, and where it stands in the file.
struct TypeFault {
  size_t line = 1, column = 1;
  std::string what, hint;
};

/// What is known of the names in a template.
struct TypeScope {
  std::map<std::string, StaticType> names;  ///< of one that is not there nothing is known
  /// What is asked for its type before the template is evaluated: "steps.a.output"; what it is, only they know who
  /// asked. "" = something that has no name: then nothing is called wrong.
  std::vector<std::string> tested;
};

}  // namespace coppice
