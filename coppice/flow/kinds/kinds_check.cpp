// SPDX-License-Identifier: Apache-2.0
// Steps that check what others made: check; and repair, which has a model mend what a check finds.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/checks/checks.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/kinds/llm_question.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr const char* kChecks = R"json({
  "type": "array", "minItems": 1,
  "items": {"oneOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]},
  "description": "Names of checks, or {name: options}: docs/workflows.md lists them."
})json";

constexpr const char* kReport = R"json({
  "type": "object", "required": ["passed", "score", "checks"],
  "properties": {
    "passed": {"type": "boolean"},
    "score": {"type": "number"},
    "checks": {"type": "array", "items": {"type": "object"}}
  },
  "additionalProperties": false
})json";

std::map<std::string, std::string> files_of(const Json& files) {
  std::map<std::string, std::string> made;
  for (const auto& [name, content] : files.items()) {
    made[name] = content.is_string() ? content.get<std::string>() : compact_text(content);
  }
  return made;
}

CheckReport check_files(const CheckRegistry& kinds, const Json& checks, const Json& files) {
  return run_checks(kinds.make_all(checks), CheckedFiles(files_of(files)));
}

std::vector<Error> check_faults(const CheckRegistry& kinds, const Json& with) {
  std::vector<Error> all;
  for (const Error& one : kinds.faults(with["checks"])) {
    all.emplace_back(one.code(), one.what(), "/checks" + one.where(), one.hint());
  }
  return all;
}

class CheckStep : public FunctionKind {
 public:
  explicit CheckStep(const CheckRegistry& checks) : checks_(checks) {}
  std::string name() const override { return "check"; }
  Json with_schema() const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["files", "checks"], "additionalProperties": false,
      "properties": {
        "files": {"type": "object", "minProperties": 1, "description": "What is checked: names, and what each file holds."},
        "must_pass": {"type": "boolean", "description": "The step fails where a check does not pass."}
      }
    })json");
    schema["properties"]["checks"] = Json::parse(kChecks);
    return schema;
  }
  Json output_schema(const Json& /*with*/) const override { return Json::parse(kReport); }
  std::vector<Error> faults(const Json& with) const override { return check_faults(checks_, with); }

  Json run(const StepInput& input) const override {
    const CheckReport report = check_files(checks_, input.with["checks"], input.with["files"]);
    if (!report.passed && input.with.value("must_pass", false)) {
      throw Error(ErrorCode::data, "checks did not pass: " + faults_text(report, 3));
    }
    return report_json(report);
  }

 private:
  const CheckRegistry& checks_;
};

/// What templates see while a value is being mended.
struct RepairState {
  Json value, findings, round = 0;

  TemplateScope scope(const TemplateScope& outside) const {
    TemplateScope names = outside;
    names.emplace_back("value", &value);
    names.emplace_back("findings", &findings);
    names.emplace_back("round", &round);
    return names;
  }
};

class RepairStep : public CallingKind {
 public:
  explicit RepairStep(const CheckRegistry& checks) : checks_(checks) {}
  std::string name() const override { return "repair"; }
  Json with_schema() const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["value", "files", "checks", "fix"], "additionalProperties": false,
      "properties": {
        "value": {"description": "What is to be right in the end."},
        "files": {"type": "object", "minProperties": 1,
                  "description": "What is checked: names, and what each file holds, as templates of `value`."},
        "rounds": {"type": "integer", "minimum": 0, "maximum": 20, "description": "How often it is mended at most; 2 unless given."},
        "must_pass": {"type": "boolean", "description": "The step fails where a check still does not pass in the end."}
      }
    })json");
    schema["properties"]["checks"] = Json::parse(kChecks);
    schema["properties"]["fix"] = question_schema();
    schema["properties"]["fix"]["description"] =
        "Asks for the value anew; its templates see `value`, `findings` (a text), and `round` (from 1).";
    return schema;
  }
  Json output_schema(const Json& with) const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["value", "passed", "rounds", "report"], "additionalProperties": false,
      "properties": {"passed": {"type": "boolean"}, "rounds": {"type": "integer"}}
    })json");
    schema["properties"]["report"] = Json::parse(kReport);
    schema["properties"]["value"] = with.contains("fix") ? answer_schema(with["fix"]) : Json(true);
    return schema;
  }
  /// What passes at once comes out as it was given; after that it is what the model answers.
  StaticType output_type(const Json& with, const GivenTypes& given) const override {
    const StaticType answer = StaticType::of_schema(answer_schema(with.at("fix")));
    return StaticType::object_of({{"value", StaticType::either(given("/value"), answer)},
                                  {"passed", StaticType::of(schema::kBoolean)},
                                  {"rounds", StaticType::of(schema::kInteger)},
                                  {"report", StaticType::of_schema(Json::parse(kReport))}});
  }
  std::vector<std::string> model_places() const override { return {"/fix/model"}; }
  LateTemplates late() const override { return {{"/files", "/fix"}, {"value", "findings", "round"}}; }
  std::vector<Error> faults(const Json& with) const override {
    std::vector<Error> all = check_faults(checks_, with);
    for (Error& fault : question_faults(with, "/fix")) all.push_back(std::move(fault));
    return all;
  }

  /// The best of all rounds is what comes out: mending may make it worse.
  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const uint32_t rounds = input.with.value("rounds", 2u);
    RepairState state{input.with["value"], "", 0};
    Json best;
    double best_score = -1;
    for (uint32_t round = 0;; ++round) {
      const CheckReport report = check_value(input, state);
      calls.note({{"round", round}, {"passed", report.passed}, {"score", report.score}});
      if (report.passed || report.score > best_score) {
        best = {{"value", state.value}, {"passed", report.passed}, {"report", report_json(report)}};
        best_score = report.score;
      }
      best["rounds"] = round;
      if (report.passed || round == rounds) break;
      state.findings = faults_text(report);
      state.round = round + 1;
      const Json fix = input.written->evaluate_late("/fix", state.scope(*input.scope));
      state.value = co_await ask(fix, calls.step().persona, calls);
    }
    if (!best["passed"].get<bool>() && input.with.value("must_pass", false)) {
      throw Error(ErrorCode::data,
                  "checks do not pass after all rounds of repair: " + state.findings.get<std::string>());
    }
    co_return best;
  }

 private:
  CheckReport check_value(const StepInput& input, const RepairState& state) const {
    return check_files(checks_, input.with["checks"],
                       input.written->evaluate_late("/files", state.scope(*input.scope)));
  }

  const CheckRegistry& checks_;
};

}  // namespace

void add_check_kinds(StepKinds& kinds) {
  kinds.add(std::make_unique<CheckStep>(kinds.checks()));
  kinds.add(std::make_unique<RepairStep>(kinds.checks()));
}

}  // namespace coppice
