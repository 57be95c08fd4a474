// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_inputs.h"

#include <fmt/core.h>

#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "coppice/app/messages.h"
#include "coppice/core/error.h"
#include "coppice/core/json_error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/core/read_file.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/report/comparison_runs.h"
#include "coppice/flow/workflow/yaml.h"

namespace coppice::app {
namespace {

using nlohmann::json;

std::string read_all(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  return read_file(path);
}

json parsed(const std::string& text, const std::string& path, size_t line = 0) {
  json value = parse_json(text);
  if (value.is_discarded()) throw json_error(text, "", path, line);
  return value;
}

void expect_valid(const json& input, const JsonSchema& schema, const std::string& place) {
  const auto faults = schema.faults(input, 1);
  if (!faults.empty()) throw Error(ErrorCode::data, faults.front().message, place + ": inputs" + faults.front().path);
}

}  // namespace

json read_flow_input(const std::string& path) {
  if (path.empty()) return json::object();
  return parsed(read_all(path), path);
}

std::vector<json> read_flow_inputs(const std::string& path, std::span<const Workflow> workflows) {
  std::vector<JsonSchema> schemas;
  for (const Workflow& workflow : workflows) schemas.emplace_back(workflow.input_schema);
  std::istringstream file(read_file(path));
  std::vector<json> rows;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    rows.push_back(parsed(line, path, number));
    for (const JsonSchema& schema : schemas) expect_valid(rows.back(), schema, fmt::format("{}:{}", path, number));
  }
  if (rows.empty()) throw Error(ErrorCode::data, "no input, expected a JSON object on each line", path);
  return rows;
}

void tell_equal_inputs(const std::vector<json>& inputs, const CommonOptions& common) {
  const std::vector<size_t> firsts = first_equals(inputs);
  const size_t distinct = std::set<size_t>(firsts.begin(), firsts.end()).size();
  if (distinct == inputs.size()) return;
  note(fmt::format("of {} {} differ: equal ones count as repeats of one", counted(inputs.size(), "input"), distinct),
       common);
}

json read_stand_in_settings(const std::string& path) {
  if (path.empty()) return json::object();
  json settings(read_yaml(read_all(path), path).value);
  if (settings.is_null()) throw Error(ErrorCode::data, "nothing stands here, expected settings", path);
  return settings;
}

}  // namespace coppice::app
