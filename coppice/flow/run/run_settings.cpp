// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_settings.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

constexpr size_t kLongestName = 200;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// One that is a file's name everywhere, and one word in a shell.
bool is_run_id(const std::string& id) {
  const auto is_allowed = [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == ':' || c == '-'; };
  return id.size() <= kLongestName && is_letter_or_digit(id.front()) && std::all_of(id.begin(), id.end(), is_allowed);
}

bool is_tenant(const std::string& tenant) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  return tenant.size() <= kLongestName && std::none_of(tenant.begin(), tenant.end(), is_control);
}

}  // namespace

std::string new_run_id() {
  constexpr std::string_view kLetters = "0123456789abcdefghijkmnpqrstuvwxyz";  // no l, no o
  std::array<uint32_t, 6> random{};
  // Not by a std::random_device: where machines are virtual, making one takes longer than all else of a short run.
  if (::getentropy(random.data(), sizeof random) != 0) throw_io_error("read", "random bytes of the system", errno);
  std::string end;
  for (const uint32_t number : random) end += kLetters[number % kLetters.size()];
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y%m%d-%H%M%S}-{}", fmt::gmtime(now), end);
}

RunSettings with_id(RunSettings settings) {
  if (settings.id.empty()) settings.id = new_run_id();
  if (!is_run_id(settings.id)) {
    throw Error(
        ErrorCode::usage, fmt::format("got the id {} for a run", json_value_text(settings.id)), {},
        fmt::format("up to {} letters (a-z, A-Z), digits and '._:-', the first one a letter or digit", kLongestName));
  }
  if (!is_tenant(settings.tenant)) {
    throw Error(ErrorCode::usage, fmt::format("got the tenant {}", json_value_text(settings.tenant)), {},
                fmt::format("up to {} bytes, without control characters", kLongestName));
  }
  return settings;
}

std::string to_text(const RunChanges& changes) {
  Json made = Json::object();
  if (!changes.endpoints.empty()) made["endpoints"] = changes.endpoints;
  if (changes.budget) made["budget_pico_dollars"] = changes.budget->pico_dollars;
  return made.empty() ? std::string() : compact_text(made);
}

void add(RunChanges& changes, std::string_view text) {
  if (text.empty()) return;
  const Json said = parse_json(text);
  try {
    const Json endpoints = said.value("endpoints", Json::object());
    for (const auto& [name, url] : endpoints.items()) changes.endpoints[name] = url.get<std::string>();
    if (said.contains("budget_pico_dollars")) changes.budget = Money{said["budget_pico_dollars"].get<int64_t>()};
  } catch (const Json::exception&) {
    throw Error(ErrorCode::data, "what was changed when the run was resumed cannot be read", {},
                "the journal is damaged");
  }
}

}  // namespace coppice
