// SPDX-License-Identifier: Apache-2.0
// Steps that ask a model: llm, image, embed.
#include <memory>
#include <utility>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/kinds/llm_question.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

class LlmKind : public CallingKind {
 public:
  std::string name() const override { return "llm"; }
  Json with_schema() const override { return question_schema(); }
  Json output_schema(const Json& with) const override { return answer_schema(with); }
  std::vector<std::string> model_places() const override { return {"/model"}; }
  std::vector<Error> faults(const Json& with) const override { return question_faults(with, ""); }
  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    return ask(input.with, calls.step().persona, calls);
  }
};

class ImageKind : public CallingKind {
 public:
  std::string name() const override { return "image"; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["model", "prompt"], "additionalProperties": false,
      "properties": {
        "model": {"type": "string"},
        "prompt": {"type": "string"},
        "size": {"type": "string", "pattern": "^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$", "description": "1024x1024 unless given."}
      }
    })json");
  }
  Json output_schema(const Json& /*with*/) const override {
    return Json::parse(R"json({
      "type": "object", "required": ["media_type", "base64", "bytes"],
      "properties": {"media_type": {"type": "string"}, "base64": {"type": "string"}, "bytes": {"type": "integer"}},
      "additionalProperties": false
    })json");
  }
  std::vector<std::string> model_places() const override { return {"/model"}; }
  std::string words_of(const Json& with, const Json& /*output*/) const override {
    return with["prompt"].get<std::string>() + "\n";
  }
  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    ImageRequest request;
    request.model = input.with["model"];
    request.prompt = input.with["prompt"];
    request.size = input.with.value("size", "1024x1024");
    const ImageAnswer answer = co_await calls.image(std::move(request));
    co_return Json{{"media_type", answer.media_type}, {"base64", base64(answer.bytes)}, {"bytes", answer.bytes.size()}};
  }
};

class EmbedKind : public CallingKind {
 public:
  std::string name() const override { return "embed"; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["model"], "additionalProperties": false,
      "properties": {
        "model": {"type": "string"},
        "text": {"type": "string"},
        "texts": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "dimensions": {"type": "integer", "minimum": 1}
      },
      "oneOf": [{"required": ["text"]}, {"required": ["texts"]}]
    })json");
  }
  Json output_schema(const Json& with) const override {
    const Json vector = {{"type", "array"}, {"items", {{"type", "number"}}}};
    return with.contains("text") ? vector : Json{{"type", "array"}, {"items", vector}};
  }
  std::vector<std::string> model_places() const override { return {"/model"}; }
  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    EmbeddingRequest request;
    request.model = input.with["model"];
    const bool is_one = input.with.contains("text");
    request.inputs =
        is_one ? std::vector<std::string>{input.with["text"]} : input.with["texts"].get<std::vector<std::string>>();
    request.dimensions = input.with.value("dimensions", 0u);
    EmbeddingAnswer answer = co_await calls.embed(std::move(request));
    co_return is_one ? Json(answer.vectors.at(0)) : Json(answer.vectors);
  }
};

}  // namespace

void add_llm_kinds(StepKinds& kinds) {
  kinds.add(std::make_unique<LlmKind>());
  kinds.add(std::make_unique<ImageKind>());
  kinds.add(std::make_unique<EmbedKind>());
}

}  // namespace coppice
