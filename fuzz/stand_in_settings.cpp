// SPDX-License-Identifier: Apache-2.0
//
// Any text as the settings of a stand-in: they are refused, or a stand-in with them answers requests of each kind, and
// says the same when it is begun anew.
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/yaml.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/stand_in_play.h"

namespace {

using coppice::require;
using nlohmann::json;

json chat(const std::string& model) {
  return {{"model", model},
          {"messages", {{{"role", "user"}, {"content", "## Visitor\nName: Ada.\nRoses along a stone wall, colour?"}}}}};
}

std::string all_answers(const json& settings) {
  coppice::StandIn stand_in(coppice::read_stand_in_options(settings));
  const std::string model = stand_in.options().models.begin()->first;
  const std::string asked = model == "*" ? "any" : model;
  json with_schema = chat(asked), streamed = chat(asked);
  with_schema["response_format"] = json::parse(R"({"type": "json_schema", "json_schema": {"name": "a", "schema":
    {"type": "object", "required": ["colour"], "properties": {"colour": {"type": "string"}}}}})");
  streamed["stream"] = true;
  streamed["stream_options"] = {{"include_usage", true}};
  std::string all;
  for (const json& body : {chat(asked), with_schema, streamed, chat(asked)}) {
    all += coppice::played(stand_in, coppice::model_request("chat/completions", coppice::written(body)), 1);
  }
  const json texts = {{"model", asked}, {"input", {"roses", "a wall"}}};
  all += coppice::played(stand_in, coppice::model_request("embeddings", coppice::written(texts)), 2);
  const json image = {{"model", asked}, {"prompt", "roses"}, {"size", "32x20"}};
  all += coppice::played(stand_in, coppice::model_request("images/generations", coppice::written(image)), 3);
  for (const char* path : {"/prices", "/v1/models", "/metrics", "/health"}) {
    all += coppice::played(stand_in, coppice::HttpRequest("GET", path), 4);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    const json settings(coppice::read_yaml(coppice::text_of(bytes, size), "input").value);
    require(all_answers(settings) == all_answers(settings));
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::usage || error.code() == coppice::ErrorCode::data);
  }
  return 0;
}
