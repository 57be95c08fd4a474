// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_to_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/code_points.h"
#include "coppice/flow/template/template_value.h"

namespace coppice {
namespace {

using nlohmann::json;

bool is_upper(uint32_t c) {
  std::string lower, same;
  append_lower(c, lower);
  append_code_point(c, same);
  return lower != same;
}

struct Character {
  std::string_view bytes;
  bool is_upper, is_word;
};

std::vector<Character> characters_of(std::string_view text) {
  std::vector<Character> characters;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    const bool is_word = !c.is_valid || (c.value != '_' && is_word_character(c.value));
    characters.push_back({text.substr(0, c.n_bytes), c.is_valid && is_upper(c.value), is_word});
    text.remove_prefix(c.n_bytes);
  }
  return characters;
}

/// Where a word begins: after what is no letter, at a capital after a small letter (fooBar), and at the last of several
/// capitals before a small letter (HTTPServer).
bool begins_word(const std::vector<Character>& characters, size_t i) {
  if (i == 0 || !characters[i - 1].is_word) return true;
  if (!characters[i].is_upper) return false;
  const bool precedes_small = i + 1 < characters.size() && characters[i + 1].is_word && !characters[i + 1].is_upper;
  return !characters[i - 1].is_upper || precedes_small;
}

/// What is all capitals, of two or more, is an abbreviation and stays.
std::string word_text(const std::string& word, size_t n_characters, bool is_all_upper) {
  return n_characters > 1 && is_all_upper ? word : to_lower(word);
}

std::string with_capital(const std::string& text) {
  if (text.empty()) return text;
  const size_t first = first_code_point(text).n_bytes;
  return to_upper(text.substr(0, first)) + text.substr(first);
}

bool is_left_out(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

/// A list is written in one line when nothing in it has parts.
bool is_plain(const json& value) {
  if (!value.is_structured()) return true;
  return value.empty() || (value.is_array() && std::none_of(value.begin(), value.end(), [](const json& item) {
                             return item.is_structured() && !item.empty();
                           }));
}

std::string scalar_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_number()) return "none";  // nothing, or a list or an object of nothing
  std::string text = templates::number_literal(value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

std::string plain_text(const json& value) {
  if (!value.is_array()) return scalar_text(value);
  std::vector<std::string> items;
  for (const json& item : value) {
    if (!is_left_out(item)) items.push_back(scalar_text(item));
  }
  const bool has_comma = std::any_of(items.begin(), items.end(),
                                     [](const std::string& item) { return item.find(',') != std::string::npos; });
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : has_comma ? "; " : ", ") + item;
  return items.empty() ? "none" : text;
}

bool ends_sentence(const std::string& text) {
  return text.ends_with(".") || text.ends_with("!") || text.ends_with("?") || text.ends_with("…");
}

class Writer {
 public:
  explicit Writer(const JsonToTextOptions& options) : options_(options) {}

  std::string written(const json& value) {
    if (is_left_out(value)) return {};
    if (is_plain(value)) {
      append(plain_text(value));
    } else {
      write_parts(value, "", 0);
    }
    return std::move(text_);
  }

 private:
  void append(std::string_view text) {
    if (text.size() > options_.most_bytes - text_.size()) fail_size();
    text_ += text;
  }

  [[noreturn]] void fail_size() const {
    throw Error(ErrorCode::data, "the text becomes longer than " + std::to_string(options_.most_bytes) + " bytes");
  }

  void write_parts(const json& value, const std::string& path, size_t level) {
    if (level >= kDeepestJson) {
      throw Error(ErrorCode::data, "the value nests deeper than " + std::to_string(kDeepestJson) + " levels");
    }
    const bool needs_word = path.empty() || options_.style == JsonTextStyle::bullets;
    size_t number = 0;
    for (auto part = value.begin(); part != value.end(); ++part) {
      ++number;
      if (is_left_out(*part)) continue;
      const std::string name =
          value.is_object() ? words_of_key(part.key()) : (needs_word ? "item " : "") + std::to_string(number);
      if (options_.style == JsonTextStyle::bullets) {
        write_bullet(*part, name, level);
      } else {
        write_sentence(*part, path.empty() ? name : path + " " + name, level);
      }
    }
  }

  void write_sentence(const json& value, const std::string& path, size_t level) {
    // Paths are made for values that come to nothing, too: long ones would take time, if no room.
    n_path_bytes_ += path.size();
    if (n_path_bytes_ > options_.most_bytes) fail_size();
    if (!is_plain(value)) return write_parts(value, path, level + 1);
    const std::string text = plain_text(value);
    if (!text_.empty()) append(" ");
    append(with_capital(path));
    append(": ");
    append(text);
    if (!ends_sentence(text)) append(".");
  }

  void write_bullet(const json& value, const std::string& name, size_t level) {
    if (!text_.empty()) append("\n");
    const std::string margin(2 * level, ' ');
    append(margin + "- " + indented(with_capital(name), margin) + ":");
    if (!is_plain(value)) return write_parts(value, name, level + 1);
    append(" " + indented(plain_text(value), margin));
  }

  /// Lines after the first stand under it.
  static std::string indented(const std::string& text, const std::string& margin) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
      const bool is_pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
      if (is_pair) continue;
      result += text[i] == '\r' ? '\n' : text[i];
      if (text[i] == '\n' || text[i] == '\r') result += margin + "  ";
    }
    return result;
  }

  const JsonToTextOptions& options_;
  std::string text_;
  size_t n_path_bytes_ = 0;
};

}  // namespace

std::string words_of_key(std::string_view key) {
  const std::vector<Character> characters = characters_of(key);
  const auto is_word = [](const Character& c) { return c.is_word; };
  if (std::none_of(characters.begin(), characters.end(), is_word)) return key.empty() ? "(no name)" : std::string(key);
  if (key.find(' ') != std::string_view::npos) return std::string(key);
  std::string text;
  for (size_t i = 0; i < characters.size();) {
    if (!characters[i].is_word) {
      ++i;
      continue;
    }
    std::string word;
    size_t n_characters = 0;
    bool is_all_upper = true;
    do {
      word += characters[i].bytes;
      is_all_upper = is_all_upper && characters[i].is_upper;
      ++n_characters;
      ++i;
    } while (i < characters.size() && characters[i].is_word && !begins_word(characters, i));
    text += (text.empty() ? "" : " ") + word_text(word, n_characters, is_all_upper);
  }
  return text;
}

std::string json_to_text(const json& value, const JsonToTextOptions& options) {
  return Writer(options).written(value);
}

}  // namespace coppice
