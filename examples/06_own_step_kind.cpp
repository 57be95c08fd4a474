// SPDX-License-Identifier: Apache-2.0
// A kind of step and a check of your own: `shorten` cuts a text after some words, `no_shouting` counts words in
// capitals. The workflow that is given (06_own_step_kind.yaml) uses both.
#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>

#include "coppice/flow.h"

namespace {

using namespace coppice;
using Json = nlohmann::json;

class Shorten : public FunctionKind {
 public:
  std::string name() const override { return "shorten"; }
  Json with_schema() const override {
    return Json::parse(R"({
      "type": "object", "required": ["text", "words"], "additionalProperties": false,
      "properties": {"text": {"type": "string"}, "words": {"type": "integer", "minimum": 1}}})");
  }
  Json output_schema(const Json& /*with*/) const override { return {{"type", "string"}}; }

  Json run(const StepInput& input) const override {
    std::istringstream words(input.with["text"].get<std::string>());
    std::string shortened, word;
    for (int left = input.with["words"]; left > 0 && words >> word; --left) {
      shortened += (shortened.empty() ? "" : " ") + word;
    }
    return shortened + (words >> word ? " ..." : "");
  }
};

bool is_shouted(const std::string& word) {
  return word.size() > 1 && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

class NoShouting : public Check {
 public:
  explicit NoShouting(size_t most) : most_(most) {}

  CheckResult run(const CheckedFiles& files) const override {
    CheckResult result;
    result.check = "no_shouting";
    for (const auto& [name, content] : files.all()) {
      std::istringstream words(content);
      for (std::string word; words >> word;) {
        if (is_shouted(word)) result.findings.push_back({Finding::Kind::fault, name, "shouts: " + word});
      }
    }
    result.passed = result.findings.size() <= most_;
    result.score = result.passed ? 1 : 0;
    return result;
  }

 private:
  size_t most_;
};

StepKinds our_kinds() {
  StepKinds kinds;
  add_kinds(kinds, {});  // Coppice's own; without engines for `retrieve` and `classify`
  kinds.add(std::make_unique<Shorten>());
  kinds.checks().add(
      {"no_shouting", "Words in capitals.", {{"most", "integer", "0", "so many are allowed"}}, [](const Json& with) {
         return std::make_unique<NoShouting>(with.value("most", size_t{0}));
       }});
  return kinds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const StepKinds kinds = our_kinds();
  const Workflow workflow = read_workflow(argv[1], "", kinds);
  RunObserver nobody;
  Runner runner({}, nobody);  // its journal is in memory
  const RunOutcome outcome = runner.run({&workflow, {{"text", "SALE red shoes and a HUGE blue hat"}}, {}});
  if (outcome.error) std::cerr << outcome.error->message() << '\n';
  std::cout << outcome.result << '\n';
  const bool is_accepted = outcome.checks && outcome.checks->passed;  // what outputs.checks of the workflow say
  return is_accepted && outcome.result == Json{{"teaser", "SALE red shoes and a ..."}, {"passed", true}} ? 0 : 1;
}
