// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_inputs.h"

#include <fmt/core.h>

#include <iostream>
#include <iterator>
#include <sstream>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/read_file.h"
#include "coppice/flow/workflow/yaml.h"

namespace coppice::app {
namespace {

using nlohmann::json;

std::string read_all(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  return read_file(path);
}

}  // namespace

json read_flow_input(const std::string& path) {
  if (path.empty()) return json::object();
  json inputs = parse_json(read_all(path));
  if (inputs.is_discarded()) throw Error(ErrorCode::data, "no JSON", path);
  return inputs;
}

std::vector<json> read_flow_inputs(const std::string& path) {
  std::istringstream file(read_file(path));
  std::vector<json> rows;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    rows.push_back(parse_json(line));
    if (rows.back().is_discarded()) throw Error(ErrorCode::data, "no JSON", fmt::format("{}:{}", path, number));
  }
  if (rows.empty()) throw Error(ErrorCode::data, "no input, expected a JSON object on each line", path);
  return rows;
}

json read_stand_in_settings(const std::string& path) {
  if (path.empty()) return json::object();
  json settings(read_yaml(read_all(path), path).value);
  if (settings.is_null()) throw Error(ErrorCode::data, "nothing stands here, expected settings", path);
  return settings;
}

}  // namespace coppice::app
