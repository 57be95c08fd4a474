// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/css_selector.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\f";
constexpr size_t kMostCompounds = 16;
constexpr uint32_t kMostOfAKind = 1023;

using Names = std::span<const std::string_view>;

constexpr std::string_view kStates[] = {"hover",
                                        "active",
                                        "focus",
                                        "focus-visible",
                                        "focus-within",
                                        "visited",
                                        "target",
                                        "autofill",
                                        "-webkit-autofill",
                                        "user-invalid",
                                        "user-valid",
                                        "fullscreen",
                                        "placeholder-shown",
                                        "host",
                                        "before",
                                        "after",
                                        "first-line",
                                        "first-letter",
                                        "-moz-focusring"};
constexpr std::string_view kLinks[] = {"link", "any-link"};
/// Of which the specificity is that of their arguments, or none.
constexpr std::string_view kFunctions[] = {"is",          "not",    "has", "where", "nth-child", "nth-last-child",
                                           "-webkit-any", "matches"};

bool is_one_of(std::string_view name, Names names) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_name_character(char c) noexcept {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class SelectorReader {
 public:
  explicit SelectorReader(std::string_view text) : text_(text) {}

  /// "" where all of it could be read.
  std::string read(CssSelector& selector) {
    compounds_.emplace_back();
    while (fault_.empty() && at_ < text_.size()) step();
    if (fault_.empty() && is_empty_) fault_ = "a selector ends too early";
    if (compounds_.size() > kMostCompounds) {  // the rightmost ones alone then
      compounds_.erase(compounds_.begin(), compounds_.end() - kMostCompounds);
      compounds_.front().is_exact = false;
    }
    compounds_.front().combinator = 0;
    std::reverse(compounds_.begin(), compounds_.end());
    selector.compounds = std::move(compounds_);
    const auto capped = [](uint32_t count) { return std::min(count, kMostOfAKind); };
    selector.specificity = (capped(ids_) << 20) | (capped(classes_) << 10) | capped(types_);
    if (is_specificity_unknown_) selector.specificity = CssSelector::kMostSpecificity;
    selector.is_of_no_element = is_of_no_element_;
    return fault_;
  }

 private:
  CssCompound& last() { return compounds_.back(); }

  void step() {
    const char c = text_[at_];
    if (kBlanks.find(c) != kBlanks.npos || c == '>' || c == '+' || c == '~') return combinator();
    is_empty_ = false;
    if (c == '*') {
      ++at_;
    } else if (c == '&') {
      ++at_;
      last().is_exact = false;
      is_specificity_unknown_ = true;
    } else if (c == '#') {
      ++at_;
      ++ids_;
      last().ids.push_back(name());
    } else if (c == '.') {
      ++at_;
      ++classes_;
      last().classes.push_back(name());
    } else if (c == '[') {
      attribute();
    } else if (c == ':') {
      pseudo();
    } else if (is_name_character(c) || c == '\\') {
      ++types_;
      last().tag = lower_case(name());
    } else {
      fault_ = fmt::format("a selector has a '{}'", shown(std::string_view(&c, 1)));
    }
  }

  /// Blanks around '>' belong to it.
  void combinator() {
    char found = ' ';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (kBlanks.find(c) != kBlanks.npos) continue;
      if (c != '>' && c != '+' && c != '~') break;
      if (found != ' ') {
        fault_ = fmt::format("a selector has '{}' after '{}'", c, found);
        return;
      }
      found = c;
    }
    if (at_ == text_.size() && found == ' ') return;
    const bool is_relative = is_empty_ && compounds_.size() == 1;  // "> a", in a nested rule
    if (is_relative) last().is_exact = false;
    if (found == '+' || found == '~') {  // what is left of it is passed over
      compounds_.clear();
      compounds_.emplace_back();
      last().is_exact = false;
    } else {
      compounds_.emplace_back();
      last().combinator = found;
    }
    is_empty_ = true;
  }

  std::string name() {
    std::string result;
    while (at_ < text_.size() && (is_name_character(text_[at_]) || text_[at_] == '\\')) {
      if (text_[at_] == '\\') ++at_;  // what is escaped stands for itself; code points in hexadecimal are not read
      if (at_ < text_.size()) result += text_[at_++];
    }
    if (result.empty()) fault_ = "a selector lacks a name after '.', '#', ':' or '['";
    return result;
  }

  void attribute() {
    const size_t end = text_.find(']', at_);
    if (end == text_.npos) {
      fault_ = "a selector has '[' without ']'";
      return;
    }
    ++classes_;
    CssAttributeTest test;
    const std::string_view inside = trim_blanks(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    const size_t equals = inside.find('=');
    const bool has_operator = equals != inside.npos && equals > 0;
    const char before = has_operator ? inside[equals - 1] : ' ';
    const bool is_pair = std::string_view("~|^$*").find(before) != std::string_view::npos;
    if (has_operator) test.how = is_pair ? before : '=';
    test.name = lower_case(trim_blanks(inside.substr(0, has_operator ? equals - (is_pair ? 1 : 0) : inside.size())));
    if (test.name.empty()) fault_ = "a selector has '[' without a name";
    std::string_view value = has_operator ? trim_blanks(inside.substr(equals + 1)) : std::string_view();
    if (!value.empty() && (value[0] == '"' || value[0] == '\'')) {
      const size_t close = value.find(value[0], 1);
      if (close != value.size() - 1) last().is_exact = false;  // [type="a" i]
      value = value.substr(1, close == value.npos ? close : close - 1);
    }
    test.value = value;
    if (!last().is_exact) return;  // the values are compared otherwise
    last().attributes.push_back(std::move(test));
  }

  void pseudo() {
    const bool is_element = text_.substr(at_, 2) == "::";
    at_ += is_element ? 2 : 1;
    const std::string which = lower_case(name());
    const bool has_arguments = at_ < text_.size() && text_[at_] == '(';
    if (has_arguments) skip_arguments();
    if (is_element || is_one_of(which, kStates)) {
      is_of_no_element_ = true;
    } else if (which == "root") {
      last().is_root = true;
    } else if (is_one_of(which, kLinks)) {
      last().is_link = true;
    } else {
      last().is_exact = false;
      is_specificity_unknown_ = is_specificity_unknown_ || is_one_of(which, kFunctions);
    }
    ++classes_;
  }

  void skip_arguments() {
    size_t depth = 0;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '(') ++depth;
      if (text_[at_] == ')' && --depth == 0) {
        ++at_;
        return;
      }
    }
    fault_ = "a selector has '(' without ')'";
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<CssCompound> compounds_;
  uint32_t ids_ = 0, classes_ = 0, types_ = 0;
  bool is_empty_ = true;  ///< the last compound says nothing yet
  bool is_specificity_unknown_ = false;
  bool is_of_no_element_ = false;
  std::string fault_;
};

bool has_word(std::string_view text, std::string_view word) {
  const auto words = split_blanks(text);
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool holds(const HtmlNode& node, const CssAttributeTest& test) {
  const std::string* const found = node.find(test.name);
  if (!found) return false;
  const std::string_view value = *found, wanted = test.value;
  if (test.how == 0) return true;
  if (test.how == '=') return value == wanted;
  if (wanted.empty()) return false;
  if (test.how == '~') return has_word(value, wanted);
  if (test.how == '|') return value == wanted || (value.starts_with(wanted) && value.substr(wanted.size(), 1) == "-");
  if (test.how == '^') return value.starts_with(wanted);
  return test.how == '$' ? value.ends_with(wanted) : value.find(wanted) != value.npos;
}

}  // namespace

CssSelectorList parse_selectors(std::string_view text) {
  CssSelectorList list;
  for (const std::string_view one : split_css(text, ',')) {
    CssSelector selector;
    const std::string fault = SelectorReader(one).read(selector);
    if (!fault.empty() && list.fault.empty()) list.fault = fmt::format("{} in '{}'", fault, shown(one));
    if (fault.empty()) list.selectors.push_back(std::move(selector));
  }
  if (list.selectors.empty() && list.fault.empty()) list.fault = "a rule has no selector";
  return list;
}

CssMatcher::CssMatcher(const HtmlPage& page, uint64_t steps) : page_(page), steps_(steps), classes_(page.size()) {
  for (size_t i = 0; i < page.size(); ++i) {
    if (const std::string* const value = page[i].find("class")) classes_[i] = split_blanks(*value);
  }
}

bool CssMatcher::use_steps(uint64_t count) noexcept {
  steps_ -= std::min(steps_, count);
  return steps_ > 0;
}

CssMatch CssMatcher::match(size_t node, const CssSelector& selector) {
  if (selector.is_of_no_element) return CssMatch::no;
  return match_from(node, selector.compounds, 0);
}

/// Whether the node follows the compound `first` and what is above it those left of that. For a compound in reach of
/// several ancestors each is tried; the compounds are few, and the steps are counted.
CssMatch CssMatcher::match_from(size_t node, const std::vector<CssCompound>& compounds, size_t first) {
  if (is_exhausted()) return CssMatch::maybe;
  const CssMatch own = match_one(node, compounds[first]);
  if (own == CssMatch::no || first + 1 == compounds.size()) return own;
  CssMatch best = CssMatch::no;
  while (node != 0 && best != CssMatch::yes) {
    node = page_[node].parent;
    best = std::max(best, match_from(node, compounds, first + 1));
    if (compounds[first].combinator == '>') break;
  }
  return std::min(own, best);
}

CssMatch CssMatcher::match_one(size_t node, const CssCompound& compound) {
  const HtmlNode& element = page_[node];
  if (!use_steps(1 + compound.ids.size() + compound.attributes.size() * element.attributes.size() +
                 compound.classes.size() * classes_[node].size())) {
    return CssMatch::maybe;
  }
  if (!compound.tag.empty() && compound.tag != element.tag) return CssMatch::no;
  if (compound.is_root && node != 0) return CssMatch::no;
  if (compound.is_link && !(element.tag == "a" && element.has("href"))) return CssMatch::no;
  for (const std::string& id : compound.ids) {
    if (element.get("id") != id) return CssMatch::no;
  }
  for (const std::string& name : compound.classes) {
    if (std::find(classes_[node].begin(), classes_[node].end(), name) == classes_[node].end()) return CssMatch::no;
  }
  for (const CssAttributeTest& test : compound.attributes) {
    if (!holds(element, test)) return CssMatch::no;
  }
  return compound.is_exact ? CssMatch::yes : CssMatch::maybe;
}

}  // namespace coppice
