// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// How deep lists and objects may nest in the JSON of a model or of a folder to import. Copying and printing nested
/// values goes by recursion, so that a text of brackets alone would use up the stack.
inline constexpr size_t kDeepestJson = 256;

/// Whether lists and objects nest deeper than `levels`; of a text that is no JSON, any answer. Cost: one pass.
bool nests_deeper(std::string_view json, size_t levels) noexcept;

/// The value of a JSON text from elsewhere; a discarded one (which is of no type) when the text is no JSON or nests
/// deeper than kDeepestJson.
nlohmann::json parse_json(std::string_view text);

/// Empties lists and objects from the inmost, one value at a time, and asks for no memory. nlohmann's destructor asks
/// for some where a list or an object has anything in it, and when there is none, ends the program.
void take_apart(nlohmann::json& value) noexcept;

/// As `parse_json`, kept so that it is taken apart in the end.
class ParsedJson {
 public:
  explicit ParsedJson(std::string_view text);
  ~ParsedJson();
  ParsedJson(ParsedJson&&) noexcept;
  ParsedJson& operator=(ParsedJson&&) = delete;

  const nlohmann::json& value() const noexcept { return *value_; }

 private:
  friend nlohmann::json parse_json(std::string_view text);

  std::unique_ptr<nlohmann::json> value_;
};

/// The place of a byte as the parser counts them, from 1: "3:14", line and column, from 1, too.
std::string line_and_column(std::string_view text, size_t byte);

/// `json_fault` without the place that a syntax error begins with, which stands elsewhere in our messages.
std::string json_fault_without_place(std::string_view what);

/// A number as a message shows it: a whole one in full, others to nine digits.
std::string number_text(double value);

/// A value as a message shows it: a list or an object by its kind alone, however much is in it.
std::string json_value_text(const nlohmann::json& value);

}  // namespace coppice
