// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/words.h"

#include <fmt/core.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr int kMostMarks = 32;
constexpr size_t kMostGap = 5;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

using CodePoint = utf8proc_int32_t;

/// The code point that `text` begins with and its bytes; -1 and 1 byte for what is no UTF-8. `text` is not empty.
struct Decoded {
  CodePoint code = -1;
  size_t bytes = 1;
};
Decoded decode(std::string_view text) noexcept {
  CodePoint code = -1;
  const auto size = static_cast<utf8proc_ssize_t>(std::min<size_t>(text.size(), 4));
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), size, &code);
  return bytes > 0 ? Decoded{code, static_cast<size_t>(bytes)} : Decoded{};
}

/// Valid UTF-8 without long runs of combining marks.
std::string mended(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (int marks = 0; !text.empty();) {
    const Decoded next = decode(text);
    const bool is_mark = next.code > 0 && utf8proc_get_property(next.code)->combining_class > 0;
    marks = is_mark ? marks + 1 : 0;
    if (marks <= kMostMarks) result += next.code < 0 ? kReplacement : text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  return result;
}

enum class Letter { none, word, digit, alone };

bool is_written_without_blanks(CodePoint c) noexcept {
  return (c >= 0x2E80 && c <= 0x312F) || (c >= 0x3190 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x3FFFF);
}

Letter kind_of(CodePoint c) noexcept {
  if (c < 0x80) {
    if (c >= '0' && c <= '9') return Letter::digit;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Letter::word;
    return std::string_view("%+#@=<>$").find(static_cast<char>(c)) != std::string_view::npos ? Letter::alone
                                                                                             : Letter::none;
  }
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return is_written_without_blanks(c) ? Letter::alone : Letter::word;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
      return Letter::word;
    case UTF8PROC_CATEGORY_ND:
      return Letter::digit;
    case UTF8PROC_CATEGORY_SC:
      return Letter::alone;
    default:
      return Letter::none;
  }
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Whether the '.' or ',' that `rest` begins with stands between digits.
bool joins_digits(std::string_view word, std::string_view rest) noexcept {
  return !word.empty() && is_digit(word.back()) && rest.size() > 1 && (rest[0] == '.' || rest[0] == ',') &&
         is_digit(rest[1]);
}

/// Whether `words`, from `begin` on, follow the patterns.
bool stands_at(const std::vector<std::string>& words, size_t begin, const std::vector<std::string>& patterns) {
  if (patterns.size() > words.size() - begin) return false;
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (!matches_glob(words[begin + i], patterns[i])) return false;
  }
  return true;
}

}  // namespace

bool is_text(std::string_view bytes) noexcept {
  if (bytes.find('\0') != bytes.npos) return false;
  while (!bytes.empty()) {
    const Decoded next = decode(bytes);
    if (next.code < 0) return false;
    bytes.remove_prefix(next.bytes);
  }
  return true;
}

std::string folded(std::string_view text) {
  const std::string valid = mended(text);
  constexpr auto kHow = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                                       UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  utf8proc_uint8_t* mapped = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                                 static_cast<utf8proc_ssize_t>(valid.size()), &mapped, kHow);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> held(mapped, &std::free);
  if (size < 0) throw Error(ErrorCode::memory, fmt::format("cannot fold a text of {} bytes", text.size()));
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)};
}

std::vector<std::string> words_of(std::string_view text) {
  const std::string all = folded(text);
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::string_view rest = all; !rest.empty();) {
    const Decoded next = decode(rest);
    const Letter kind = kind_of(next.code);
    const bool belongs = kind == Letter::word || kind == Letter::digit || joins_digits(word, rest);
    if (!belongs) end_word();
    if (belongs || kind == Letter::alone) word += rest.substr(0, next.bytes);
    if (kind == Letter::alone) end_word();
    rest.remove_prefix(next.bytes);
  }
  end_word();
  return words;
}

bool is_counted(std::string_view word) noexcept {
  const CodePoint c = word.empty() ? -1 : decode(word).code;
  const Letter kind = c < 0 ? Letter::none : kind_of(c);
  return kind == Letter::word || kind == Letter::digit || (kind == Letter::alone && is_written_without_blanks(c));
}

size_t count_words(const std::vector<std::string>& words) noexcept {
  return static_cast<size_t>(std::count_if(words.begin(), words.end(), is_counted));
}

bool begins_with_capital(std::string_view text) noexcept {
  const CodePoint c = text.empty() ? -1 : decode(text).code;
  return c >= 0 && (utf8proc_category(c) == UTF8PROC_CATEGORY_LU || utf8proc_category(c) == UTF8PROC_CATEGORY_LT);
}

bool matches_glob(std::string_view text, std::string_view pattern) noexcept {
  size_t t = 0, p = 0;
  size_t star = std::string_view::npos, resume = 0;  // the last '*', and where what it stands for ends
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Phrase::Phrase(std::string_view text) : text_(text) {
  constexpr std::string_view kBlank = " \t\r\n";
  parts_.emplace_back();
  for (size_t begin = text.find_first_not_of(kBlank); begin != text.npos;) {
    const size_t end = std::min(text.find_first_of(kBlank, begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    begin = text.find_first_not_of(kBlank, end);
    if (item == "*") {
      if (!parts_.back().words.empty()) parts_.push_back({{}, true});
    } else if (item.find('*') != item.npos) {
      parts_.back().words.push_back(folded(item));
    } else {
      for (std::string& word : words_of(item)) parts_.back().words.push_back(std::move(word));
    }
  }
  if (parts_.back().words.empty() && parts_.size() > 1) parts_.pop_back();
  if (parts_.back().words.empty()) {
    throw Error(ErrorCode::usage, fmt::format("got the phrase '{}', expected one with a word in it", shown(text)));
  }
}

std::optional<size_t> Phrase::find(const std::vector<std::string>& words) const {
  // For each place the first word of a match of the parts so far that lets the next part begin there.
  constexpr size_t kNone = ~size_t{0};
  std::vector<size_t> from(words.size() + 1, kNone);
  for (size_t i = 0; i <= words.size(); ++i) from[i] = i;
  for (const Part& part : parts_) {
    std::vector<size_t> ends(words.size() + 1, kNone);
    for (size_t i = 0; i <= words.size(); ++i) {
      size_t first = from[i];
      for (size_t back = 1; part.after_gap && back <= std::min(kMostGap, i); ++back) {
        first = std::min(first, from[i - back]);
      }
      if (first != kNone && stands_at(words, i, part.words)) ends[i + part.words.size()] = first;
    }
    from = std::move(ends);
  }
  const size_t first = *std::min_element(from.begin(), from.end());
  return first == kNone ? std::nullopt : std::optional(first);
}

std::string shown(std::string_view text, size_t most) {
  std::string result;
  size_t n = 0;
  for (; !text.empty() && n < most; ++n) {
    const Decoded next = decode(text);
    const bool is_blank = next.code >= 0 && (next.code <= 0x20 || next.code == 0x7F);
    if (is_blank && (result.empty() || result.back() == ' ')) --n;  // one blank for several
    if (is_blank && !result.empty() && result.back() != ' ') result += ' ';
    if (!is_blank) result += next.code < 0 ? std::string_view("?") : text.substr(0, next.bytes);
    text.remove_prefix(next.bytes);
  }
  const bool is_cut = text.find_first_not_of(" \t\r\n") != text.npos;
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return is_cut ? result + "..." : result;
}

}  // namespace coppice
