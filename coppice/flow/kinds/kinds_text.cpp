// SPDX-License-Identifier: Apache-2.0
// Steps that make a value of others: template, json_to_text.
#include <memory>

#include "coppice/flow/json/json_to_text.h"
#include "coppice/flow/kinds/kinds.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

class TemplateKind : public FunctionKind {
 public:
  std::string name() const override { return "template"; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["value"], "additionalProperties": false,
      "properties": {"value": {"description": "Any value; its texts are templates."}}
    })json");
  }
  Json output_schema(const Json& with) const override { return schema_of(with.value("value", Json())); }
  StaticType output_type(const Json& /*with*/, const GivenTypes& given) const override { return given("/value"); }
  Json run(const StepInput& input) const override { return input.with["value"]; }

 private:
  /// What is plain keeps its type; a text may be a template, and come to anything.
  static Json schema_of(const Json& value) {
    if (value.is_string())
      return value.get_ref<const std::string&>().find('{') == std::string::npos ? Json{{"type", "string"}} : Json(true);
    if (!value.is_object()) return true;
    Json schema = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
    for (const auto& [key, item] : value.items()) schema["properties"][key] = schema_of(item);
    return schema;
  }
};

class JsonToTextKind : public FunctionKind {
 public:
  std::string name() const override { return "json_to_text"; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["value"], "additionalProperties": false,
      "properties": {"value": {"description": "What is put into words."}, "style": {"enum": ["sentences", "bullets"]}}
    })json");
  }
  Json output_schema(const Json& /*with*/) const override { return {{"type", "string"}}; }
  Json run(const StepInput& input) const override {
    const bool bullets = input.with.value("style", "sentences") == "bullets";
    JsonToTextOptions options;
    options.style = bullets ? JsonTextStyle::bullets : JsonTextStyle::sentences;
    return json_to_text(input.with["value"], options);
  }
};

}  // namespace

void add_text_kinds(StepKinds& kinds) {
  kinds.add(std::make_unique<TemplateKind>());
  kinds.add(std::make_unique<JsonToTextKind>());
}

}  // namespace coppice
