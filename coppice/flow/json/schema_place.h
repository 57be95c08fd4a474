// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coppice/flow/json/json_schema_rules.h"

namespace coppice {

/// A place in the values that a JSON Schema allows, and what the schema says of what may stand there. References are
/// followed, alternatives are taken together, up to a bound; beyond it the schema counts as one that leaves all open.
///
/// Threads: const methods from any.
class SchemaPlace {
 public:
  /// The whole value.
  explicit SchemaPlace(std::shared_ptr<const nlohmann::json> schema);

  /// The types that a value may have here, as bits; an integer is a number, too. None where no value fits.
  schema::Types types() const noexcept { return types_; }

  /// The most characters that a text has here; none where the schema does not say.
  std::optional<uint64_t> most_characters() const;

  /// What leads from a value to a part of it.
  struct Part;
  /// Of an object.
  Part member(const std::string& name) const;
  /// Of a list, from its end where it is negative.
  Part item(int64_t index) const;
  /// Of a list, whichever item.
  Part any_item() const;
  /// The item of a list or else the member of an object, where a number may be either.
  Part item_or_member(const std::string& part) const;

 private:
  using Together = std::vector<const nlohmann::json*>;
  using Alternatives = std::vector<Together>;
  class Expansion;
  struct Root;

  SchemaPlace(std::shared_ptr<const Root> root, Alternatives alternatives);
  /// The parts that `parts_of` finds in each alternative.
  template <class PartsOf>
  Part part(const PartsOf& parts_of) const;
  std::string nearest_member(const std::string& name) const;

  std::shared_ptr<const Root> root_;
  Alternatives alternatives_;  ///< the value fits one of them: all schemas of it
  schema::Types types_ = 0;
};

struct SchemaPlace::Part {
  bool may_exist = true;
  std::optional<SchemaPlace> place;  ///< none: the schema leaves open what stands there
  std::string nearest;               ///< of a member that cannot be there the name that looks like it, or ""
};

/// All types at once.
inline constexpr schema::Types kAnyType = schema::kNull | schema::kBoolean | schema::kInteger | schema::kNumber |
                                          schema::kString | schema::kArray | schema::kObject;

}  // namespace coppice
