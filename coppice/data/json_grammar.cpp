// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/json_grammar.h"

#include <algorithm>

#include "coppice/data/row.h"

namespace coppice {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_hexadecimal(char c) noexcept {
  const char lower = static_cast<char>(c | 0x20);
  return is_digit(c) || (lower >= 'a' && lower <= 'f');
}

/// The number of digits at the front of `text`.
size_t count_digits(std::string_view text) noexcept {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
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

}  // namespace

bool is_json_number(std::string_view token) noexcept {
  if (token.starts_with('-')) token.remove_prefix(1);
  const size_t whole = count_digits(token);
  if (whole == 0 || (whole > 1 && token.front() == '0')) return false;
  token.remove_prefix(whole);
  if (token.starts_with('.')) {
    const size_t fraction = count_digits(token.substr(1));
    if (fraction == 0) return false;
    token.remove_prefix(1 + fraction);
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    return !token.empty() && count_digits(token) == token.size();
  }
  return token.empty();
}

size_t find_bad_escape(std::string_view text) noexcept {
  constexpr std::string_view kEscaped = "\"\\/bfnrtu";
  for (size_t i = text.find('\\'); i != std::string_view::npos; i = text.find('\\', i)) {
    if (i + 1 == text.size() || kEscaped.find(text[i + 1]) == std::string_view::npos) return i;
    const std::string_view digits = text[i + 1] == 'u' ? text.substr(i + 2, 4) : std::string_view("0000");
    if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), is_hexadecimal)) return i;
    i += text[i + 1] == 'u' ? 6 : 2;
  }
  return std::string_view::npos;
}

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

}  // namespace coppice
