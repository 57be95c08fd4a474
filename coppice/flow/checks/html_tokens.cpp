// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/html_tokens.h"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr std::string_view kBlanks = " \t\n\f\r";

bool is_blank(char c) noexcept {
  return kBlanks.find(c) != kBlanks.npos;
}

bool is_letter(char c) noexcept {
  return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

HtmlToken plain_text(size_t offset, std::string_view text) {
  HtmlToken token;
  token.kind = HtmlToken::Kind::text;
  token.offset = offset;
  token.text = text;
  return token;
}

}  // namespace

bool same_but_case(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string_view trim_blanks(std::string_view text) noexcept {
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<std::string_view> split_blanks(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t begin = text.find_first_not_of(kBlanks); begin != text.npos;) {
    const size_t end = std::min(text.find_first_of(kBlanks, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBlanks, end);
  }
  return words;
}

HtmlToken HtmlTokens::next() {
  return next_of(false);
}

HtmlToken HtmlTokens::next_foreign() {
  return next_of(true);
}

HtmlToken HtmlTokens::next_of(bool is_foreign) {
  constexpr std::string_view kCharacters = "<![CDATA[";
  while (!at_end()) {
    if (left()[0] != '<') return text_up_to(std::min(page_.find('<', at_), page_.size()));
    if (begins_tag()) {
      HtmlToken token = tag();
      if (token.kind != HtmlToken::Kind::end) return token;
    } else if (left().starts_with("<!--")) {
      skip_comment();
    } else if (left().size() >= 9 && same_but_case(left().substr(0, 9), "<!doctype")) {
      return doctype();
    } else if (is_foreign && left().starts_with(kCharacters)) {
      at_ += kCharacters.size();
      const size_t end = page_.find("]]>", at_);
      if (end == page_.npos) faults_.add(at_ - kCharacters.size(), "'<![CDATA[' is never closed with ']]>'");
      HtmlToken token = plain_text(at_, page_.substr(at_, std::min(end, page_.size()) - at_));
      at_ = end == page_.npos ? page_.size() : end + 3;
      return token;
    } else if (left().size() > 1 && (left()[1] == '!' || left()[1] == '?' || left()[1] == '/')) {
      skip_declaration();
    } else {
      faults_.add(at_, "'<' begins no tag here; write '&lt;'");
      return text_up_to(std::min(page_.find('<', at_ + 1), page_.size()));
    }
  }
  HtmlToken token;
  token.offset = page_.size();
  return token;
}

bool HtmlTokens::begins_tag() const noexcept {
  const std::string_view text = left();
  return text.size() > 1 && (is_letter(text[1]) || (text[1] == '/' && text.size() > 2 && is_letter(text[2])));
}

HtmlToken HtmlTokens::text_up_to(size_t end) {
  const std::string_view text = page_.substr(at_, end - at_);
  const size_t begin = std::exchange(at_, end);
  return plain_text(begin, decode_references(text, ReferencePlace::text, begin, faults_));
}

size_t HtmlTokens::find_end_tag(std::string_view name) const noexcept {
  for (size_t at = page_.find("</", at_); at != page_.npos; at = page_.find("</", at + 2)) {
    const size_t end = at + 2 + name.size();
    if (end >= page_.size() || !same_but_case(page_.substr(at + 2, name.size()), name)) continue;
    if (is_blank(page_[end]) || page_[end] == '>' || page_[end] == '/') return at;
  }
  return page_.size();
}

HtmlToken HtmlTokens::raw_text(std::string_view end_tag) {
  const size_t begin = std::exchange(at_, find_end_tag(end_tag));
  return plain_text(begin, page_.substr(begin, at_ - begin));
}

HtmlToken HtmlTokens::text_with_references(std::string_view end_tag) {
  return text_up_to(find_end_tag(end_tag));
}

HtmlToken HtmlTokens::rest() {
  const size_t begin = std::exchange(at_, page_.size());
  return plain_text(begin, page_.substr(begin));
}

/// Of kind `end` where the page ends within the tag: it is dropped then.
HtmlToken HtmlTokens::tag() {
  HtmlToken token;
  token.offset = at_;
  const bool is_end_tag = left()[1] == '/';
  at_ += is_end_tag ? 2 : 1;
  const size_t end_of_name = std::min(page_.find_first_of(" \t\n\f\r/>", at_), page_.size());
  token.name = lower_case(page_.substr(at_, end_of_name - at_));
  at_ = end_of_name;
  while (!at_end() && left()[0] != '>') attribute(token);
  if (at_end()) {
    faults_.add(token.offset, fmt::format("the tag '{}' is never closed with '>'", shown(token.name, 30)));
    return token;
  }
  ++at_;
  token.kind = is_end_tag ? HtmlToken::Kind::end_tag : HtmlToken::Kind::start_tag;
  if (is_end_tag && !token.attributes.empty()) {
    faults_.add(token.offset, fmt::format("the end tag </{}> has attributes", shown(token.name, 30)));
  }
  drop_repeated(token);
  return token;
}

/// One step inside of a tag: blanks, a slash or an attribute.
void HtmlTokens::attribute(HtmlToken& token) {
  const char first = left()[0];
  if (is_blank(first)) {
    ++at_;
    return;
  }
  if (first == '/') {
    token.is_self_closing = left().size() > 1 && left()[1] == '>';
    if (!token.is_self_closing) faults_.add(at_, "a '/' stands inside of a tag");
    ++at_;
    return;
  }
  const char before = page_[at_ - 1];
  if (before == '"' || before == '\'') faults_.add(at_, "a blank is missing between two attributes");
  HtmlAttribute found;
  found.name = attribute_name();
  size_t next = std::min(page_.find_first_not_of(kBlanks, at_), page_.size());
  if (next < page_.size() && page_[next] == '=') {
    at_ = std::min(page_.find_first_not_of(kBlanks, next + 1), page_.size());
    found.value = attribute_value();
  }
  token.attributes.push_back(std::move(found));
}

std::string HtmlTokens::attribute_name() {
  const size_t begin = at_;
  const size_t end = std::min(page_.find_first_of(" \t\n\f\r/>=", begin + 1), page_.size());
  const std::string_view name = page_.substr(begin, end - begin);
  if (name[0] == '=' || name.find_first_of("\"'<") != name.npos) {
    faults_.add(begin, fmt::format("got '{}', expected the name of an attribute", shown(name, 30)));
  }
  at_ = end;
  return lower_case(name);
}

std::string HtmlTokens::attribute_value() {
  if (at_end()) return {};
  const char quote = left()[0];
  const bool is_quoted = quote == '"' || quote == '\'';
  const size_t begin = is_quoted ? at_ + 1 : at_;
  const size_t end = std::min(is_quoted ? page_.find(quote, begin) : page_.find_first_of(" \t\n\f\r>", begin),  //
                              page_.size());
  const std::string_view value = page_.substr(begin, end - begin);
  if (is_quoted && end == page_.size()) faults_.add(at_, "the value of an attribute is never closed with its quote");
  if (!is_quoted && (value.empty() || value.find_first_of("\"'<=`") != value.npos)) {
    faults_.add(at_, fmt::format("got the value '{}', expected it in quotes", shown(value, 30)));
  }
  at_ = is_quoted ? std::min(end + 1, page_.size()) : end;
  return decode_references(value, ReferencePlace::attribute, begin, faults_);
}

void HtmlTokens::drop_repeated(HtmlToken& token) {
  std::unordered_set<std::string_view> names;
  std::vector<HtmlAttribute> kept;
  std::vector<size_t> firsts;
  for (size_t i = 0; i < token.attributes.size(); ++i) {
    if (names.insert(token.attributes[i].name).second) {
      firsts.push_back(i);
      continue;
    }
    faults_.add(token.offset, fmt::format("the tag <{}> has the attribute '{}' twice", shown(token.name, 30),
                                          shown(token.attributes[i].name, 30)));
  }
  if (firsts.size() == token.attributes.size()) return;
  for (const size_t i : firsts) kept.push_back(std::move(token.attributes[i]));
  token.attributes = std::move(kept);
}

void HtmlTokens::skip_declaration() {
  const size_t end = std::min(page_.find('>', at_), page_.size());
  faults_.add(at_, fmt::format("'{}' begins no tag, comment or doctype", shown(page_.substr(at_, 10), 10)));
  at_ = std::min(end + 1, page_.size());
}

void HtmlTokens::skip_comment() {
  const size_t begin = at_;
  at_ += 4;
  if (left().starts_with(">") || left().starts_with("->")) {
    faults_.add(begin, "a comment is closed before it begins");
    at_ += left()[0] == '>' ? 1 : 2;
    return;
  }
  size_t end = page_.find("--", at_);
  while (end != page_.npos && page_.substr(end + 2, 1) != ">" && page_.substr(end + 2, 2) != "!>") {
    end = page_.find("--", end + 1);
  }
  if (end == page_.npos) {
    faults_.add(begin, "a comment is never closed with '-->'");
    at_ = page_.size();
    return;
  }
  const bool is_odd = page_[end + 2] == '!';
  if (is_odd) faults_.add(end, "a comment is closed with '--!>', expected '-->'");
  at_ = end + (is_odd ? 4 : 3);
}

HtmlToken HtmlTokens::doctype() {
  HtmlToken token;
  token.kind = HtmlToken::Kind::doctype;
  token.offset = at_;
  const size_t end = std::min(page_.find('>', at_), page_.size());
  token.name = lower_case(trim_blanks(page_.substr(at_ + 9, end - at_ - 9)));
  if (end == page_.size()) faults_.add(at_, "the doctype is never closed with '>'");
  at_ = std::min(end + 1, page_.size());
  return token;
}

}  // namespace coppice
