// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/llm_question.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <utility>

#include "coppice/flow/json/json_schema.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr const char* kQuestion = R"json({
  "type": "object",
  "required": ["model", "prompt"],
  "additionalProperties": false,
  "properties": {
    "model": {"type": "string", "description": "One of the workflow's models."},
    "prompt": {"type": "string", "description": "The user's message."},
    "system": {"type": "string", "description": "Stands behind the persona in the system message."},
    "schema": {"type": ["object", "boolean"], "description": "JSON Schema of the answer, which is then a value and not a text."},
    "sections": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": true,
                 "description": "Titles of the parts of the answer; the output is an object of them."},
    "max_output_tokens": {"type": "integer", "minimum": 1},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
    "seed": {"type": "integer", "minimum": 0},
    "stream": {"type": "boolean", "description": "Show the answer while it comes."}
  }
})json";

/// A line without the marks of a heading, in lower case.
std::string bare_heading(const std::string& line) {
  constexpr std::string_view kMarks = " \t\r#*_:-=.1234567890)";
  const size_t begin = line.find_first_not_of(kMarks);
  if (begin == line.npos) return {};
  std::string bare = line.substr(begin, line.find_last_not_of(kMarks) - begin + 1);
  std::transform(bare.begin(), bare.end(), bare.begin(), [](unsigned char c) { return std::tolower(c); });
  return bare;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string trimmed(const std::string& text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  return begin == text.npos ? std::string() : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool has_template(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().find("{{") != std::string::npos;
  return value.is_structured() &&
         std::any_of(value.begin(), value.end(), [](const Json& one) { return has_template(one); });
}

std::vector<std::string> titles_of(const Json& question) {
  return question.value("sections", std::vector<std::string>());
}

/// The stand-in reads it, too (stand_in_sections).
std::string sections_in_words(const Json& question) {
  if (!question.contains("sections")) return {};
  std::string words = "\n\nAnswer in these sections, each of them below its heading:";
  for (const std::string& title : titles_of(question)) words += "\n## " + title;
  return words;
}

ChatRequest request_of(const Json& question, const std::string& persona) {
  ChatRequest request;
  request.model = question.at("model").get<std::string>();
  std::string system = persona;
  if (question.contains("system")) {
    system += (system.empty() ? "" : "\n\n") + question["system"].get<std::string>();
  }
  if (!system.empty()) request.messages.push_back({"system", system});
  request.messages.push_back({"user", question.at("prompt").get<std::string>() + sections_in_words(question)});
  request.max_output_tokens = question.value("max_output_tokens", 0u);
  if (question.contains("temperature")) request.temperature = question["temperature"].get<double>();
  if (question.contains("seed")) request.seed = question["seed"].get<uint64_t>();
  if (question.contains("schema")) request.schema = question["schema"];
  request.stream = question.value("stream", false);
  return request;
}

/// The same question, and what was wrong with its answer.
ChatRequest again(ChatRequest request, const std::string& answer, const std::string& fault, const Json& question) {
  request.messages.push_back({"assistant", answer});
  request.messages.push_back(
      {"user", "That answer is not valid: " + fault + ". Give the whole answer again." + sections_in_words(question)});
  return request;
}

/// An answer without one of its sections is asked for once more.
Awaitable<Json> ask_for_sections(ChatRequest request, Json question, StepCalls& calls) {
  const std::vector<std::string> titles = titles_of(question);
  const ChatAnswer answer = co_await calls.chat(request);
  std::string fault;
  try {
    co_return cut_sections(answer.content, titles);
  } catch (const Error& error) {
    fault = error.what();
  }
  calls.note({{"repaired", fault}});
  ChatRequest repair = again(std::move(request), answer.content, fault, question);
  const ChatAnswer better = co_await calls.chat(std::move(repair));
  co_return cut_sections(better.content, titles);
}

}  // namespace

Json question_schema() {
  return Json::parse(kQuestion);
}

std::vector<Error> question_faults(const nlohmann::json& with, const std::string& pointer) {
  const Json::json_pointer place(pointer + "/schema");
  if (!with.contains(place) || has_template(with[place])) return {};
  try {
    (void)JsonSchema(with[place]);
    return {};
  } catch (const Error& error) {
    const std::string where = error.where().starts_with("#") ? error.where().substr(1) : std::string();
    return {Error(ErrorCode::usage, std::string("in this JSON Schema: ") + error.what(), place.to_string() + where,
                  error.hint())};
  }
}

Json answer_schema(const Json& question) {
  if (question.contains("schema")) return question["schema"];
  if (!question.contains("sections")) return {{"type", "string"}};
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (const std::string& title : titles_of(question)) schema["properties"][section_key(title)] = {{"type", "string"}};
  return schema;
}

std::string section_key(const std::string& title) {
  std::string key = lower(title);
  std::replace_if(
      key.begin(), key.end(), [](unsigned char c) { return c < 0x80 && std::isalnum(c) == 0; }, '_');
  return key;
}

Json cut_sections(const std::string& text, const std::vector<std::string>& titles) {
  std::map<std::string, std::string> by_heading;
  for (const std::string& title : titles) by_heading[bare_heading(title)] = section_key(title);
  Json sections = Json::object();
  std::string* into = nullptr;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto found = by_heading.find(bare_heading(line));
    if (found != by_heading.end()) {
      into = &(sections[found->second] = "").get_ref<std::string&>();
    } else if (into != nullptr) {
      *into += line + "\n";
    }
  }
  for (const std::string& title : titles) {
    Json& section = sections[section_key(title)];
    if (!section.is_string()) throw Error(ErrorCode::data, fmt::format("the answer has no section '{}'", title));
    section = trimmed(section.get<std::string>());
  }
  return sections;
}

Awaitable<Json> ask(Json question, std::string persona, StepCalls& calls) {
  if (question.contains("sections") && !question.contains("schema")) {
    ChatRequest request = request_of(question, persona);
    co_return co_await ask_for_sections(std::move(request), std::move(question), calls);
  }
  ChatAnswer answer = co_await calls.chat(request_of(question, persona));
  if (question.contains("schema")) co_return std::move(answer.value);
  if (answer.finish_reason == "length") calls.remark("the answer was cut off where it reached its most tokens");
  co_return Json(std::move(answer.content));
}

}  // namespace coppice
