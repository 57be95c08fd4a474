// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_fields.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/options.h"

namespace coppice {

using nlohmann::json;

std::string field_place(const std::string& place, std::string_view key) {
  const bool plain = !key.empty() && key.find_first_of(".[] ") == std::string_view::npos;
  if (!plain) return fmt::format("{}['{}']", place, key);
  return place.empty() ? std::string(key) : fmt::format("{}.{}", place, key);
}

void refuse_field(const json& got, const std::string& expected, const std::string& place) {
  throw Error(ErrorCode::usage, fmt::format("got {}, expected {}", json_value_text(got), expected), place);
}

double number_at(const json& value, const std::string& place, double lowest, double highest) {
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  if (number >= lowest && number <= highest) return number;
  if (highest >= 1e18) refuse_field(value, "a number of at least " + number_text(lowest), place);
  refuse_field(value, fmt::format("a number from {} to {}", number_text(lowest), number_text(highest)), place);
}

StandInFields::StandInFields(const json& object, std::string place) : object_(object), place_(std::move(place)) {
  if (!object.is_object()) refuse_field(object, "an object", place_);
}

std::string StandInFields::place(const std::string& key) const {
  return field_place(place_, key);
}

const json* StandInFields::find(const std::string& key) {
  known_.push_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

double StandInFields::number(const std::string& key, double otherwise, double lowest, double highest) {
  const json* value = find(key);
  return value == nullptr ? otherwise : number_at(*value, place(key), lowest, highest);
}

uint64_t StandInFields::whole(const std::string& key, uint64_t otherwise, uint64_t highest) {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  const double number = number_at(*value, place(key), 0, static_cast<double>(highest));
  if (number != std::floor(number)) refuse_field(*value, "a whole number", place(key));
  return value->get<uint64_t>();
}

std::string StandInFields::text(const std::string& key, const std::string& otherwise) {
  const json* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_string()) refuse_field(*value, "a text", place(key));
  return value->get<std::string>();
}

std::vector<std::string> StandInFields::texts(const std::string& key) {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return {value->get<std::string>()};
  if (!value->is_array()) refuse_field(*value, "a text or a list of texts", place(key));
  std::vector<std::string> all;
  for (const json& item : *value) {
    if (!item.is_string()) refuse_field(item, "a text", fmt::format("{}[{}]", place(key), all.size()));
    all.push_back(item.get<std::string>());
  }
  return all;
}

void StandInFields::expect_no_others() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string nearest = nearest_name(key, known_);
    throw Error(ErrorCode::usage, fmt::format("got the key '{}', which is not known here", key),
                field_place(place_, key), nearest.empty() ? std::string() : fmt::format("did you mean '{}'?", nearest));
  }
}

}  // namespace coppice
