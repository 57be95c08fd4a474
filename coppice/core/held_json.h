// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace coppice {

/// Empties lists and objects from the inmost, one value at a time, and asks for no memory. nlohmann's destructor asks
/// for some where a list or an object has anything in it, and when there is none, ends the program.
void take_apart(nlohmann::json& value) noexcept;

/// A value that is taken apart in the end.
struct HeldJson {
  nlohmann::json value;

  HeldJson() = default;
  explicit HeldJson(nlohmann::json&& held) noexcept : value(std::move(held)) {}
  HeldJson(HeldJson&&) noexcept = default;
  HeldJson& operator=(HeldJson&&) = delete;
  ~HeldJson() { take_apart(value); }
};

/// The value of a JSON text from elsewhere; a discarded one (which is of no type) when the text is no JSON or nests
/// deeper than kDeepestJson.
HeldJson parse_held_json(std::string_view text);

}  // namespace coppice
