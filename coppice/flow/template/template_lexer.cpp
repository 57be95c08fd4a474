// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/flow/template/template_literal.h"

namespace coppice::templates {
namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Bytes above ASCII belong to names: keys are in any language.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

std::string with_plain_newlines(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      result += text[i];
    } else if (i + 1 >= text.size() || text[i + 1] != '\n') {
      result += '\n';
    }
  }
  return result;
}

class Lexer {
 public:
  Lexer(std::string_view text, const TextPlace& place)
      : source_(with_plain_newlines(text)), file_(place.file), place_{place.line, place.column} {}

  std::vector<Token> all_of_template() {
    while (position_ < source_.size()) lex_data();
    add(TokenKind::end, {});
    return std::move(tokens_);
  }

  std::vector<Token> all_of_expression() {
    while (skip_blanks(), position_ < source_.size()) lex_inside_token();
    add(TokenKind::end, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(position_); }
  char at(size_t index) const { return index < source_.size() ? source_[index] : '\0'; }

  void add(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), place_}); }

  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    fail_syntax(file_, place_, what, hint);
  }

  /// Moves on, counting lines.
  void pass(size_t n_bytes) {
    for (const char c : std::string_view(source_).substr(position_, n_bytes)) {
      if (c == '\n') {
        ++place_.line;
        place_.column = 1;
      } else {
        ++place_.column;
      }
    }
    position_ += n_bytes;
    line_starts_ = position_ > 0 && source_[position_ - 1] == '\n';
  }

  void skip_blanks() {
    const size_t end = source_.find_first_not_of(kBlanks, position_);
    if (end != position_) pass(std::min(end, source_.size()) - position_);
  }

  size_t next_tag() const {
    size_t i = position_;
    while ((i = source_.find('{', i)) != std::string::npos) {
      const char c = at(i + 1);
      if (c == '{' || c == '%' || c == '#') return i;
      ++i;
    }
    return source_.size();
  }

  /// A piece of text up to a tag that begins at `tag`, without the blanks that the tag takes away.
  void add_data(size_t tag, bool takes_indent) {
    std::string_view data = std::string_view(source_).substr(position_, tag - position_);
    const char sign = at(tag + 2);
    if (tag < source_.size() && sign == '-') {
      data = data.substr(0, data.find_last_not_of(kBlanks) + 1);  // npos + 1 is 0
    } else if (tag < source_.size() && sign != '+' && takes_indent) {
      const size_t line = data.rfind('\n') + 1;
      const bool at_start = line > 0 || line_starts_ || position_ == 0;
      if (at_start && data.find_first_not_of(kBlanks, line) == std::string_view::npos) data = data.substr(0, line);
    }
    if (!data.empty()) add(TokenKind::data, std::string(data));
    pass(tag - position_);
  }

  void lex_data() {
    const size_t tag = next_tag();
    add_data(tag, at(tag + 1) != '{');
    if (tag == source_.size()) return;
    const char kind = at(tag + 1);
    if (kind == '#') return skip_comment();
    if (kind == '%' && skip_raw_begin()) return lex_raw();
    const bool is_block = kind == '%';
    const Place begin = place_;
    add(is_block ? TokenKind::block_begin : TokenKind::variable_begin, {});
    pass(at(position_ + 2) == '-' || at(position_ + 2) == '+' ? 3 : 2);
    open_.clear();
    while (skip_blanks(), open_.empty() ? !at_end_tag(is_block ? '%' : '}') : true) {
      if (position_ >= source_.size()) {
        fail_syntax(file_, begin, is_block ? "'{%' is not closed by '%}'" : "'{{' is not closed by '}}'");
      }
      lex_inside_token();
    }
    add(is_block ? TokenKind::block_end : TokenKind::variable_end, {});
    pass_end_tag(is_block);
  }

  bool at_end_tag(char kind) const {
    const std::array<char, 2> plain{kind, '}'};
    const std::string_view end(plain.data(), plain.size()), here = rest();
    if (here.starts_with(end)) return true;
    if (here.empty() || !here.substr(1).starts_with(end)) return false;
    return here[0] == '-' || (here[0] == '+' && kind != '}');
  }

  /// What a closing tag takes away: '-' all blanks after it, a block without a sign the end of its line.
  void pass_end_tag(bool is_block) {
    const char sign = at(position_);
    const bool has_sign = sign == '-' || sign == '+';
    pass(has_sign ? 3 : 2);
    if (sign == '-') skip_blanks();
    if (is_block && !has_sign && at(position_) == '\n') pass(1);
  }

  void skip_comment() {
    const char sign = at(position_ + 2);
    const size_t end = source_.find("#}", position_ + (sign == '-' || sign == '+' ? 3 : 2));
    if (end == std::string::npos) fail("'{#' is not closed by '#}'");
    const size_t content = position_ + (sign == '-' || sign == '+' ? 3 : 2);
    const bool has_sign = end > content && (source_[end - 1] == '-' || source_[end - 1] == '+');
    pass(end - (has_sign ? 1 : 0) - position_);
    pass_end_tag(true);
  }

  /// The end of the tag `{% WORD %}` that begins at `begin`, at its closing sign; npos where it is another tag.
  size_t end_of_word_tag(size_t begin, std::string_view word) const {
    size_t i = begin + 2;
    if (at(i) == '-' || at(i) == '+') ++i;
    i = std::min(source_.find_first_not_of(kBlanks, i), source_.size());
    if (!std::string_view(source_).substr(i).starts_with(word)) return std::string::npos;
    i = std::min(source_.find_first_not_of(kBlanks, i + word.size()), source_.size());
    const size_t close = at(i) == '-' || at(i) == '+' ? i + 1 : i;
    return std::string_view(source_).substr(close).starts_with("%}") ? i : std::string::npos;
  }

  bool skip_raw_begin() {
    const size_t end = end_of_word_tag(position_, "raw");
    if (end == std::string::npos) return false;
    raw_ = place_;
    pass(end - position_);
    const char sign = at(position_);
    pass(sign == '-' || sign == '+' ? 3 : 2);
    if (sign == '-') skip_blanks();
    return true;
  }

  void lex_raw() {
    for (size_t tag = position_; (tag = source_.find("{%", tag)) != std::string::npos; ++tag) {
      const size_t end = end_of_word_tag(tag, "endraw");
      if (end == std::string::npos) continue;
      add_data(tag, true);
      pass(end - position_);
      return pass_end_tag(true);
    }
    fail_syntax(file_, raw_, "'{% raw %}' is not closed by '{% endraw %}'");
  }

  void lex_inside_token() {
    const char c = at(position_);
    if (is_digit(c)) return lex_number();
    if (begins_name(c)) return lex_name();
    if (c == '"' || c == '\'') return lex_text();
    lex_symbol();
  }

  void lex_name() {
    size_t end = position_;
    while (end < source_.size() && (begins_name(source_[end]) || is_digit(source_[end]))) ++end;
    add(TokenKind::name, source_.substr(position_, end - position_));
    pass(end - position_);
  }

  size_t end_of_digits(size_t i) const {
    while (is_digit(at(i)) || (at(i) == '_' && is_digit(at(i + 1)))) ++i;
    return i;
  }

  /// A number after a dot is an index, a.0.1, and never has a fraction.
  void lex_number() {
    size_t end = end_of_digits(position_);
    bool is_real = false;
    if (position_ == 0 || source_[position_ - 1] != '.') {
      if (at(end) == '.' && is_digit(at(end + 1))) {
        is_real = true;
        end = end_of_digits(end + 1);
      }
      const size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
      if ((at(end) == 'e' || at(end) == 'E') && is_digit(at(end + 1 + sign))) {
        is_real = true;
        end = end_of_digits(end + 1 + sign);
      }
    }
    std::string digits = source_.substr(position_, end - position_);
    std::erase(digits, '_');
    if (!is_real && digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of('0') != std::string::npos) {
      fail("got " + digits + ", expected a number without zeros in front");
    }
    add(is_real ? TokenKind::real : TokenKind::integer, std::move(digits));
    pass(end - position_);
  }

  void lex_text() {
    const char quote = at(position_);
    size_t end = position_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail("the text is not closed by a " + std::string(1, quote));
    const std::string_view literal = std::string_view(source_).substr(position_ + 1, end - position_ - 1);
    std::string value;
    if (!unescape(literal, value)) {
      fail("the text has an escape that is no character", "escapes are those of Python: \\n, \\t, \\\\, \\u00e9");
    }
    add(TokenKind::text, std::move(value));
    pass(end + 1 - position_);
  }

  void lex_symbol() {
    static constexpr std::array<std::string_view, 6> kLong{"//", "**", "==", "!=", ">=", "<="};
    static constexpr std::string_view kShort = "+-/*%~[](){}><=.:|,;";
    const std::string_view here = rest();
    for (const std::string_view symbol : kLong) {
      if (!here.starts_with(symbol)) continue;
      add(TokenKind::symbol, std::string(symbol));
      return pass(2);
    }
    const char c = here[0];
    if (kShort.find(c) == std::string_view::npos) {
      fail(static_cast<unsigned char>(c) < 0x20 || c == 0x7F
               ? "got a control character, expected an expression"
               : "got '" + std::string(1, c) + "', expected an expression");
    }
    keep_balance(c);
    add(TokenKind::symbol, std::string(1, c));
    pass(1);
  }

  /// Brackets that are open keep a }} from ending the expression: {{ {"a": {}} }}.
  void keep_balance(char c) {
    if (c == '(') open_ += ')';
    if (c == '[') open_ += ']';
    if (c == '{') open_ += '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (open_.empty()) fail("got '" + std::string(1, c) + "', which closes nothing");
    if (open_.back() != c) fail("got '" + std::string(1, c) + "', expected '" + std::string(1, open_.back()) + "'");
    open_.pop_back();
  }

  std::string source_;
  const std::string& file_;
  Place place_;
  Place raw_;
  size_t position_ = 0;
  bool line_starts_ = true;
  std::string open_;  ///< the brackets that would close those open, the inmost last
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> template_tokens(std::string_view text, const TextPlace& place) {
  return Lexer(text, place).all_of_template();
}

std::vector<Token> expression_tokens(std::string_view text, const TextPlace& place) {
  return Lexer(text, place).all_of_expression();
}

std::string where(const std::string& file, const Place& place) {
  const std::string position = std::to_string(place.line) + ":" + std::to_string(place.column);
  return file.empty() ? position : file + ":" + position;
}

void fail_syntax(const std::string& file, const Place& place, const std::string& what, const std::string& hint) {
  throw Error(ErrorCode::usage, what, where(file, place), hint);
}

}  // namespace coppice::templates
