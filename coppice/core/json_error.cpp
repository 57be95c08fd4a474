// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/json_error.h"

#include <nlohmann/json.hpp>

#include "coppice/core/json_text.h"

namespace coppice {

Error json_error(std::string_view text, const std::string& what, const std::string& file, size_t line) {
  const std::string begin = what.empty() ? "no valid JSON" : what + ": no valid JSON";
  const std::string its_line = line == 0 ? "" : ":" + std::to_string(line);
  if (nests_deeper(text, kDeepestJson)) {
    const std::string deep = "lists and objects nest deeper than " + std::to_string(kDeepestJson);
    return {ErrorCode::data, what.empty() ? deep : what + ": " + deep, file + its_line};
  }
  try {
    [[maybe_unused]] const nlohmann::json ignored = nlohmann::json::parse(text);  // of bounded depth
  } catch (const nlohmann::json::parse_error& error) {
    const std::string place = line_and_column(text, error.byte);
    const std::string where = line == 0 ? ":" + place : its_line + place.substr(place.find(':'));
    return {ErrorCode::data, begin + ": " + json_fault_without_place(error.what()), file + where};
  } catch (const nlohmann::json::exception& error) {  // a number that no double holds
    return {ErrorCode::data, begin + ": " + json_fault(error.what()), file + its_line};
  }
  return {ErrorCode::data, begin, file + its_line};
}

}  // namespace coppice
