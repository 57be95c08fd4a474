// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/llm/utf8_cut.h"
#include "coppice/http/characters.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

/// A text as it is, anything else as JSON; "" where there is none.
std::string text_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return one_line(found->get_ref<const std::string&>());
  return one_line(compact_text(*found));
}

ServerError error_in(const Json& answer) {
  if (answer.is_array() && !answer.empty() && answer.front().is_object()) return error_in(answer.front());
  if (answer.is_string()) return {one_line(answer.get_ref<const std::string&>()), {}, {}, {}};
  if (!answer.is_object()) return {};
  const auto inner = answer.find("error");
  if (inner != answer.end() && inner->is_object()) return error_in(*inner);
  ServerError error{text_at(answer, "message"), text_at(answer, "type"), text_at(answer, "code"),
                    text_at(answer, "param")};
  for (const char* name : {"error", "detail", "msg"}) {
    if (error.message.empty()) error.message = text_at(answer, name);
  }
  return error;
}

std::string hint_of(int status, const ServerError& said) {
  if (status == 401 || status == 403) return "see to the key in the variable that the endpoint names";
  if (said.code == "insufficient_quota" || status == 402) return "the account has no money left";
  if (status == 404) return "see to the endpoint's URL, which ends before 'chat/completions', and to the model's name";
  if (status == 429) return "set requests_per_minute or tokens_per_minute of the endpoint";
  if (status >= 300 && status < 400) return "a redirection is not followed: name the server's own URL";
  return {};
}

std::string sentence(const std::string& endpoint, int status, const ServerError& said) {
  const std::string how = status == 0 ? "an error in its answer" : fmt::format("status {}", status);
  std::string result = fmt::format("got {} from '{}'", how, endpoint);
  if (!said.message.empty()) result += ": " + said.message;
  if (!said.code.empty() && said.code != std::to_string(status)) result += " (" + said.code + ")";
  return result;
}

}  // namespace

std::string one_line(std::string_view text) {
  constexpr size_t kMostBytes = 500;
  // JSON's writer knows UTF-8: what it cannot write is replaced.
  const std::string_view begin = utf8_cut(text, kMostBytes);
  std::string written = compact_text(Json(begin));
  std::string clean = parse_json(written).get<std::string>();
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return clean + (begin.size() < text.size() ? "..." : "");
}

ServerError read_server_error(std::string_view body) {
  const HeldJson parsed = parse_held_json(body);
  ServerError error = parsed.value.is_discarded() ? ServerError{} : error_in(parsed.value);
  if (error.message.empty()) error.message = one_line(body);
  return error;
}

bool is_server_error(const Json& answer) {
  if (!answer.is_object()) return true;
  const auto error = answer.find("error");
  if (error != answer.end() && !error->is_null()) return true;
  const auto object = answer.find("object");
  return object != answer.end() && *object == "error";
}

RefusedByServer::RefusedByServer(const std::string& endpoint, int status, ServerError said)
    : Error(ErrorCode::remote, sentence(endpoint, status, said), {}, hint_of(status, said)),
      status_(status),
      said_(std::move(said)) {}

RefusedByServer::RefusedByServer(const RefusedByServer& refused, const std::string& more)
    : Error(refused.code(), refused.what() + more, refused.where(), refused.hint()),
      status_(refused.status_),
      said_(refused.said_) {}

bool RefusedByServer::is_about_format() const {
  constexpr std::array kStatuses{0, 400, 422, 500, 501};
  if (std::find(kStatuses.begin(), kStatuses.end(), status_) == kStatuses.end()) return false;
  std::string all = said_.message + " " + said_.param + " " + said_.code;
  for (char& c : all) c = lower(c);
  for (const char* word : {"response_format", "schema", "grammar", "json", "structured", "guided"}) {
    if (all.find(word) != all.npos) return true;
  }
  return false;
}

}  // namespace coppice
