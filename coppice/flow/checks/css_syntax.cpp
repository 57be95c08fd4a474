// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/css_syntax.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>

#include "coppice/core/options.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\f";

bool is_blank(char c) noexcept {
  return kBlanks.find(c) != kBlanks.npos;
}

using Names = std::span<const std::string_view>;

/// At-rules whose block has rules that may apply; at-rules with another block; at-rules without one.
constexpr std::string_view kGroupRules[] = {"media", "supports", "layer", "container", "scope", "starting-style"};
constexpr std::string_view kOtherRules[] = {"keyframes", "-webkit-keyframes", "font-face",           "page",
                                            "property",  "counter-style",     "font-palette-values", "view-transition"};
constexpr std::string_view kStatements[] = {"import", "charset", "namespace", "layer"};

bool is_one_of(std::string_view name, Names names) noexcept {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Reads a sheet in one pass; blocks within blocks are kept on a stack of our own.
class CssReader {
 public:
  explicit CssReader(std::string_view text) : text_(text) {}

  CssSheet read(bool is_style_attribute) {
    Block all;
    all.kind = is_style_attribute ? Block::Kind::declarations : Block::Kind::rules;
    if (is_style_attribute) all.rule = add_rule({}, 0);
    blocks_.push_back(all);
    while (sheet_.is_complete && step()) {
    }
    for (; sheet_.is_complete && blocks_.size() > 1; blocks_.pop_back()) {
      fault(blocks_.back().offset, "'{' is never closed with '}'");
    }
    std::stable_sort(sheet_.faults.begin(), sheet_.faults.end(),
                     [](const CssFault& a, const CssFault& b) { return a.offset < b.offset; });
    return std::move(sheet_);
  }

 private:
  struct Block {
    enum class Kind : uint8_t { rules, declarations };
    Kind kind = Kind::rules;
    uint32_t group = CssGroup::kNone;
    uint32_t rule = 0;  ///< of declarations: where they go
    bool is_style = false;
    size_t offset = 0;
  };

  /// A piece up to '{', ';' or '}', or the end.
  struct Piece {
    std::string text;
    size_t offset = 0;
    char end = 0;
  };

  void fault(size_t offset, std::string message) {
    if (sheet_.faults.size() < CssSheet::kMostFaults) sheet_.faults.push_back({offset, std::move(message)});
  }

  /// Whether there is more.
  bool step() {
    skip_blanks();
    if (at_ >= text_.size()) return false;
    if (text_[at_] == ';') {
      ++at_;
    } else if (text_[at_] == '}') {
      close();
    } else {
      use(piece());
    }
    return true;
  }

  void close() {
    if (blocks_.size() > 1) {
      blocks_.pop_back();
    } else {
      fault(at_, "'}' closes nothing");
    }
    ++at_;
  }

  /// Blanks, comments, and the marks of HTML comments, which sheets may have.
  void skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_, 2) == "/*") {
        skip_comment();
      } else if (blocks_.size() == 1 && text_.substr(at_, 4) == "<!--") {
        at_ += 4;
      } else if (blocks_.size() == 1 && text_.substr(at_, 3) == "-->") {
        at_ += 3;
      } else {
        return;
      }
    }
  }

  void skip_comment() {
    const size_t end = text_.find("*/", at_ + 2);
    if (end == text_.npos) fault(at_, "'/*' is never closed with '*/'");
    at_ = end == text_.npos ? text_.size() : end + 2;
  }

  Piece piece() {
    Piece result;
    result.offset = at_;
    std::string open;  // the brackets that are open
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (text_.substr(at_, 2) == "/*") {
        skip_comment();
        result.text += ' ';
        continue;
      }
      const bool ends = c == '{' || c == '}' || (c == ';' && open.empty());
      if (ends) {
        if (!open.empty())
          fault(result.offset, fmt::format("'{}' is never closed in '{}'", open.back(), shown(result.text)));
        result.end = c;
        at_ += c == '}' ? 0 : 1;
        return result;
      }
      take(result, open);
    }
    if (!open.empty())
      fault(result.offset, fmt::format("'{}' is never closed in '{}'", open.back(), shown(result.text)));
    return result;
  }

  /// One character of a piece, or a text in quotes, or an address.
  void take(Piece& piece, std::string& open) {
    const char c = text_[at_];
    if (c == '"' || c == '\'') return take_quoted(piece);
    if (c == '(' && ends_with_url(piece.text)) return take_address(piece);
    if (c == '(' || c == '[') open += c;
    if (c == ')' || c == ']') {
      if (!open.empty() && open.back() == (c == ')' ? '(' : '[')) {
        open.pop_back();
      } else {
        fault(at_, fmt::format("'{}' closes nothing", c));
      }
    }
    const size_t size = c == '\\' && at_ + 1 < text_.size() ? 2 : 1;
    piece.text += text_.substr(at_, size);
    at_ += size;
  }

  void take_quoted(Piece& piece) {
    const size_t begin = at_;
    const char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += text_[at_] == '\\' && at_ + 1 < text_.size() ? 2 : 1;
    }
    const bool is_closed = at_ < text_.size() && text_[at_] == quote;
    if (!is_closed) fault(begin, "a text in quotes is never closed");
    at_ = std::min(at_ + (is_closed ? 1 : 0), text_.size());
    piece.text += text_.substr(begin, at_ - begin);
  }

  static bool ends_with_url(std::string_view text) {
    return text.size() >= 3 && same_but_case(text.substr(text.size() - 3), "url");
  }

  /// An address without quotes may have ';' in it.
  void take_address(Piece& piece) {
    const size_t first = std::min(text_.find_first_not_of(kBlanks, at_ + 1), text_.size());
    const bool is_quoted = first < text_.size() && (text_[first] == '"' || text_[first] == '\'');
    size_t end = first;
    if (is_quoted) {
      piece.text += '(';
      at_ = first;
      take_quoted(piece);
      end = std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
      if (end < text_.size() && text_[end] == ')') at_ = end + 1;
      piece.text += ')';
      return;
    }
    end = std::min(text_.find_first_of(")\n", first), text_.size());
    if (end == text_.size() || text_[end] != ')') fault(at_, "'url(' is never closed with ')'");
    piece.text += text_.substr(at_, end - at_);
    piece.text += ')';
    at_ = end < text_.size() && text_[end] == ')' ? end + 1 : end;
  }

  void use(const Piece& piece) {
    const std::string_view text = trim_blanks(piece.text);
    if (piece.end == '{') return open_block(text, piece.offset);
    if (text.starts_with('@')) return statement(text, piece.offset);
    if (blocks_.back().kind == Block::Kind::declarations) return declaration(text, piece.offset);
    fault(piece.offset, fmt::format("got '{}', expected a selector and a block in {{...}}", shown(text)));
  }

  void open_block(std::string_view text, size_t offset) {
    if (blocks_.size() >= CssSheet::kDeepest) {
      fault(offset, fmt::format("blocks nest deeper than {}: the rest is not read", CssSheet::kDeepest));
      sheet_.is_complete = false;
      return;
    }
    Block block;
    block.group = blocks_.back().group;
    block.offset = offset;
    if (text.starts_with('@')) {
      open_group(text, block);
    } else {
      if (text.empty()) fault(offset, "a block begins without a selector");
      block.kind = Block::Kind::declarations;
      block.is_style = true;
      block.rule = add_rule(text, offset);
      sheet_.rules[block.rule].group = block.group;
      sheet_.rules[block.rule].is_nested =
          std::any_of(blocks_.begin(), blocks_.end(), [](const Block& one) { return one.is_style; });
    }
    blocks_.push_back(block);
  }

  static CssGroup group_of(std::string_view text, size_t offset) {
    const size_t end = std::min(text.find_first_of(" \t\r\n\f(\"'"), text.size());
    CssGroup group;
    group.name = lower_case(text.substr(1, end - 1));
    group.prelude = trim_blanks(text.substr(end));
    group.offset = offset;
    return group;
  }

  void open_group(std::string_view text, Block& block) {
    CssGroup group = group_of(text, block.offset);
    const bool has_rules = is_one_of(group.name, kGroupRules);
    if (!has_rules && !is_one_of(group.name, kOtherRules)) tell_unknown(group);
    group.outer = block.group;
    block.group = static_cast<uint32_t>(sheet_.groups.size());
    // In a rule, a group has declarations as well, which are those of the rule.
    const bool holds_rules = has_rules || group.name.ends_with("keyframes");
    const Block& outer = blocks_.back();
    const bool is_in_style = has_rules && outer.kind == Block::Kind::declarations;
    sheet_.groups.push_back(std::move(group));
    block.kind = holds_rules && !is_in_style ? Block::Kind::rules : Block::Kind::declarations;
    if (block.kind == Block::Kind::rules) return;
    block.rule = add_rule(is_in_style ? selectors_within(outer) : std::string(), block.offset);
    sheet_.rules[block.rule].group = block.group;
    sheet_.rules[block.rule].is_nested = is_in_style && sheet_.rules[outer.rule].is_nested;
  }

  std::string selectors_within(const Block& outer) {
    const std::string& selectors = sheet_.rules[outer.rule].selectors;
    if (selectors.size() <= CssSheet::kMostSelectorBytes) return selectors;
    fault(outer.offset, fmt::format("a selector with at-rules within has {} bytes, at most {} are read",
                                    selectors.size(), CssSheet::kMostSelectorBytes));
    return {};
  }

  void tell_unknown(const CssGroup& group) {
    std::vector<std::string> names;
    for (const Names list : {Names(kGroupRules), Names(kOtherRules), Names(kStatements)})
      names.insert(names.end(), list.begin(), list.end());
    const std::string nearest = group.name.size() < 40 ? nearest_name(group.name, names) : "";
    fault(group.offset, fmt::format("the rule '@{}' is unknown{}", shown(group.name, 30),
                                    nearest.empty() ? "" : "; did you mean '@" + nearest + "'?"));
  }

  void statement(std::string_view text, size_t offset) {
    CssGroup group = group_of(text, offset);
    if (!is_one_of(group.name, kStatements)) tell_unknown(group);
    sheet_.statements.push_back(std::move(group));
  }

  void declaration(std::string_view text, size_t offset) {
    const size_t colon = text.find(':');
    const std::string_view name = trim_blanks(text.substr(0, colon));
    const bool is_name = !name.empty() && name.find_first_of(" \t\r\n\f{}()[]\"'@#.,<>+~*=!&/") == name.npos &&
                         !(name[0] >= '0' && name[0] <= '9');
    if (colon == text.npos || !is_name) {
      fault(offset, fmt::format("got '{}', expected 'property: value'", shown(text)));
      return;
    }
    const CssDeclaration found = declaration_of(name, trim_blanks(text.substr(colon + 1)), offset);
    if (!name.starts_with("--")) tell_odd_value(found);
    if (found.value.empty() && !name.starts_with("--")) return;
    sheet_.rules[blocks_.back().rule].declarations.push_back(found);
  }

  static CssDeclaration declaration_of(std::string_view name, std::string_view value, size_t offset) {
    CssDeclaration found;
    found.name = name.starts_with("--") ? std::string(name) : lower_case(name);
    found.offset = offset;
    if (const size_t mark = value.rfind('!'); mark != value.npos) {
      found.is_important = same_but_case(trim_blanks(value.substr(mark + 1)), "important");
      if (found.is_important) value = trim_blanks(value.substr(0, mark));
    }
    found.value = value;
    return found;
  }

  void tell_odd_value(const CssDeclaration& found) {
    if (found.value.empty()) {
      fault(found.offset, fmt::format("the property '{}' has no value", shown(found.name, 40)));
    } else if (split_css(found.value, ':').size() > 1) {
      fault(found.offset, fmt::format("a ';' is missing in '{}: {}'", shown(found.name, 40), shown(found.value)));
    } else if (split_css(found.value, '!').size() > 1 || found.value.ends_with('!')) {
      fault(found.offset, fmt::format("got '{}', expected '!important' after a '!'", shown(found.value)));
    }
  }

  uint32_t add_rule(std::string_view selectors, size_t offset) {
    if (sheet_.rules.size() >= CssSheet::kMostRules) {
      if (sheet_.is_complete)
        fault(offset, fmt::format("there are more than {} rules: the rest is not read", CssSheet::kMostRules));
      sheet_.is_complete = false;
      return static_cast<uint32_t>(sheet_.rules.size() - 1);
    }
    CssRule rule;
    rule.selectors = selectors;
    rule.offset = offset;
    sheet_.rules.push_back(std::move(rule));
    return static_cast<uint32_t>(sheet_.rules.size() - 1);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Block> blocks_;
  CssSheet sheet_;
};

}  // namespace

CssSheet parse_css(std::string_view text) {
  return CssReader(text).read(false);
}

CssSheet parse_css_declarations(std::string_view text) {
  return CssReader(text).read(true);
}

std::vector<std::string_view> split_css(std::string_view value, char separator) {
  std::vector<std::string_view> parts;
  size_t begin = 0, depth = 0;
  char quote = 0;
  const auto add = [&](size_t end) {
    const std::string_view part = trim_blanks(value.substr(begin, end - begin));
    if (!part.empty()) parts.push_back(part);
    begin = end + 1;
  };
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
    } else if (depth == 0 && (c == separator || (separator == ' ' && is_blank(c)))) {
      add(i);
    }
  }
  if (begin < value.size()) add(value.size());
  return parts;
}

namespace {

/// Adds what stands in each url(...) of a value.
void add_addresses(std::string_view value, size_t offset, std::vector<CssReference>& found) {
  for (size_t at = value.find('('); at != value.npos; at = value.find('(', at + 1)) {
    if (at < 3 || !same_but_case(value.substr(at - 3, 3), "url")) continue;
    const size_t first = std::min(value.find_first_not_of(kBlanks, at + 1), value.size());
    const bool is_quoted = first < value.size() && (value[first] == '"' || value[first] == '\'');
    const size_t begin = first + (is_quoted ? 1 : 0);
    const size_t end = std::min(is_quoted ? value.find(value[first], begin) : value.find(')', begin), value.size());
    const std::string_view address = trim_blanks(value.substr(std::min(begin, end), end - std::min(begin, end)));
    const bool is_data = address.size() >= 5 && same_but_case(address.substr(0, 5), "data:");
    if (!is_data) found.push_back({std::string(address), offset});
    at = std::min(end, value.size() - 1);
  }
}

}  // namespace

std::vector<CssReference> css_references(const CssSheet& sheet) {
  std::vector<CssReference> found;
  for (const CssGroup& statement : sheet.statements) {
    const std::string_view prelude = statement.prelude;
    if (statement.name != "import") continue;
    if (prelude.starts_with('"') || prelude.starts_with('\'')) {
      const size_t end = std::min(prelude.find(prelude[0], 1), prelude.size());
      found.push_back({std::string(prelude.substr(1, end - 1)), statement.offset});
    } else {
      add_addresses(prelude, statement.offset, found);
    }
  }
  for (const CssRule& rule : sheet.rules) {
    for (const CssDeclaration& one : rule.declarations) add_addresses(one.value, one.offset, found);
  }
  return found;
}

bool holds_styles(const CssSheet& sheet, uint32_t group) noexcept {
  for (; group != CssGroup::kNone; group = sheet.groups[group].outer) {
    if (!is_one_of(sheet.groups[group].name, kGroupRules)) return false;
  }
  return true;
}

}  // namespace coppice
