// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// What is wrong at a byte of a page.
struct HtmlFault {
  size_t offset = 0;
  std::string message;
};

/// The first faults, and how many there are in all.
class HtmlFaults {
 public:
  static constexpr size_t kMost = 200;

  void add(size_t offset, std::string message) {
    if (list_.size() < kMost) list_.push_back({offset, std::move(message)});
    ++count_;
  }
  /// In the order in which they were found.
  const std::vector<HtmlFault>& list() const noexcept { return list_; }
  size_t count() const noexcept { return count_; }

 private:
  std::vector<HtmlFault> list_;
  size_t count_ = 0;
};

struct HtmlAttribute {
  std::string name, value;
};

struct HtmlToken {
  enum class Kind : uint8_t { start_tag, end_tag, text, doctype, end };
  Kind kind = Kind::end;
  size_t offset = 0;  ///< of its first byte
  std::string name;   ///< of a tag or a doctype, in lower case
  std::string text;
  std::vector<HtmlAttribute> attributes;
  bool is_self_closing = false;
};

/// Takes a page apart into tags and texts; comments are left out. Cost: linear in the bytes.
/// Source: HTML Living Standard, section 13.2.5, but for the escaped states of scripts.
class HtmlTokens {
 public:
  /// Both are borrowed. A byte order mark is skipped.
  HtmlTokens(std::string_view page, HtmlFaults& faults) noexcept
      : page_(page), faults_(faults), at_(page.starts_with("\xEF\xBB\xBF") ? 3 : 0) {}

  /// `Kind::end`, and that for ever, when there is no more.
  HtmlToken next();
  /// Inside of svg and math, where <![CDATA[ begins a text.
  HtmlToken next_foreign();

  /// All up to the end tag of that name, as one text. In a text that holds markup for no one (script, style) nothing is
  /// decoded; in a title or a textarea references are.
  HtmlToken raw_text(std::string_view end_tag);
  HtmlToken text_with_references(std::string_view end_tag);
  /// All the rest.
  HtmlToken rest();

 private:
  HtmlToken next_of(bool is_foreign);
  bool begins_tag() const noexcept;
  size_t find_end_tag(std::string_view name) const noexcept;
  HtmlToken text_up_to(size_t end);
  HtmlToken tag();
  void attribute(HtmlToken& tag);
  std::string attribute_name();
  std::string attribute_value();
  void drop_repeated(HtmlToken& tag);
  void skip_declaration();
  void skip_comment();
  HtmlToken doctype();

  bool at_end() const noexcept { return at_ >= page_.size(); }
  std::string_view left() const noexcept { return page_.substr(at_); }

  std::string_view page_;
  HtmlFaults& faults_;
  size_t at_;
};

/// Where character references stand: "&amp;" in a text and "&amp" in a value follow different rules.
enum class ReferencePlace { text, attribute };

/// Characters in the place of references; what is no reference stays. `offset` is where the text stands in the page.
/// Source: HTML Living Standard, section 13.2.5.72 to 80, and its table of names (13.5).
std::string decode_references(std::string_view text, ReferencePlace place, size_t offset, HtmlFaults& faults);

/// Are they the same but for the case of ASCII letters?
bool same_but_case(std::string_view a, std::string_view b) noexcept;
/// ASCII letters in lower case.
std::string lower_case(std::string_view text);
/// Without the blanks of HTML and CSS at both ends: space, tab, line feed, form feed, carriage return.
std::string_view trim_blanks(std::string_view text) noexcept;
/// What stands between blanks.
std::vector<std::string_view> split_blanks(std::string_view text);

}  // namespace coppice
