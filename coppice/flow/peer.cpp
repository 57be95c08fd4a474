// SPDX-License-Identifier: Apache-2.0
// The other side of tests/cli/flow_peer_test.py, which compares templates with Jinja's and schemas with jsonschema's.
// Reads a question a line, JSON, and answers each with a line.
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/template/template.h"

namespace {

using coppice::Template;
using nlohmann::json;

/// {"template": text, "scope": object} -> {"text": ...}
json rendered(const json& question) {
  coppice::TemplateScope scope;
  for (const auto& [name, value] : question.at("scope").items()) {
    scope.emplace_back(question["scope"].find(name).key(), &value);
  }
  const auto parsed = Template::parse(question.at("template").get_ref<const std::string&>(), {"t"});
  json references = json::array();
  for (const auto& reference : parsed.references()) references.push_back(reference.path);
  return {{"text", parsed.render(scope)}, {"references", references}};
}

/// {"schema": schema, "values": [value...]} -> {"faults": [[{path, message}...]...]}
json judged(const json& question) {
  const coppice::JsonSchema schema(question.at("schema"));
  json all = json::array();
  for (const json& value : question.at("values")) {
    json faults = json::array();
    for (const auto& fault : schema.faults(value)) faults.push_back({{"path", fault.path}, {"message", fault.message}});
    all.push_back(std::move(faults));
  }
  return {{"faults", all}};
}

/// {"look_up": [path...], "in": schema} -> {"found": [{may_exist, nearest, types}...]}
json looked_up(const json& question) {
  json all = json::array();
  for (const json& path : question.at("look_up")) {
    const auto found = coppice::look_up(question.at("in"), path.get<std::vector<std::string>>());
    all.push_back({{"may_exist", found.may_exist}, {"nearest", found.nearest}, {"types", found.types}});
  }
  return {{"found", all}};
}

json answer(const json& question) {
  try {
    if (question.contains("look_up")) return looked_up(question);
    return question.contains("schema") ? judged(question) : rendered(question);
  } catch (const coppice::Error& error) {
    return {{"error", error.message()}, {"code", coppice::name(error.code())}};
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(coppice::parse_json(line)).dump() << std::endl;
  }
}
