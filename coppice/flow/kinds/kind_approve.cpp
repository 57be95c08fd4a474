// SPDX-License-Identifier: Apache-2.0
// A step that waits until a person has said yes.
#include <memory>

#include "coppice/flow/kinds/calling_kind.h"
#include "coppice/flow/kinds/kinds.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

class ApproveKind : public CallingKind {
 public:
  std::string name() const override { return "approve"; }
  /// What a person said to one run is said to no other.
  Effect effect(const nlohmann::json& /*with*/) const override { return Effect::at_most_once; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["question"], "additionalProperties": false,
      "properties": {"question": {"type": "string", "minLength": 1}, "show": {"description": "What the person is shown."}}
    })json");
  }
  Json output_schema(const Json& /*with*/) const override {
    return Json::parse(R"json({
      "type": "object", "required": ["approved", "by", "said"], "additionalProperties": false,
      "properties": {"approved": {"const": true}, "by": {"type": "string"}, "said": {"type": "string"}}
    })json");
  }
  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const auto said = calls.approval();
    if (!said) throw WaitsForPerson{input.with["question"]};
    if (!said->value("approved", false)) {
      throw Error(ErrorCode::cancelled,
                  "not approved by " + said->value("by", "somebody") + ": " + said->value("said", ""));
    }
    co_return *said;
  }
};

}  // namespace

void add_approve_kind(StepKinds& kinds) {
  kinds.add(std::make_unique<ApproveKind>());
}

}  // namespace coppice
