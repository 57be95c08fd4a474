// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// One option of one operation: its names, its text, and how to read and write it as JSON or from a command line.
struct Option {
  std::string name;                  ///< snake_case; the flag is --name with dashes, the variable COPPICE_NAME
  std::string type;                  ///< "integer", "number", "text", "switch", "list of ...", or "a | b | c"
  std::string default_text;          ///< the value in the struct when the table was made
  std::string help;                  ///< what it does, what it costs; may name the paper's and other tools' words
  std::vector<std::string> choices;  ///< the names allowed, for an enumeration
  std::function<void(const nlohmann::json&)> set;  ///< throws ErrorCode::usage on a wrong type or range
  std::function<void(std::string_view)> set_text;  ///< same, from text; lists are separated by commas
  std::function<nlohmann::json()> get;
};

/// The one description of an options struct, bound to one instance of it.
///
/// Each struct has a free function `void describe(OptionTable&, SolverOptions&)`. The command line, JSON, Python,
/// and docs/parameters.md are made from the table, so an option has one name everywhere.
class OptionTable {
 public:
  /// Numbers with limits (inclusive), text, switches.
  void add(const std::string& name, bool& value, const std::string& help);
  void add(const std::string& name, std::string& value, const std::string& help);
  void add(const std::string& name, std::vector<std::string>& value, const std::string& help);
  void add(const std::string& name, float& value, double lowest, double highest, const std::string& help);
  void add(const std::string& name, double& value, double lowest, double highest, const std::string& help);
  void add(const std::string& name, uint32_t& value, uint64_t lowest, uint64_t highest, const std::string& help);
  void add(const std::string& name, uint64_t& value, uint64_t lowest, uint64_t highest, const std::string& help);
  void add(const std::string& name, std::vector<float>& value, double lowest, double highest, const std::string& help);
  void add(const std::string& name, std::vector<uint32_t>& value, uint64_t lowest, uint64_t highest,
           const std::string& help);

  /// An enumeration by its names.
  template <class Enum>
  requires std::is_enum_v<Enum>
  void add(const std::string& name, Enum& value, const std::vector<std::pair<Enum, const char*>>& names,
           const std::string& help) {
    std::vector<std::pair<int64_t, std::string>> table;
    for (const auto& [item, text] : names) table.emplace_back(static_cast<int64_t>(item), text);
    add_choice(
        name, [&value] { return static_cast<int64_t>(value); },
        [&value](int64_t chosen) { value = static_cast<Enum>(chosen); }, std::move(table), help);
  }

  const std::vector<Option>& options() const noexcept { return options_; }

  /// Sets the named options from a JSON object. Throws `ErrorCode::usage` for an unknown key, naming the nearest.
  void set(const nlohmann::json& object);

  /// All options with their present values, as a JSON object in table order.
  nlohmann::ordered_json get() const;

  /// The option of that name; throws `ErrorCode::usage` with the nearest match if there is none.
  const Option& find(std::string_view name) const;

 private:
  void add_choice(const std::string& name, std::function<int64_t()> get, std::function<void(int64_t)> set,
                  std::vector<std::pair<int64_t, std::string>> names, const std::string& help);

  std::vector<Option> options_;
};

/// The candidate with the smallest edit distance to `word`, or "" when none is near.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace coppice
