// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/messages.h"

#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/app/hints.h"
#include "coppice/app/terminal_text.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kHint = "hint: ";

/// Hints are named in a message only behind their mark.
std::string hint_with_flags(const std::string& hint, const std::vector<std::string>& options) {
  return with_flags(std::string(kHint) + hint, options).substr(kHint.size());
}

ordered_json to_json(const Error& error, const std::vector<std::string>& options) {
  ordered_json object{{"code", name(error.code())},
                      {"exit_code", exit_code(error.code())},
                      {"what", with_flags(error.what(), options)}};
  if (!error.where().empty()) object["where"] = error.where();
  if (!error.hint().empty()) object["hint"] = hint_with_flags(error.hint(), options);
  return {{"error", std::move(object)}};
}

std::string json_line(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

void log_json(const ordered_json& object) {
  fmt::print(stderr, "{}", json_line(object));
}

void say(const std::string& text, const CommonOptions& common) {
  if (common.quiet) return;
  if (common.log_json) return log_json({{"message", text}});
  fmt::print(stderr, "{}\n", text_for(STDERR_FILENO, text));
}

void note(const std::string& text, const CommonOptions& common) {
  if (common.quiet) return;
  if (common.log_json) return log_json({{"note", text}});
  fmt::print(stderr, "note: {}\n", text_for(STDERR_FILENO, text));
}

void tell(const Error& error, const std::vector<std::string>& options, const CommonOptions& common) {
  fmt::print(stderr, "{}", text_for(STDERR_FILENO, told(error, options, common)));
}

std::string told(const Error& error, const std::vector<std::string>& options, const CommonOptions& common) {
  if (common.log_json) return json_line(to_json(error, options));
  return "coppice: " + with_flags(error.message(), options) + "\n";
}

}  // namespace coppice::app
