// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_structured.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/repeated_keys.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/json_schema.h"
#include "coppice/flow/llm/llm_gbnf.h"
#include "coppice/flow/llm/utf8_cut.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlank = " \t\r\n";
constexpr size_t kMostTries = 64;  ///< places where a value may begin: with this bound the cost is linear

std::string_view trimmed(std::string_view text) noexcept {
  const size_t begin = text.find_first_not_of(kBlank);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool has_grammar(const Json& schema) {
  try {
    return !make_gbnf(schema).empty();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    return false;
  }
}

/// Nothing where the text is no JSON, or where a key stands twice: which one was meant?
std::optional<Json> strictly_parsed(std::string_view text) {
  if (nests_deeper(text, kDeepestJson)) return {};
  const auto refuse = [](const std::string& key) { throw Error(ErrorCode::data, "repeated key '" + key + "'"); };
  try {
    return Json::parse(text, watch_repeated_keys(refuse));
  } catch (const Json::exception&) {
    return {};
  } catch (const Error&) {
    return {};
  }
}

/// Where the list or object that begins the text ends: one past its last bracket, or npos.
size_t end_of_value(std::string_view text) noexcept {
  size_t depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      ++depth;
    } else if (!in_text && (c == ']' || c == '}') && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

void add(std::vector<Json>& values, Json value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(std::move(value));
}

std::vector<Json> in_fences(std::string_view text) {
  constexpr std::string_view kFence = "```";
  std::vector<Json> values;
  size_t begin = text.find(kFence);
  for (size_t tries = 0; begin != text.npos && tries < kMostTries; ++tries) {
    const size_t first_line = text.find('\n', begin);  // the rest of the line names the language
    if (first_line == text.npos) break;
    const size_t end = text.find(kFence, first_line);
    if (end == text.npos) break;
    if (auto value = strictly_parsed(text.substr(first_line, end - first_line))) add(values, std::move(*value));
    begin = text.find(kFence, end + kFence.size());
  }
  return values;
}

std::vector<Json> in_text(std::string_view text) {
  std::vector<Json> values;
  size_t begin = text.find_first_of("{[");
  for (size_t tries = 0; begin != text.npos && tries < kMostTries; ++tries) {
    const size_t size = end_of_value(text.substr(begin));
    auto value = size == text.npos ? std::nullopt : strictly_parsed(text.substr(begin, size));
    const size_t next = value ? begin + size : begin + 1;
    if (value) add(values, std::move(*value));
    begin = text.find_first_of("{[", next);
  }
  return values;
}

/// Chat templates often write the opening mark themselves, so that it is not in the answer.
std::string_view without_thoughts(std::string_view text) {
  constexpr std::string_view kEnd = "</think>";
  const size_t end = text.rfind(kEnd);
  return end == text.npos ? text : trimmed(text.substr(end + kEnd.size()));
}

std::string faults_text(const std::vector<SchemaFault>& faults) {
  std::string result;
  for (const SchemaFault& fault : faults) {
    if (!result.empty()) result += "; ";
    result += (fault.path.empty() ? "" : fault.path + ": ") + fault.message;
  }
  constexpr size_t kMostBytes = 2'000;
  return std::string(utf8_cut(result, kMostBytes));
}

}  // namespace

std::vector<StructuredOutput> ladder(StructuredOutput from, const Json& schema) {
  using enum StructuredOutput;
  std::vector<StructuredOutput> rungs;
  for (const StructuredOutput rung : {json_schema, json_object, grammar, prompt}) {
    const bool is_below = from == automatic || static_cast<int>(rung) >= static_cast<int>(from);
    if (is_below && (rung != grammar || has_grammar(schema))) rungs.push_back(rung);
  }
  return rungs;
}

std::string schema_in_words(const Json& schema) {
  return "Answer with one JSON value that follows the JSON Schema below, and with nothing else: no explanation, no "
         "code "
         "fence.\n" +
         compact_text(schema);
}

std::vector<Json> json_in(std::string_view answer) {
  for (const std::string_view whole : {trimmed(answer), without_thoughts(trimmed(answer))}) {
    std::vector<Json> values;
    if (auto value = strictly_parsed(whole)) return values.push_back(std::move(*value)), values;
  }
  const std::string_view text = without_thoughts(trimmed(answer));
  std::vector<Json> values = in_fences(text);
  return values.empty() ? in_text(text) : values;
}

StructuredReading read_structured(std::string_view answer, const JsonSchema& schema) {
  StructuredReading reading;
  if (trimmed(answer).empty()) {
    reading.fault = "the answer is empty";
    return reading;
  }
  const std::vector<Json> values = json_in(answer);
  reading.has_json = !values.empty();
  if (values.empty()) reading.fault = "the answer holds no JSON value (or one with a key twice)";
  size_t valid = 0;
  for (const Json& value : values) {
    const auto faults = schema.faults(value);
    if (!faults.empty()) {
      reading.fault = faults_text(faults);
    } else if (++valid == 1) {
      reading.value = value;
    }
  }
  if (valid > 1) {
    reading.value.reset();
    reading.fault = fmt::format("the answer holds {} different JSON values, expected one", valid);
  }
  if (reading.value) reading.fault.clear();
  return reading;
}

ChatRequest repair_request(ChatRequest request, const std::string& answer, const std::string& fault) {
  constexpr size_t kMostShown = size_t{16} << 10;
  const std::string shown = trimmed(answer).empty() ? "(nothing)" : std::string(utf8_cut(answer, kMostShown));
  request.messages.push_back({"assistant", shown});
  request.messages.push_back(
      {"user", fmt::format("That answer is not valid: {}. Give the whole answer again, valid. {}", fault,
                           schema_in_words(request.schema))});
  return request;
}

}  // namespace coppice
