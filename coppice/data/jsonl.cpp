// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
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

/// Follows the tokens of JSON far enough to know what may come next; of what is no JSON, any answer.
class JsonTokens {
 public:
  void take(std::string_view json) {
    for (size_t i = 0; i < json.size(); ++i) {
      const char c = json[i];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
      if (c == '"') i = end_of_string(json, i);
      take_token(c);
    }
  }

  const char* expected() const {
    const bool in_list = is_inside('[');
    switch (last_) {
      case kKey:
        return "':'";
      case '{':
        return "a field's name in double quotes or '}'";
      case '[':
        return "a value or ']'";
      case ',':
        return in_list ? "a value" : "a field's name in double quotes";
      case ':':
        return "a value";
      default:
        return in_list ? "',' or ']'" : "',' or '}'";
    }
  }

 private:
  static constexpr char kKey = 'k', kValue = 'v';

  bool is_inside(char bracket) const { return !open_.empty() && open_.back() == bracket; }

  void take_token(char c) {
    const bool is_key = c == '"' && is_inside('{') && (last_ == '{' || last_ == ',');
    if (c == '{' || c == '[') open_ += c;
    if ((c == '}' || c == ']') && !open_.empty()) open_.pop_back();
    const bool is_mark = c == '{' || c == '[' || c == ',' || c == ':';
    last_ = is_key ? kKey : is_mark ? c : kValue;
  }

  static size_t end_of_string(std::string_view json, size_t begin) {
    size_t i = begin + 1;
    while (i < json.size() && json[i] != '"') i += json[i] == '\\' ? 2 : 1;
    return i;
  }

  std::string open_;  ///< brackets
  char last_ = kValue;
};

/// What stands at a place where JSON has no such thing, and what it would have there.
std::string fault_at(std::string_view line, size_t column) {
  JsonTokens before;
  before.take(line.substr(0, column - 1));
  const std::string_view rest = line.substr(std::min(column - 1, line.size()));
  constexpr std::string_view kMarks = " \t\r,:[]{}";
  const bool is_mark = !rest.empty() && kMarks.find(rest.front()) != std::string_view::npos;
  const size_t end = is_mark ? 1 : std::min(rest.find_first_of(kMarks), rest.size());
  const std::string got = rest.empty() ? "the line ends" : "got " + shown(rest.substr(0, end));
  return "malformed JSON: " + got + ", expected " + before.expected();
}

/// Rewrites the escapes of lone surrogates (\ud83d without its other half) to \ufffd; true if there were any.
bool replace_lone_surrogates(std::string& line) {
  bool any = false;
  const auto unit = [&](size_t at) -> unsigned {
    if (at + 6 > line.size() || line[at] != '\\' || line[at + 1] != 'u') return 0;
    unsigned value = 0;
    for (size_t i = at + 2; i < at + 6; ++i) {
      const char c = line[i];
      const bool digit = c >= '0' && c <= '9';
      const char lower = static_cast<char>(c | 0x20);
      if (!digit && (lower < 'a' || lower > 'f')) return 0;
      value = value * 16 + static_cast<unsigned>(digit ? c - '0' : lower - 'a' + 10);
    }
    return value;
  };
  for (size_t i = line.find('\\'); i != std::string::npos && i + 1 < line.size(); i = line.find('\\', i)) {
    const unsigned first = unit(i);
    const bool high = first >= 0xd800 && first <= 0xdbff;
    const unsigned second = high ? unit(i + 6) : 0;
    if (high && second >= 0xdc00 && second <= 0xdfff) {
      i += 12;
    } else if (first >= 0xd800 && first <= 0xdfff) {
      line.replace(i + 2, 4, "fffd");
      any = true;
      i += 6;
    } else {
      i += 2;
    }
  }
  return any;
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
    }
  }

  void refuse_repeat(size_t bit, std::string_view key, ondemand::value& value) {
    const uint64_t mask = uint64_t{1} << std::min<size_t>(bit, 63);
    if (bit < 63 && (seen_ & mask) != 0) {
      throw BadLine{column_of(token(value).data()), "the field " + shown(key) + " is there twice, expected it once"};
    }
    seen_ |= mask;
  }

  static std::string_view token(ondemand::value& value) { return without_trailing_space(value.raw_json_token()); }

  /// The text of a string value; a view into the line unless it has escapes.
  std::string_view string_of(ondemand::value& value) {
    const std::string_view raw = token(value);
    const bool whole = raw.size() >= 2 && raw.front() == '"' && raw.back() == '"';
    if (whole && raw.find('\\') == std::string_view::npos) {
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
    const json_type type = value.type();
    if (type == json_type::null) return;
    if (type != json_type::string) {
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
    } else if (type != json_type::null) {
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
    } else {
      refuse_value(value, "label", "a name or a whole number");
    }
    row.labels.push_back(label);
  }

  float number(ondemand::value& value, const char* what) const {
    const std::string_view raw = token(value);
    // NaN and Infinity, which Python writes, are no JSON: simdjson would only say that a word is malformed.
    const bool starts_number = !raw.empty() && (raw.front() == '-' || (raw.front() >= '0' && raw.front() <= '9'));
    if (!starts_number) refuse_value(value, what, "a finite number");
    return parse_value(raw, column_of(raw.data()), what);
  }

  void take_weight(ondemand::value& value, Row& row) const {
    if (token(value) == "null") return;
    row.weight = number(value, "weight");
    if (row.weight < 0) refuse_value(value, "weight", "a number from 0");
  }

  void take_id(ondemand::value& value, Row& row) {
    const json_type type = value.type();
    if (type == json_type::null) return;
    if (type == json_type::string) {
      row.id = string_of(value);
    } else if (type == json_type::number) {
      row.id = token(value);
    } else {
      refuse_value(value, "id", "a string or a number");
    }
    row.has_id = true;
  }

  void take_features(ondemand::value& value, Row& row) const {
    const json_type type = value.type();
    if (type == json_type::null) return;
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
