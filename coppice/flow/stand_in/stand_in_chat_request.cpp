// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_chat_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr uint64_t kTokensPerMessage = 3;
constexpr size_t kMostStops = 4;
constexpr size_t kMostSchemaBytes = size_t{256} << 10;
constexpr std::array<const char*, 6> kRoles = {"system", "developer", "user", "assistant", "tool", "function"};

[[noreturn]] void refuse(const std::string& param, const std::string& message, const std::string& code = {}) {
  throw StandInRefusal{400, message, "invalid_request_error", param, code};
}

/// A value that is there and is not null.
const json* given(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

bool flag(const json& object, const char* key) {
  const json* value = given(object, key);
  if (value != nullptr && !value->is_boolean())
    refuse(key, fmt::format("Invalid type for '{}': expected a boolean.", key));
  return value != nullptr && value->get<bool>();
}

/// Of a message: a text, or those of its parts that are texts.
std::string content_text(const json& message, size_t number) {
  const json* content = given(message, "content");
  if (content == nullptr) return {};
  if (content->is_string()) return content->get<std::string>();
  const std::string place = fmt::format("messages[{}].content", number);
  if (!content->is_array()) refuse(place, fmt::format("Invalid type for '{}': expected a string or an array.", place));
  std::string text;
  for (const json& part : *content) {
    if (!part.is_object()) refuse(place, fmt::format("Invalid type in '{}': expected an object.", place));
    if (const json* words = given(part, "text"); words != nullptr && words->is_string()) {
      text += words->get_ref<const std::string&>();
    }
  }
  return text;
}

void append(std::string& all, const std::string& text, const char* between) {
  if (!all.empty()) all += between;
  all += text;
}

void read_messages(const json& body, StandInChat& chat) {
  const json* messages = given(body, "messages");
  if (messages == nullptr) refuse("messages", "Missing required parameter: 'messages'.", "missing_required_parameter");
  if (!messages->is_array() || messages->empty()) refuse("messages", "Invalid 'messages': expected a non-empty array.");
  StandInQuestion& question = chat.question;
  for (size_t i = 0; i < messages->size(); ++i) {
    const json& message = (*messages)[i];
    const json* role = message.is_object() ? given(message, "role") : nullptr;
    const std::string name = role != nullptr && role->is_string() ? role->get<std::string>() : std::string();
    if (std::find(kRoles.begin(), kRoles.end(), name) == kRoles.end()) {
      refuse(fmt::format("messages[{}].role", i), fmt::format("Invalid value for 'messages[{}].role'.", i));
    }
    const std::string text = content_text(message, i);
    chat.input_tokens += stand_in_tokens(text) + kTokensPerMessage;
    append(question.text, text, "\n");
    if (name == "user") append(question.prompt, text, "\n\n");
    if (name == "system" || name == "developer") append(question.system, text, "\n\n");
  }
  question.messages = *messages;
}

uint64_t count(const json& body, const char* key) {
  const json* value = given(body, key);
  if (value == nullptr) return 0;
  if (!value->is_number_unsigned() || value->get<uint64_t>() == 0) {
    refuse(key, fmt::format("Invalid value for '{}': expected an integer of at least 1.", key));
  }
  return value->get<uint64_t>();
}

uint64_t most_output_tokens(const StandInAsk& ask) {
  uint64_t asked = ask.model.ignores.max_completion_tokens ? 0 : count(ask.body, "max_completion_tokens");
  if (asked == 0) asked = count(ask.body, "max_tokens");
  const uint64_t limit = ask.model.max_output_tokens;
  return asked > 0 && limit > 0 ? std::min(asked, limit) : std::max(asked, limit);
}

std::vector<std::string> read_stops(const json& body) {
  const json* value = given(body, "stop");
  if (value == nullptr) return {};
  std::vector<std::string> stops;
  const auto add = [&](const json& stop) {
    if (!stop.is_string()) refuse("stop", "Invalid type for 'stop': expected a string or an array of strings.");
    if (!stop.get_ref<const std::string&>().empty()) stops.push_back(stop.get<std::string>());
  };
  if (!value->is_array()) add(*value);
  if (value->is_array() && value->size() > kMostStops) refuse("stop", "Invalid 'stop': expected at most 4 strings.");
  if (value->is_array()) std::for_each(value->begin(), value->end(), add);
  return stops;
}

/// Of response_format: what is not ignored.
void read_format(const StandInAsk& ask, StandInChat& chat) {
  const json* format = given(ask.body, "response_format");
  if (format == nullptr) return;
  const json* type = format->is_object() ? given(*format, "type") : nullptr;
  const std::string name = type != nullptr && type->is_string() ? type->get<std::string>() : std::string();
  const json* schema = nullptr;
  if (name == "json_schema") {
    const json* named = given(*format, "json_schema");
    schema = named != nullptr && named->is_object() ? given(*named, "schema") : nullptr;
    if (schema == nullptr || !schema->is_object()) {
      refuse("response_format.json_schema.schema", "Missing required parameter: 'response_format.json_schema.schema'.");
    }
  } else if (name == "json_object") {
    schema = given(*format, "schema");
  } else if (name != "text") {
    refuse("response_format.type",
           "Invalid value for 'response_format.type': expected 'text', 'json_object' or 'json_schema'.");
  }
  const bool is_ignored = name == "json_schema" ? ask.model.ignores.json_schema : ask.model.ignores.json_object;
  if (name == "text" || is_ignored) return;
  if (schema != nullptr && compact_text(*schema).size() > kMostSchemaBytes) {
    refuse("response_format", "Invalid schema: it is longer than 256 kB.");
  }
  chat.wants_json = true;
  if (schema != nullptr) chat.question.schema = *schema;
}

/// The end of the object that begins at `begin`, or npos.
size_t object_end(const std::string& text, size_t begin) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = begin; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[i] == '{') {
      ++depth;
    } else if (!in_string && text[i] == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string::npos;
}

void check_context(const StandInAsk& ask, const StandInChat& chat) {
  const uint64_t most = ask.model.context_tokens;
  const uint64_t wanted = chat.input_tokens + std::min(chat.most_output_tokens, uint64_t{1} << 40);
  if (most == 0 || wanted <= most) return;
  refuse("messages",
         fmt::format("This model's maximum context length is {} tokens. However, you requested {} tokens ({} in the "
                     "messages, {} in the completion).",
                     most, wanted, chat.input_tokens, wanted - chat.input_tokens),
         "context_length_exceeded");
}

}  // namespace

json schema_in_text(const std::string& text) {
  constexpr int kMostTries = 8;
  size_t begin = text.find("\"properties\"") == std::string::npos ? std::string::npos : text.find('{');
  for (int tries = 0; begin != std::string::npos && tries < kMostTries; ++tries) {
    const size_t end = object_end(text, begin);
    if (end != std::string::npos && end - begin <= kMostSchemaBytes) {
      json value = parse_json(std::string_view(text).substr(begin, end - begin));
      const bool is_schema = value.is_object() && value.contains("properties") && value["properties"].is_object();
      if (is_schema) return value;
    }
    begin = text.find('{', end == std::string::npos ? begin + 1 : end);
  }
  return nullptr;
}

StandInChat read_chat(const StandInAsk& ask) {
  StandInChat chat;
  chat.question.path = ask.path;
  chat.question.model = ask.model_name;
  if (!ask.options.inputs.is_null()) chat.question.inputs = &ask.options.inputs;
  if (const json* metadata = given(ask.body, "metadata"); metadata != nullptr && metadata->is_object()) {
    chat.question.step = text_field(*metadata, "step");
  }
  chat.question.draw = ask.draws.content(StandInDraws::Of::templates).uniform();
  read_messages(ask.body, chat);
  if (const json* seed = given(ask.body, "seed"); seed != nullptr && seed->is_number_unsigned()) {
    chat.question.seed = seed->get<uint64_t>();
  }
  if (const json* n = given(ask.body, "n"); n != nullptr && *n != 1) {
    refuse("n", "The stand-in answers with one choice: expected n = 1.");
  }
  chat.most_output_tokens = most_output_tokens(ask);
  chat.stops = read_stops(ask.body);
  read_format(ask, chat);
  if (chat.question.schema.is_null() && !ask.model.ignores.schema_in_prompt) {
    chat.question.schema = schema_in_text(chat.question.text);
    chat.wants_json = chat.wants_json || !chat.question.schema.is_null();
  }
  chat.is_stream = flag(ask.body, "stream");
  if (const json* options = given(ask.body, "stream_options"); options != nullptr && options->is_object()) {
    chat.usage_in_stream = flag(*options, "include_usage") && !ask.model.ignores.stream_usage;
  }
  check_context(ask, chat);
  return chat;
}

}  // namespace coppice
