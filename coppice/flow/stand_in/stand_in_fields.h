// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// Reads an object of settings, key by key, and then says which key nobody asked for.
///
/// Throws `ErrorCode::usage` with the place of the key, "models.large.speed.slots", as `where`. The object outlives
/// this.
class StandInFields {
 public:
  /// Throws for what is no object.
  StandInFields(const nlohmann::json& object, std::string place);

  /// The value of a key, or null where it is not there.
  const nlohmann::json* find(const std::string& key);

  double number(const std::string& key, double otherwise, double lowest, double highest);
  uint64_t whole(const std::string& key, uint64_t otherwise, uint64_t highest);
  std::string text(const std::string& key, const std::string& otherwise);
  /// A text or a list of texts; none where the key is not there.
  std::vector<std::string> texts(const std::string& key);

  /// Throws for the first key that was not asked for, with the one that looks like it.
  void expect_no_others() const;

  std::string place(const std::string& key) const;

 private:
  const nlohmann::json& object_;
  std::string place_;
  std::vector<std::string> known_;
};

/// "models.large" and "speed" give "models.large.speed"; a key that is no plain name stands in brackets.
std::string field_place(const std::string& place, std::string_view key);

[[noreturn]] void refuse_field(const nlohmann::json& got, const std::string& expected, const std::string& place);

/// A number within limits, both included.
double number_at(const nlohmann::json& value, const std::string& place, double lowest, double highest);

}  // namespace coppice
