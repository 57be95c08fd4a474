// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/js_syntax.h"

#include <fmt/core.h>

#include <algorithm>

namespace coppice {
namespace {

bool is_name_character(char c) noexcept {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '$' || c == '#' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// After these words a '/' begins a regular expression.
bool comes_before_value(std::string_view word) noexcept {
  constexpr std::string_view kWords[] = {"return", "typeof", "case", "in", "of",    "delete", "void",
                                         "throw",  "new",    "else", "do", "yield", "await",  "instanceof"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

class JsSniffer {
 public:
  explicit JsSniffer(std::string_view text) : text_(text) {}

  std::vector<JsFault> sniff() {
    if (text_.starts_with("#!")) skip_line();
    while (at_ < text_.size() && !is_in_doubt_) step();
    if (!is_in_doubt_ && !open_.empty()) {
      const Open last = open_.back();
      fault(last.offset, last.bracket == '`' ? "a template is never closed with '`'"
                                             : fmt::format("'{}' is never closed", last.bracket));
    }
    return std::move(faults_);
  }

 private:
  struct Open {
    char bracket;  ///< '(', '[', '{'; '$' for the "${" of a template, '`' for the template itself
    size_t offset;
  };

  char next(size_t ahead = 1) const noexcept { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void fault(size_t offset, std::string message) { faults_.push_back({offset, std::move(message)}); }

  /// One that makes all behind it doubtful.
  void last_fault(size_t offset, std::string message) {
    fault(offset, std::move(message));
    is_in_doubt_ = true;
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void step() {
    if (!open_.empty() && open_.back().bracket == '`') return template_text();
    const char c = text_[at_];
    if (c == '/' && next() == '/') {
      skip_line();
    } else if (c == '/' && next() == '*') {
      skip_comment();
    } else if (text_.substr(at_, 4) == "<!--") {
      skip_line();
    } else if (c == '"' || c == '\'') {
      quoted(c);
    } else if (c == '`') {
      open_.push_back({'`', at_++});
    } else if (c == '/' && !after_value_) {
      regular_expression();
    } else if (is_name_character(c)) {
      word();
    } else if ((c == '+' || c == '-') && next() == c) {
      at_ += 2;  // what stands before "++" decides as if it were not there: "i++ / 2"
    } else {
      bracket(c);
    }
  }

  void skip_comment() {
    const size_t end = text_.find("*/", at_ + 2);
    if (end == text_.npos) return last_fault(at_, "'/*' is never closed with '*/'");
    at_ = end + 2;
  }

  void quoted(char quote) {
    const size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size() || text_[at_] != quote) return last_fault(begin, "a text in quotes is never closed");
    ++at_;
    after_value_ = true;
  }

  void template_text() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\\') {
        at_ += 2;
      } else if (text_[at_] == '`') {
        open_.pop_back();
        ++at_;
        after_value_ = true;
        return;
      } else if (text_[at_] == '$' && next() == '{') {
        open_.push_back({'$', at_});
        at_ += 2;
        after_value_ = false;
        return;
      } else {
        ++at_;
      }
    }
    at_ = text_.size();
  }

  void regular_expression() {
    const size_t begin = at_++;
    bool in_class = false;
    while (at_ < text_.size() && text_[at_] != '\n' && (in_class || text_[at_] != '/')) {
      if (text_[at_] == '[') in_class = true;
      if (text_[at_] == ']') in_class = false;
      at_ += text_[at_] == '\\' ? 2 : 1;
    }
    if (at_ >= text_.size() || text_[at_] != '/') {
      return last_fault(begin, "a regular expression is never closed with '/'");
    }
    ++at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    after_value_ = true;
  }

  void word() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    const bool is_property = begin > 0 && text_[begin - 1] == '.';
    after_value_ = is_property || !comes_before_value(text_.substr(begin, at_ - begin));
  }

  void bracket(char c) {
    ++at_;
    if (c == '(' || c == '[' || c == '{') {
      open_.push_back({c, at_ - 1});
      after_value_ = false;
    } else if (c == ')' || c == ']' || c == '}') {
      close(c);
    } else if (static_cast<unsigned char>(c) > 0x20) {
      after_value_ = false;
    }
  }

  void close(char c) {
    const char expected = c == ')' ? '(' : c == ']' ? '[' : '{';
    if (open_.empty()) return last_fault(at_ - 1, fmt::format("'{}' closes nothing", c));
    const Open last = open_.back();
    if (last.bracket != expected && !(c == '}' && last.bracket == '$')) {
      return last_fault(at_ - 1, fmt::format("'{}' stands where '{}' is still open", c, last.bracket));
    }
    open_.pop_back();
    after_value_ = true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Open> open_;
  std::vector<JsFault> faults_;
  bool after_value_ = false;  ///< a '/' here divides
  bool is_in_doubt_ = false;
};

}  // namespace

std::vector<JsFault> sniff_js(std::string_view text) {
  return JsSniffer(text).sniff();
}

}  // namespace coppice
