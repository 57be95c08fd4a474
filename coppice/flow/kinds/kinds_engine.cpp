// SPDX-License-Identifier: Apache-2.0
// Steps that our own models answer: retrieve, classify; with a fall-through to a language model below a threshold.
#include <filesystem>
#include <memory>
#include <utility>

#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/kinds/llm_question.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr const char* kOtherwise = "A question to a model, asked when the best score is below the threshold.";

/// Where a model's file lies.
std::string path_from(const std::string& folder, const std::string& path) {
  return (std::filesystem::path(folder) / path).string();
}

Json with_fall_through(Json schema) {
  Json question = question_schema();
  question["description"] = kOtherwise;
  schema["properties"]["otherwise"] = std::move(question);
  schema["properties"]["threshold"] = {{"type", "number"}, {"description", "The least score that is trusted."}};
  schema["properties"]["top_k"] = {{"type", "integer"}, {"minimum", 1}, {"maximum", 10000}};
  schema["dependentRequired"] = {{"otherwise", {"threshold"}}};
  return schema;
}

double best_score(const Json& answers) {
  return answers.empty() ? -1e300 : answers[0].value("score", 0.0);
}

class RetrieveKind : public CallingKind {
 public:
  explicit RetrieveKind(const Engines& engines) : retrieve_(engines.retrieve) {}
  std::string name() const override { return "retrieve"; }
  bool reads_folder() const override { return true; }
  std::vector<NeededFile> needed_files() const override { return {{"/index", "coppice index PASSAGES -o"}}; }
  Json with_schema() const override {
    return with_fall_through(Json::parse(R"json({
      "type": "object", "required": ["index", "query"], "additionalProperties": false,
      "properties": {"index": {"type": "string", "minLength": 1, "description": "A file that coppice index or train made."},
                     "query": {"type": "string"}}
    })json"));
  }
  Json output_schema(const Json& with) const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["passages", "confident"], "additionalProperties": false,
      "properties": {"passages": {"type": "array", "items": {"type": "object",
                                  "properties": {"id": {"type": "string"}, "score": {"type": "number"}, "text": {"type": "string"}}}},
                     "confident": {"type": "boolean"}}
    })json");
    if (with.contains("otherwise")) schema["properties"]["answer"] = answer_schema(with["otherwise"]);
    return schema;
  }
  std::vector<std::string> model_places() const override { return {"/otherwise/model"}; }
  std::vector<Error> faults(const Json& with) const override { return question_faults(with, "/otherwise"); }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    if (!retrieve_) throw Error(ErrorCode::unsupported, "this program has no index to retrieve from");
    const std::string query = input.with["query"];
    Json output;
    output["passages"] =
        retrieve_(path_from(calls.folder(), input.with["index"]), query, input.with.value("top_k", 5u));
    output["confident"] = best_score(output["passages"]) >= input.with.value("threshold", -1e300);
    if (!output["confident"] && input.with.contains("otherwise")) {
      output["answer"] = co_await ask(input.with["otherwise"], calls.step().persona, calls);
      calls.note({{"fell_through", query}, {"answer", output["answer"]}});
    }
    co_return output;
  }

 private:
  decltype(Engines::retrieve) retrieve_;
};

class ClassifyKind : public CallingKind {
 public:
  explicit ClassifyKind(const Engines& engines) : classify_(engines.classify) {}
  std::string name() const override { return "classify"; }
  bool reads_folder() const override { return true; }
  std::vector<NeededFile> needed_files() const override { return {{"/classifier", "coppice train EXAMPLES -o"}}; }
  Json with_schema() const override {
    return with_fall_through(Json::parse(R"json({
      "type": "object", "required": ["classifier", "text"], "additionalProperties": false,
      "properties": {"classifier": {"type": "string", "minLength": 1, "description": "A file that coppice train made."},
                     "text": {"type": "string"}}
    })json"));
  }
  Json output_schema(const Json& with) const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["label", "score", "labels", "confident"], "additionalProperties": false,
      "properties": {"label": {}, "score": {"type": "number"}, "confident": {"type": "boolean"},
                     "labels": {"type": "array", "items": {"type": "object",
                                "properties": {"label": {"type": "string"}, "score": {"type": "number"}}}}}
    })json");
    schema["properties"]["label"] = with.contains("otherwise") ? Json(true) : Json{{"type", {"string", "null"}}};
    return schema;
  }
  std::vector<std::string> model_places() const override { return {"/otherwise/model"}; }
  std::vector<Error> faults(const Json& with) const override { return question_faults(with, "/otherwise"); }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    if (!classify_) throw Error(ErrorCode::unsupported, "this program has no classifier");
    const std::string text = input.with["text"];
    const Json labels =
        classify_(path_from(calls.folder(), input.with["classifier"]), text, input.with.value("top_k", 3u));
    Json output = {{"labels", labels}, {"label", labels.empty() ? Json() : labels[0]["label"]}};
    output["score"] = labels.empty() ? Json(0.0) : labels[0]["score"];
    output["confident"] = best_score(labels) >= input.with.value("threshold", -1e300);
    if (!output["confident"] && input.with.contains("otherwise")) {
      output["label"] = co_await ask(input.with["otherwise"], calls.step().persona, calls);
      calls.note({{"fell_through", text}, {"answer", output["label"]}});
    }
    co_return output;
  }

 private:
  decltype(Engines::classify) classify_;
};

}  // namespace

void add_engine_kinds(StepKinds& kinds, const Engines& engines) {
  kinds.add(std::make_unique<RetrieveKind>(engines));
  kinds.add(std::make_unique<ClassifyKind>(engines));
}

}  // namespace coppice
