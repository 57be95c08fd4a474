// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

/// For json::parse: calls `refuse`, which throws, with a key that an object has twice. The parser alone would keep the
/// last of them, and say nothing.
inline nlohmann::json::parser_callback_t watch_repeated_keys(std::function<void(const std::string& key)> refuse) {
  using Event = nlohmann::json::parse_event_t;
  std::vector<std::set<std::string>> open;  // the keys so far, by object from the outmost to where the parser is
  return [refuse = std::move(refuse), open](int /*depth*/, Event event, const nlohmann::json& parsed) mutable {
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event != Event::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open.back().insert(key).second) refuse(key);
    return true;
  };
}

}  // namespace coppice
