// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_types.h"

#include <fmt/core.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace coppice {
namespace {

using nlohmann::json;
using schema::Types;

constexpr Types kNumbers = schema::kNumber | schema::kInteger;

/// The types that a schema takes at a pointer.
Types types_at(const json& schema, json::json_pointer pointer) {
  std::vector<std::string> names;
  for (; !pointer.empty(); pointer.pop_back()) names.push_back(pointer.back());
  SchemaPlace place(std::make_shared<const json>(schema));
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    SchemaPlace::Part part = place.item_or_member(*name);
    if (!part.place) return kAnyType;
    place = std::move(*part.place);
  }
  return place.types();
}

std::string types_text(Types types) {
  return StaticType::of(types).text();
}

/// How to make what is wanted of what is there.
std::string conversion(const StaticType& given, Types wanted) {
  if (given.is_surely(schema::kString)) {
    if ((wanted & schema::kArray) != 0) return "'| split' cuts a text into its words";
    if ((wanted & kNumbers) != 0) return "'| int' reads a number";
  }
  if ((wanted & schema::kString) == 0) return "";
  if (given.is_surely(schema::kArray)) return "'| join(\", \")' makes a text of a list";
  return given.is_surely(schema::kObject) ? "name a field of it; '| tojson' makes a text of it all" : "";
}

/// Does one step after the other, then the outputs.
class TypeCheck {
 public:
  TypeCheck(const Workflow& workflow, const YamlDocument& document) : workflow_(workflow), document_(document) {
    auto files = std::make_shared<StaticType::Members>();
    for (const auto& [name, text] : workflow.files.items()) files->emplace(name, StaticType::of(schema::kString));
    common_.names["inputs"] = StaticType::of_schema(workflow.input_schema);
    common_.names["files"] = StaticType::object_with(std::move(files));
    common_.names["steps"] = StaticType::object_with(steps_);
  }

  std::vector<Error> run() {
    for (const StepSpec& step : workflow_.steps) check_step(step);
    for (size_t i = 0; i < workflow_.outputs.size(); ++i) check_output(workflow_.outputs[i], i);
    for (const auto* value : {&workflow_.checks, &workflow_.result}) {
      if (*value) (void)leaf_types(**value, common_);
    }
    return std::move(faults_);
  }

 private:
  void check_step(const StepSpec& step) {
    TypeScope scope = common_;
    if (step.condition) scope.tested = typed(*step.condition, scope).tested;
    if (step.foreach) enter_foreach(*step.foreach, pointer_to("/steps", step.name) + "/foreach", scope);
    const std::map<std::string, StaticType> leaves = leaf_types(step.with, scope);
    check_given(step, leaves);
    StaticType output = output_type(step, leaves);
    if (step.foreach) output = StaticType::list_of(std::move(output));
    auto members = std::make_shared<StaticType::Members>();
    members->emplace("output", std::move(output));
    members->emplace("state", StaticType::of(schema::kString));
    steps_->insert_or_assign(step.name, StaticType::object_with(std::move(members)));
  }

  void check_output(const OutputSpec& output, size_t number) {
    TypeScope scope = common_;
    if (output.foreach) enter_foreach(*output.foreach, fmt::format("/outputs/files/{}/foreach", number), scope);
    (void)typed(output.path, scope);
    (void)typed(output.content, scope);
  }

  Template::Typed typed(const Template& text, const TypeScope& scope) {
    Template::Typed typed = text.type(scope);
    for (const TypeFault& found : typed.faults) {
      fault({document_.file, found.line, found.column}, found.what, found.hint);
    }
    return typed;
  }

  void enter_foreach(const Template& foreach, const std::string& pointer, TypeScope& scope) {
    const StaticType list = typed(foreach, scope).type;
    if (!list.may_be(schema::kArray)) {
      const std::string hint = list.is_surely(schema::kObject) ? "'| items' makes pairs of its names and values"
                                                               : conversion(list, schema::kArray);
      fault(document_.place_of(pointer), fmt::format("foreach got {}, expected a list", list.text()), hint);
    }
    scope.names["item"] = list.any_item().type.value_or(StaticType());
    scope.names["index"] = StaticType::of(schema::kInteger);
  }

  /// By pointer, of the texts that are templates.
  std::map<std::string, StaticType> leaf_types(const TemplatedValue& value, const TypeScope& scope) {
    std::map<std::string, StaticType> types;
    for (const TemplatedValue::Leaf& leaf : value.leaves()) {
      StaticType type = typed(leaf.text, scope).type;
      const Types scalars = type.types() & (kNumbers | schema::kBoolean);
      if (leaf.is_text && type.types() != kAnyType && scalars != 0) {
        type = StaticType::of((type.types() & ~scalars) | schema::kString);
      }
      types.emplace(leaf.pointer_text, std::move(type));
    }
    return types;
  }

  /// Can each be of a type that the kind takes there?
  void check_given(const StepSpec& step, const std::map<std::string, StaticType>& leaves) {
    if (leaves.empty()) return;
    const json taken = step.kind->with_schema();
    for (const auto& [pointer, given] : leaves) {
      const Types wanted = types_at(taken, json::json_pointer(pointer));
      if (wanted == 0 || given.may_be(wanted)) continue;
      fault(document_.place_of(pointer_to("/steps", step.name) + "/with" + pointer),
            fmt::format("this is {}, expected {}", given.text(), types_text(wanted)), conversion(given, wanted));
    }
  }

  static StaticType output_type(const StepSpec& step, const std::map<std::string, StaticType>& leaves) {
    const json& with = step.with.written();
    const auto given = [&](const std::string& pointer) { return type_at(with, pointer, leaves); };
    try {
      return step.kind->output_type(with, given);
    } catch (const json::exception&) {
      return {};  // a template stands in the place of what decides
    }
  }

  static StaticType type_at(const json& with, const std::string& pointer,
                            const std::map<std::string, StaticType>& leaves) {
    const json::json_pointer at(pointer);
    return with.contains(at) ? type_of(with.at(at), pointer, leaves) : StaticType();
  }

  static StaticType type_of(const json& value, const std::string& pointer,
                            const std::map<std::string, StaticType>& leaves) {
    if (const auto leaf = leaves.find(pointer); leaf != leaves.end()) return leaf->second;
    if (value.is_object()) {
      StaticType::Members members;
      for (const auto& [key, item] : value.items())
        members.emplace(key, type_of(item, pointer_to(pointer, key), leaves));
      return StaticType::object_of(std::move(members));
    }
    if (!value.is_array() || value.empty()) return StaticType::of_value(value);
    std::optional<StaticType> item;
    for (size_t i = 0; i < value.size(); ++i) {
      const StaticType one = type_of(value[i], pointer_to(pointer, std::to_string(i)), leaves);
      item = item ? StaticType::either(*item, one) : one;
    }
    return StaticType::list_of(std::move(*item));
  }

  void fault(const TextPlace& place, const std::string& what, const std::string& hint) {
    faults_.emplace_back(ErrorCode::data, what, place_text(place), hint);
  }

  const Workflow& workflow_;
  const YamlDocument& document_;
  std::shared_ptr<StaticType::Members> steps_ = std::make_shared<StaticType::Members>();
  TypeScope common_;
  std::vector<Error> faults_;
};

}  // namespace

std::vector<Error> check_types(const Workflow& workflow, const YamlDocument& document) {
  return TypeCheck(workflow, document).run();
}

}  // namespace coppice
