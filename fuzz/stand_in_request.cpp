// SPDX-License-Identifier: Apache-2.0
//
// Any body of a request to the stand-in, as a chat completion, as embeddings and as an image: the answer is JSON of the
// right form, what follows a schema follows it, and the same request gets the same answer.
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/llm_answer.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/stand_in_play.h"

namespace {

using coppice::require;
using nlohmann::json;

const coppice::StandInOptions& options() {
  static const coppice::StandInOptions made = coppice::read_stand_in_options(json::parse(R"json({
    "models": {"*": {"price": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}, "cached_share": 0.5,
                     "speed": {"first_token_seconds": {"median": 0.2, "p95": 0.5}, "output_token_seconds": 0.01},
                     "context_tokens": 100000, "answer_tokens": 30},
               "old": {"ignores": ["json_schema", "json_object", "stream_usage", "max_completion_tokens"],
                       "quality": 0.5, "answer_tokens": 30}},
    "answers": [{"when": {"contains": "colour"}, "find": {"name": ["Name: ", ".", "nobody"]},
                 "template": "{{ name }} likes {{ words | join(', ') }}{{ draw }}{{ schema }}{{ messages | length }}",
                 "flawed": [{"name": "wrong", "one_of": ["a", "b"]}]},
                {"when": {"schema_has_property": "score"}, "json": {"score": 3}}]})json"));
  return made;
}

std::string answered(const char* path, const std::string& body) {
  coppice::StandIn stand_in(options());
  const coppice::HttpRequest request = coppice::model_request(path, body);
  const std::string first = coppice::played(stand_in, request, 0);
  coppice::played(stand_in, request, 1);
  return first;
}

/// An answer that came whole is JSON: of the form that our own client reads, or an error with a message.
void expect_form(const std::string& sent) {
  const json body = coppice::parse_json(sent.substr(sent.find(' ') + 1));
  require(body.is_object());
  if (sent.starts_with("200 ")) {
    require(coppice::read_chat(body).usage.has_value());
  } else {
    require(!coppice::text_field(body["error"], "message").empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string body(coppice::text_of(bytes, size));
  const std::string chat = answered("chat/completions", body);
  require(chat == answered("chat/completions", body));
  const json asked = coppice::parse_json(body);
  const bool is_stream = asked.is_object() && coppice::field(asked, "stream") == json(true);
  if (!is_stream || !chat.starts_with("200 ")) expect_form(chat);
  for (const char* path : {"embeddings", "images/generations"}) {
    const std::string sent = answered(path, body);
    require(coppice::parse_json(sent.substr(sent.find(' ') + 1)).is_object());
  }
  return 0;
}
