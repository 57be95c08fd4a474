// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/css_cascade.h"

#include <fmt/core.h>

#include <algorithm>

#include "coppice/core/quantity.h"
#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/page_style.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr size_t kMostNotes = 20;
constexpr size_t kLongestValue = 4096;
constexpr int kMostReplaced = 64;

/// Ranks: where a declaration comes from and its weight, then specificity, then order.
enum class Origin : uint64_t { author = 1, attribute = 2, important = 3, important_attribute = 4 };

uint64_t rank_of(Origin origin, uint32_t specificity, uint32_t order) noexcept {
  constexpr uint32_t kMostOrder = (1u << 28) - 1;
  return (static_cast<uint64_t>(origin) << 60) | (static_cast<uint64_t>(specificity) << 28) |
         std::min(order, kMostOrder);
}

bool is_keyword(std::string_view value) {
  constexpr std::string_view kWords[] = {"inherit", "initial", "unset", "revert", "revert-layer"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return same_but_case(value, word); });
}

/// Whether a word must be a colour and is none: "#12345".
bool is_wrong_color(std::string_view word) {
  const bool is_color = word.starts_with('#') || word.starts_with("rgb") || word.starts_with("hsl");
  return is_color && read_color(word).kind == ColorReading::Kind::none;
}

/// Browsers drop a declaration that has no value of its property, and what stood there before holds.
bool is_dropped(const CssDeclaration& declaration) {
  if (is_keyword(declaration.value) || declaration.value.find("var(") != std::string::npos) return false;
  if (declaration.name == "background") {
    const std::vector<std::string_view> words = split_css(declaration.value, ' ');
    return std::any_of(words.begin(), words.end(), is_wrong_color);
  }
  const bool takes_color = declaration.name == "color" || declaration.name == "background-color";
  return takes_color && read_color(declaration.value).kind == ColorReading::Kind::none;
}

bool is_looked_at(const CssDeclaration& declaration) {
  return declaration.name.starts_with("--") || !properties_of(declaration.name).empty();
}

/// Yes where both hold, no where one does not, else nothing.
std::optional<bool> both(std::optional<bool> a, std::optional<bool> b) noexcept {
  if (a == false || b == false) return false;
  return a && b ? std::optional(true) : std::nullopt;
}

void improve(CssWinner& winner, uint64_t rank, const CssDeclaration& declaration, CssMatch match) noexcept {
  if (match == CssMatch::maybe) {
    winner.maybe_rank = std::max(winner.maybe_rank, rank);
  } else if (rank >= winner.certain.rank) {
    winner.certain = {rank, &declaration};
  }
}

/// Where the bracket before `begin` is closed; the size of the text where it is not.
size_t closing(std::string_view text, size_t begin) noexcept {
  size_t depth = 1;
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return text.size();
}

}  // namespace

std::vector<CssProperty> properties_of(std::string_view name) {
  using P = CssProperty;
  static const std::unordered_map<std::string_view, std::vector<P>> table = {
      {"color", {P::color}},
      {"background-color", {P::background_color}},
      {"background-image", {P::background_image}},
      {"background", {P::background_color, P::background_image}},
      {"opacity", {P::opacity}},
      {"font-size", {P::font_size}},
      {"font-weight", {P::font_weight}},
      {"font", {P::font_size, P::font_weight}},
      {"display", {P::display}},
      {"visibility", {P::visibility}},
      {"position", {P::position}},
      {"filter", {P::blending}},
      {"mix-blend-mode", {P::blending}},
      {"background-clip", {P::blending}},
      {"-webkit-background-clip", {P::blending}},
      {"-webkit-text-fill-color", {P::blending}},
      {"color-scheme", {P::blending}},
      {"all",
       {P::color, P::background_color, P::background_image, P::opacity, P::font_size, P::font_weight, P::display,
        P::visibility, P::position, P::blending}},
  };
  const auto found = table.find(name);
  return found == table.end() ? std::vector<P>{} : found->second;
}

CssCascade::CssCascade(const HtmlPage& page) : page_(page), matcher_(page) {}

void CssCascade::note(std::string text) {
  if (notes_.size() < kMostNotes && std::find(notes_.begin(), notes_.end(), text) == notes_.end()) {
    notes_.push_back(std::move(text));
  }
}

void CssCascade::add_sheet(std::string_view text, std::string_view media) {
  sheet_bytes_ += text.size();
  const std::optional<bool> holds = media_query_holds(media);
  if (holds == false) return;
  if (!holds) note(fmt::format("whether the media query '{}' holds is not known", shown(media)));
  if (sheet_bytes_ > kMostSheetBytes) {
    note(fmt::format("the style sheets have more than {}", bytes_text(static_cast<double>(kMostSheetBytes))));
    is_exhausted_ = true;
    return;
  }
  const CssSheet& sheet = sheets_.emplace_back(parse_css(text));
  if (!sheet.is_complete) {
    note("a style sheet was not read to its end");
    is_exhausted_ = true;
  }
  for (const CssGroup& statement : sheet.statements) {
    if (statement.name == "import") note(fmt::format("'@import {}' is not followed", shown(statement.prelude)));
  }
  for (const CssRule& rule : sheet.rules) add_rule(sheet, rule, holds);
}

std::optional<bool> CssCascade::group_holds(const CssSheet& sheet, uint32_t group) {
  std::optional<bool> result = true;
  for (; group != CssGroup::kNone; group = sheet.groups[group].outer) {
    const CssGroup& one = sheet.groups[group];
    std::optional<bool> holds;
    if (one.name == "media") holds = media_query_holds(one.prelude);
    if (one.name == "starting-style") holds = false;
    if (!holds) note(fmt::format("whether '@{} {}' holds is not known", one.name, shown(one.prelude)));
    result = both(result, holds);
  }
  return result;
}

void CssCascade::add_rule(const CssSheet& sheet, const CssRule& rule, std::optional<bool> sheet_holds) {
  const size_t begin = declared_.size();
  for (const CssDeclaration& one : rule.declarations) {
    if (is_looked_at(one) && !is_dropped(one)) declared_.push_back({&one, order_});
    ++order_;
  }
  if (begin == declared_.size() || !holds_styles(sheet, rule.group)) return;
  const std::optional<bool> holds = both(sheet_holds, group_holds(sheet, rule.group));
  if (holds == false) return;
  for (CssSelector& selector : parse_selectors(rule.selectors).selectors) {
    if (selector.is_of_no_element) continue;
    // Of a nested rule the specificity of what is around it is added, which is not known here.
    if (rule.is_nested) selector.specificity = CssSelector::kMostSpecificity;
    if (styles_.size() == kMostSelectors) {
      note(fmt::format("the style sheets have more than {} selectors", kMostSelectors));
      is_exhausted_ = true;
      return;
    }
    add_to_index(selector, static_cast<uint32_t>(styles_.size()));
    styles_.push_back({std::move(selector), !holds || rule.is_nested, begin, declared_.size()});
  }
}

/// By the rarest thing that the element itself has to be.
void CssCascade::add_to_index(const CssSelector& selector, uint32_t style) {
  const CssCompound& own = selector.compounds.front();
  if (!own.ids.empty()) {
    by_id_[own.ids.front()].push_back(style);
  } else if (!own.classes.empty()) {
    by_class_[own.classes.front()].push_back(style);
  } else if (!own.tag.empty()) {
    by_tag_[own.tag].push_back(style);
  } else {
    for_all_.push_back(style);
  }
}

CssWinners CssCascade::winners(size_t node) {
  CssWinners result;
  if (is_exhausted()) return result;
  const HtmlNode& element = page_[node];
  const auto apply_found = [&](const StyleIndex& index, std::string_view key) {
    const auto found = index.find(std::string(key));
    if (found != index.end()) apply(node, found->second, result);
  };
  apply(node, for_all_, result);
  apply_found(by_tag_, element.tag);
  if (element.has("id")) apply_found(by_id_, element.get("id"));
  for (const std::string_view name : matcher_.classes(node)) apply_found(by_class_, name);
  if (!element.has("style")) return result;
  const CssSheet& own = attributes_.emplace_back(parse_css_declarations(element.get("style")));
  uint32_t order = 0;
  for (const CssDeclaration& one : own.rules.front().declarations) {
    const Origin origin = one.is_important ? Origin::important_attribute : Origin::attribute;
    if (is_dropped(one)) continue;
    apply_declaration(node, one, rank_of(origin, 0, order++), result, CssMatch::yes);
  }
  return result;
}

void CssCascade::apply(size_t node, const std::vector<uint32_t>& styles, CssWinners& winners) {
  for (const uint32_t number : styles) {
    if (is_exhausted()) return;
    const Style& style = styles_[number];
    CssMatch match = matcher_.match(node, style.selector);
    if (match == CssMatch::no) continue;
    if (style.is_maybe) match = CssMatch::maybe;
    for (size_t i = style.begin; i < style.end; ++i) {
      const CssDeclaration& one = *declared_[i].declaration;
      const Origin origin = one.is_important ? Origin::important : Origin::author;
      apply_declaration(node, one, rank_of(origin, style.selector.specificity, declared_[i].order), winners, match);
    }
  }
}

void CssCascade::apply_declaration(size_t node, const CssDeclaration& declaration, uint64_t rank, CssWinners& winners,
                                   CssMatch match) {
  if (declarations_left_ == 0 || --declarations_left_ == 0) {
    is_exhausted_ = true;
    return;
  }
  if (declaration.name.starts_with("--")) {
    improve(variables_[node][declaration.name], rank, declaration, match);
    return;
  }
  // What `all` comes to differs from property to property: we know only that it decides.
  const CssMatch how = declaration.name == "all" ? CssMatch::maybe : match;
  for (const CssProperty property : properties_of(declaration.name)) {
    improve(winners[static_cast<size_t>(property)], rank, declaration, how);
  }
}

CssValue CssCascade::value(size_t node, const CssDeclaration& declaration) const {
  int left = kMostReplaced;
  return expanded(node, declaration.value, left);
}

/// `left` counts the replacements that may still be made, so that neither circles nor doublings go on for long.
CssValue CssCascade::expanded(size_t node, std::string_view text, int& left) const {
  CssValue result;
  for (;;) {
    const size_t begin = text.find("var(");
    result.text += text.substr(0, begin);
    if (result.text.size() > kLongestValue) return {CssValue::Kind::unknown, {}};
    if (begin == text.npos) return result;
    text.remove_prefix(begin + 4);
    const size_t end = closing(text, 0);
    CssValue replaced = variable(node, text.substr(0, end), left);
    if (replaced.kind != CssValue::Kind::text) return replaced;
    result.text += replaced.text;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

CssValue CssCascade::variable(size_t node, std::string_view arguments, int& left) const {
  if (--left < 0) return {CssValue::Kind::unknown, {}};
  const size_t comma = arguments.find(',');
  const std::string_view name = trim_blanks(arguments.substr(0, comma));
  for (size_t at = node;; at = page_[at].parent) {
    const auto declared = variables_.find(at);
    if (declared != variables_.end()) {
      const auto found = declared->second.find(name);
      if (found != declared->second.end()) {
        const CssWinner& winner = found->second;
        if (!winner.is_known() || is_keyword(winner.certain.declaration->value)) return {CssValue::Kind::unknown, {}};
        return expanded(at, winner.certain.declaration->value, left);
      }
    }
    if (at == 0) break;
  }
  if (comma == arguments.npos) return {CssValue::Kind::invalid, {}};
  return expanded(node, arguments.substr(comma + 1), left);
}

}  // namespace coppice
