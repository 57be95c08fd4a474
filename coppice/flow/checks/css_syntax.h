// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// What is wrong at a byte of a style sheet.
struct CssFault {
  size_t offset = 0;
  std::string message;
};

/// "color: red". Comments are left out.
struct CssDeclaration {
  std::string name;   ///< in lower case, but for a custom property
  std::string value;  ///< without blanks at its ends and without "!important"
  bool is_important = false;
  size_t offset = 0;
};

/// What stands around rules: "@media (min-width: 600px)".
struct CssGroup {
  static constexpr uint32_t kNone = ~uint32_t{0};
  std::string name;     ///< in lower case: "media"
  std::string prelude;  ///< "(min-width: 600px)"
  uint32_t outer = kNone;
  size_t offset = 0;
};

struct CssRule {
  std::string selectors;
  std::vector<CssDeclaration> declarations;
  uint32_t group = CssGroup::kNone;  ///< the innermost one around it
  bool is_nested = false;            ///< stands in another rule: its selectors are relative to those of that one
  size_t offset = 0;
};

/// A style sheet as its author wrote it.
struct CssSheet {
  std::vector<CssRule> rules;  ///< in order, those of keyframes and the like too, each with its group
  std::vector<CssGroup> groups;
  std::vector<CssGroup> statements;  ///< "@import url(a.css);"
  std::vector<CssFault> faults;      ///< at most kMostFaults
  bool is_complete = true;           ///< false: there is more than we read

  static constexpr size_t kMostFaults = 100;
  static constexpr size_t kMostRules = 20'000;
  static constexpr size_t kDeepest = 32;
  static constexpr size_t kMostSelectorBytes = 4096;  ///< of a rule that has @media within
};

/// Whether the rules in a group can apply to elements at all: those of keyframes and fonts cannot.
bool holds_styles(const CssSheet& sheet, uint32_t group) noexcept;

/// Never throws for what the text is: what cannot be read is a fault, and reading goes on behind it, as browsers do.
/// Cost: linear. Source: CSS Syntax Module Level 3, sections 5 and 9; nested rules: CSS Nesting Module.
CssSheet parse_css(std::string_view text);

/// What a style attribute has. Faults as in a sheet.
CssSheet parse_css_declarations(std::string_view text);

/// Splits a value at commas or blanks that stand outside of brackets and quotes.
std::vector<std::string_view> split_css(std::string_view value, char separator);

/// The files and addresses that a sheet refers to, url(...) and @import, less those that begin with "data:".
struct CssReference {
  std::string address;
  size_t offset = 0;  ///< of the declaration or statement
};
std::vector<CssReference> css_references(const CssSheet& sheet);

}  // namespace coppice
