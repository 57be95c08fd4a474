// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/checks/html_page.h"

namespace coppice {

/// Whether an element follows a selector; `maybe` where the selector has something that we do not read.
enum class CssMatch : uint8_t { no, maybe, yes };

/// [name], [name=value], [name^=value] ...
struct CssAttributeTest {
  std::string name, value;
  char how = 0;  ///< 0 = it is there; '=', '~', '|', '^', '$', '*' as in CSS
};

/// What one element has to be: "a.button[href]".
struct CssCompound {
  std::string tag;  ///< in lower case; "" = any
  std::vector<std::string> ids, classes;
  std::vector<CssAttributeTest> attributes;
  bool is_root = false;
  bool is_link = false;  ///< :link
  bool is_exact = true;  ///< false: it says more than we read
  char combinator = 0;   ///< to the compound left of it: ' ', '>', or 0 for the first one
};

struct CssSelector {
  std::vector<CssCompound> compounds;  ///< the one of the element itself comes first
  uint32_t specificity = 0;            ///< ids * 2^20 + classes * 2^10 + types, each at most 1023
  /// Of no element as it stands on the page: ":hover", "::before".
  bool is_of_no_element = false;

  static constexpr uint32_t kMostSpecificity = (uint32_t{1} << 30) - 1;
};

/// What could be read of "a, b > .c"; `fault` says what could not.
struct CssSelectorList {
  std::vector<CssSelector> selectors;
  std::string fault;
};

/// Reads types, *, classes, ids, attributes, :root, :link, :any-link, the combinators ' ' and '>' and commas. States
/// and pseudo-elements are known as such. All else ('+', '~', :nth-child(), :not(), '&') is passed over, and the
/// selector then says `maybe` where the rest of it holds; its specificity is the highest there is where we cannot know
/// it. Source: Selectors Level 4.
CssSelectorList parse_selectors(std::string_view text);

/// Finds out whether nodes of a page follow selectors.
///
/// Cost: one step for each compound, class and attribute that is looked at; when the steps are used up, all is `maybe`,
/// so that no sheet and page can take long together. Threads: one at a time.
class CssMatcher {
 public:
  explicit CssMatcher(const HtmlPage& page, uint64_t steps = 20'000'000);

  CssMatch match(size_t node, const CssSelector& selector);
  bool is_exhausted() const noexcept { return steps_ == 0; }
  /// Of an element, without empty ones.
  const std::vector<std::string_view>& classes(size_t node) const noexcept { return classes_[node]; }

 private:
  CssMatch match_from(size_t node, const std::vector<CssCompound>& compounds, size_t first);
  CssMatch match_one(size_t node, const CssCompound& compound);
  bool use_steps(uint64_t count) noexcept;

  const HtmlPage& page_;
  uint64_t steps_;
  std::vector<std::vector<std::string_view>> classes_;  ///< by node; they lie in the page
};

}  // namespace coppice
