// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

enum class JsonTextStyle {
  sentences,  ///< "Name: Ada. Interests: chess, opera. Address city: Ulm."
  bullets     ///< a line for each member, those of an inner object indented under it
};

struct JsonToTextOptions {
  JsonTextStyle style = JsonTextStyle::sentences;
  size_t most_bytes = size_t{16} << 20;
};

/// JSON put into words, for prompts: the same value always gives the same text, and every text, number and truth value
/// of it stands in it.
///
/// Keys become words (first_name and firstName: "First name"; userID: "User ID"); those with a blank stay as they are.
/// true and false are yes and no; null and the empty text are left out; a list of nothing is "none"; 2.0 is 2; texts,
/// dates among them, stand as they are. Items of a list stand between commas, or between semicolons where one of them
/// has a comma in it; of a list of objects or lists, each has its number. Members are in the order of their keys. In
/// bullets the lines of a text are indented, so that no text can pass for another member.
/// Throws `ErrorCode::data` where it becomes longer than `most_bytes`, and for what nests deeper than `kDeepestJson`.
std::string json_to_text(const nlohmann::json& value, const JsonToTextOptions& options = {});

/// "first name" of firstName; "HTTP server" of HTTPServer; what has no letters or digits stays.
std::string words_of_key(std::string_view key);

}  // namespace coppice
