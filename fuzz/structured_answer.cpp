// SPDX-License-Identifier: Apache-2.0
//
// What a model wrote, held against a schema: never an invalid value. And the same text read as a schema of which a
// grammar is made, or not.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/llm_gbnf.h"
#include "coppice/flow/llm/llm_structured.h"
#include "fuzz/examples_target.h"

namespace {

using coppice::require;

void grammar_of(const std::string& text) {
  const nlohmann::json schema = coppice::parse_json(text);
  if (schema.is_discarded()) return;
  try {
    require(coppice::make_gbnf(schema).starts_with("root ::= "));
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::unsupported && error.where().starts_with("#"));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::JsonSchema schema(coppice::parse_json(
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"array","items":{"type":"string"}}},
          "required":["a"],"additionalProperties":false})"));
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const coppice::StructuredReading reading = coppice::read_structured(text, schema);
  require(reading.value.has_value() == reading.fault.empty());
  if (reading.value) require(schema.faults(*reading.value).empty() && reading.has_json);
  require(coppice::json_in(text).size() <= 64);
  grammar_of(text);
  return 0;
}
