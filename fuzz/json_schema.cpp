// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "fuzz/examples_target.h"

namespace {

using nlohmann::json;

/// What is in a valid value can be looked up in its schema.
void expect_paths(const json& schema, const json& value, std::vector<std::string>& path) {
  coppice::require(coppice::look_up(schema, path).may_exist);
  if (!value.is_structured() || path.size() > 8) return;
  size_t index = 0;
  for (auto part = value.begin(); part != value.end(); ++part) {
    path.push_back(value.is_object() ? part.key() : std::to_string(index++));
    expect_paths(schema, *part, path);
    path.pop_back();
  }
}

}  // namespace

/// Two lines, a schema and a value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const size_t line = input.find('\n');
  const json schema = coppice::parse_json(input.substr(0, line));
  const json value = coppice::parse_json(line == std::string_view::npos ? "null" : input.substr(line + 1));
  if (schema.is_discarded() || value.is_discarded()) return 0;
  try {
    const coppice::JsonSchema compiled(schema);
    std::vector<std::string> path;
    if (compiled.faults(value, 3).empty()) expect_paths(schema, value, path);
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::usage || error.code() == coppice::ErrorCode::data ||
                     error.code() == coppice::ErrorCode::unsupported);
    coppice::require(!error.where().empty());
  }
  return 0;
}
