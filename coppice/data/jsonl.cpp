// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/json_grammar.h"
#include "coppice/data/parsers.h"

namespace coppice {
namespace {

namespace ondemand = simdjson::ondemand;
using ondemand::json_type;

static_assert(LineReader::kPadding >= simdjson::SIMDJSON_PADDING);

/// What is wrong and what was expected; nothing for what only the place tells (see `fault_at`).
/// Why simdjson's own message is not shown: it speaks of its parser, not of the user's line.
std::string sentence(simdjson::error_code code) {
  switch (code) {
    case simdjson::UNESCAPED_CHARS:
      return "a control character inside a string, expected an escape such as \\n";
    case simdjson::UNCLOSED_STRING:
      return "a string without its closing quote, expected one before the line ends";
    case simdjson::STRING_ERROR:
      return R"(a bad escape in a string, expected one of \" \\ \/ \b \f \n \r \t or \u and four hexadecimal digits)";
    case simdjson::NUMBER_ERROR:
      return "a malformed number, expected one such as 3, -0.5 or 1e-3";
    case simdjson::DEPTH_ERROR:
      return "nested too deeply, expected at most " + counted(simdjson::DEFAULT_MAX_DEPTH, "level");
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "a malformed word, expected true, false or null";
    default:
      return {};
  }
}

std::string_view without_trailing_space(std::string_view token) noexcept {
  const size_t last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

class JsonlParser final : public RowParser {
 public:
  explicit JsonlParser(const ReadOptions& options)
      : text_fields_(options.text_field),
        labels_field_(options.labels_field),
        features_field_(options.features_field),
        weight_field_(options.weight_field),
        id_field_(options.id_field),
        limit_(index_limit(options.n_features, "n_features says how many there are",
                           "set n_features if such indices are meant")) {}

  Outcome parse(Line line, Row& row) override {
    if (trimmed(line.text).empty()) return Outcome::blank;
    const simdjson::error_code code = try_parse(line.text, row);
    if (code == simdjson::SUCCESS) return Outcome::row;
    if (code != simdjson::STRING_ERROR) refuse(code);
    repaired_line_.assign(line.text);
    if (!replace_lone_surrogates(repaired_line_)) refuse(code);
    const size_t size = repaired_line_.size();
    repaired_line_.append(LineReader::kPadding, '\0');
    row.clear();
    const simdjson::error_code again = try_parse(std::string_view(repaired_line_).substr(0, size), row);
    if (again != simdjson::SUCCESS) refuse(again);
    row.repaired = true;
    return Outcome::row;
  }

 private:
  /// Parses the line; a code that is not SUCCESS is about the JSON itself, at `error_column_`.
  simdjson::error_code try_parse(std::string_view line, Row& row) {
    line_ = line;
    string_column_ = 0;
    ondemand::document document;
    const simdjson::padded_string_view padded(line.data(), line.size(), line.size() + LineReader::kPadding);
    if (const simdjson::error_code code = parser_.iterate(padded).get(document)) {
      error_column_ = place_of_early_error(code);
      return code;
    }
    try {
      parse_object(document, row);
    } catch (const simdjson::simdjson_error& error) {
      const char* place = nullptr;
      const bool known = document.current_location().get(place) == simdjson::SUCCESS;
      error_column_ = known ? column_of(place) : line.size() + 1;
      // simdjson is past a string when it finds an escape to be bad.
      if (error.error() == simdjson::STRING_ERROR && string_column_ > 0) error_column_ = string_column_;
      return error.error();
    }
    return simdjson::SUCCESS;
  }

  [[noreturn]] void refuse(simdjson::error_code code) const {
    if (code == simdjson::MEMALLOC || code == simdjson::CAPACITY) {
      throw Error(ErrorCode::memory, "no memory to parse a line of " + counted(line_.size(), "byte"));
    }
    const std::string why = sentence(code);
    throw BadLine{error_column_, why.empty() ? fault_at(line_, error_column_) : why};
  }

  /// Errors found before any value is looked at come without a place.
  size_t place_of_early_error(simdjson::error_code code) const {
    if (code != simdjson::UNESCAPED_CHARS) return line_.size() + 1;
    const auto place = std::find_if(line_.begin(), line_.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r';
    });
    const size_t found = static_cast<size_t>(place - line_.begin());
    return (found < line_.size() ? found : std::min(line_.find('\t'), line_.size())) + 1;
  }

  size_t column_of(const char* place) const noexcept {
    const bool inside = place >= line_.data() && place <= line_.data() + line_.size();
    return inside ? static_cast<size_t>(place - line_.data()) + 1 : line_.size() + 1;
  }

  void parse_object(ondemand::document& document, Row& row) {
    if (document.type() != json_type::object) {
      throw BadLine{1, "the line is no JSON object, expected {\"text\": ..., \"labels\": [...]}",
                    "a JSON array becomes JSONL by: jq -c '.[]'"};
    }
    const size_t last = line_.find_last_not_of(" \t\r");
    if (line_[last] != '}') {
      throw BadLine{last + 1, "the JSON object does not end where its line ends, expected '}' there",
                    "JSONL has one whole object per line; jq -c . makes it so"};
    }
    texts_.assign(text_fields_.size(), {});
    seen_ = 0;
    for (ondemand::field field : document.get_object()) {
      const std::string_view key = field.unescaped_key();
      ondemand::value value = field.value();
      take_field(key, value, row);
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::SUCCESS) {
      throw BadLine{column_of(rest), "something follows the JSON object, expected the end of the line",
                    "JSONL has one object per line"};
    }
    join_texts(row);
    if (!row.has_text && !row.has_features) {
      throw BadLine{1,
                    "the row has neither " + shown(text_fields_.front()) + " nor " + shown(features_field_) +
                        ", expected one of them",
                    "text_field names the field that holds the text"};
    }
  }

  void take_field(std::string_view key, ondemand::value& value, Row& row) {
    for (size_t i = 0; i < text_fields_.size(); ++i) {
      if (key == text_fields_[i]) {
        refuse_repeat(i, key, value);
        return take_text(value, texts_[i], key);
      }
    }
    const size_t first = text_fields_.size();
    if (key == labels_field_) {
      refuse_repeat(first, key, value);
      take_labels(value, row);
    } else if (key == weight_field_) {
      refuse_repeat(first + 1, key, value);
      take_weight(value, row);
    } else if (key == id_field_) {
      refuse_repeat(first + 2, key, value);
      take_id(value, row);
    } else if (key == features_field_) {
      refuse_repeat(first + 3, key, value);
      take_features(value, row);
    } else {
      expect_json(value, 1);
    }
  }

  /// Throws for a value of a field not used that is no JSON.
  void expect_json(ondemand::value& value, size_t depth) {
    const std::string_view raw = token(value);
    const size_t column = column_of(raw.data());
    const char first = raw.empty() ? '\0' : raw.front();
    if (first == '[' || first == '{') {
      if (depth == simdjson::DEFAULT_MAX_DEPTH) throw BadLine{column, sentence(simdjson::DEPTH_ERROR)};
      first == '[' ? expect_json_items(value, depth + 1) : expect_json_fields(value, depth + 1);
    } else if (first == '"') {
      expect_escapes(raw);
      is_whole_string(raw) ? static_cast<void>(value.get_raw_json_string().value())
                           : static_cast<void>(value.get_string().value());
    } else if (is_number(raw)) {
      expect_number(raw);
    } else if (raw != "true" && raw != "false" && raw != "null") {
      const bool is_word = (first | 0x20) >= 'a' && (first | 0x20) <= 'z';
      throw BadLine{column, is_word ? sentence(simdjson::T_ATOM_ERROR) : fault_at(line_, column)};
    }
  }

  void expect_json_items(ondemand::value& value, size_t depth) {
    for (ondemand::value item : value.get_array()) expect_json(item, depth);
  }

  void expect_json_fields(ondemand::value& value, size_t depth) {
    for (ondemand::field field : value.get_object()) {
      const char* key = field.key().raw();
      ondemand::value item = field.value();
      expect_escapes({key, static_cast<size_t>(token(item).data() - key)});  // a colon and white space hold none
      expect_json(item, depth);
    }
  }

  void expect_escapes(std::string_view text) const {
    const size_t bad = find_bad_escape(text);
    if (bad == std::string_view::npos) return;
    throw BadLine{column_of(text.data() + bad), sentence(simdjson::STRING_ERROR)};
  }

  void expect_number(std::string_view raw) const {
    if (!is_json_number(raw)) throw BadLine{column_of(raw.data()), sentence(simdjson::NUMBER_ERROR)};
  }

  static bool is_number(std::string_view raw) noexcept {
    return !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
  }

  void refuse_repeat(size_t bit, std::string_view key, ondemand::value& value) {
    const uint64_t mask = uint64_t{1} << std::min<size_t>(bit, 63);
    if (bit < 63 && (seen_ & mask) != 0) {
      throw BadLine{column_of(token(value).data()), "the field " + shown(key) + " is there twice, expected it once"};
    }
    seen_ |= mask;
  }

  /// What only begins like null is left to be refused.
  static bool is_null(ondemand::value& value) { return token(value) == "null"; }

  static std::string_view token(ondemand::value& value) { return without_trailing_space(value.raw_json_token()); }

  static bool is_whole_string(std::string_view raw) noexcept {
    return raw.size() >= 2 && raw.front() == '"' && raw.back() == '"';
  }

  /// The text of a string value; a view into the line unless it has escapes.
  std::string_view string_of(ondemand::value& value) {
    const std::string_view raw = token(value);
    if (is_whole_string(raw) && raw.find('\\') == std::string_view::npos) {
      value.get_raw_json_string().value();  // consumed: one that is left is taken for a key where a colon follows
      return raw.substr(1, raw.size() - 2);
    }
    string_column_ = column_of(raw.data());
    return value.get_string();
  }

  [[noreturn]] void refuse_value(ondemand::value& value, std::string_view what, const char* expected) const {
    const std::string_view raw = token(value);
    throw BadLine{column_of(raw.data()), std::string(what) + " is " + shown(raw) + ", expected " + expected};
  }

  void take_text(ondemand::value& value, std::pair<std::string_view, bool>& text, std::string_view key) {
    if (is_null(value)) return;
    if (value.type() != json_type::string) {
      // The key may be a view into the parser's scratch; the message copies it.
      refuse_value(value, shown(key), "a string");
    }
    text = {string_of(value), true};
  }

  void join_texts(Row& row) const {
    size_t present = 0;
    for (const auto& [text, given] : texts_) present += given ? 1 : 0;
    row.has_text = present > 0;
    if (present == 0) return;
    for (const auto& [text, given] : texts_) {
      if (!given) continue;
      if (present == 1) {
        row.text = text;
        return;
      }
      if (!row.scratch.empty()) row.scratch += ' ';
      row.scratch += text;
    }
    row.text = row.scratch;
  }

  void take_labels(ondemand::value& value, Row& row) {
    const json_type type = value.type();
    if (type == json_type::array) {
      for (ondemand::value item : value.get_array()) take_label(item, row);
    } else if (type == json_type::object) {
      for (ondemand::field field : value.get_object()) {
        LabelMention label;
        label.name = field.unescaped_key();
        ondemand::value relevance = field.value();
        label.column = column_of(token(relevance).data());
        label.relevance = number(relevance, "relevance");
        if (is_relevant(label.relevance, label.column)) row.labels.push_back(label);
      }
    } else if (!is_null(value)) {
      take_label(value, row);
    }
  }

  void take_label(ondemand::value& value, Row& row) {
    LabelMention label;
    label.column = column_of(token(value).data());
    const json_type type = value.type();
    if (type == json_type::string) {
      label.name = string_of(value);
    } else if (type == json_type::number) {
      label.id = parse_index(token(value), label.column, {LabelMention::kNamed - 1, ""}, "label");
      expect_number(token(value));
    } else {
      refuse_value(value, "label", "a name or a whole number");
    }
    row.labels.push_back(label);
  }

  float number(ondemand::value& value, const char* what) const {
    const std::string_view raw = token(value);
    // NaN and Infinity, which Python writes, are no JSON: simdjson would only say that a word is malformed.
    if (!is_number(raw)) refuse_value(value, what, "a finite number");
    const float parsed = parse_value(raw, column_of(raw.data()), what);
    expect_number(raw);
    return parsed;
  }

  void take_weight(ondemand::value& value, Row& row) const {
    if (is_null(value)) return;
    row.weight = number(value, "weight");
    if (row.weight < 0) refuse_value(value, "weight", "a number from 0");
  }

  void take_id(ondemand::value& value, Row& row) {
    if (is_null(value)) return;
    const json_type type = value.type();
    if (type == json_type::string) {
      row.id = string_of(value);
    } else if (type == json_type::number) {
      expect_number(token(value));
      row.id = token(value);
    } else {
      refuse_value(value, "id", "a string or a number");
    }
    row.has_id = true;
  }

  void take_features(ondemand::value& value, Row& row) const {
    if (is_null(value)) return;
    const json_type type = value.type();
    if (type == json_type::array) {
      uint32_t index = 0;
      for (ondemand::value item : value.get_array()) {
        if (index > limit_.highest) refuse_value(item, "feature value", "no more features than n_features says");
        const float weight = number(item, "feature value");
        if (weight != 0) row.features.push_back({index, weight});
        ++index;
      }
    } else if (type == json_type::object) {
      for (ondemand::field field : value.get_object()) {
        const std::string_view key = field.unescaped_key();
        ondemand::value item = field.value();
        const size_t column = column_of(token(item).data());
        const uint64_t index = parse_index(key, column, limit_, "feature index");
        row.features.push_back({static_cast<uint32_t>(index), number(item, "feature value")});
      }
    } else {
      refuse_value(value, "features", "an object {\"index\": value} or an array of values");
    }
    row.has_features = true;
  }

  std::vector<std::string> text_fields_;
  std::string labels_field_;
  std::string features_field_;
  std::string weight_field_;
  std::string id_field_;
  IndexLimit limit_;
  ondemand::parser parser_;
  std::string repaired_line_;
  std::string_view line_;
  size_t error_column_ = 1;
  size_t string_column_ = 0;  ///< of the latest string with escapes, 0 = none
  uint64_t seen_ = 0;
  std::vector<std::pair<std::string_view, bool>> texts_;
};

}  // namespace

std::unique_ptr<RowParser> make_jsonl_parser(const ReadOptions& options) {
  return std::make_unique<JsonlParser>(options);
}

}  // namespace coppice
