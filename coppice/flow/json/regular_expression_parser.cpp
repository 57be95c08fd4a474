// SPDX-License-Identifier: Apache-2.0
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "coppice/core/error.h"
#include "coppice/flow/json/code_points.h"
#include "coppice/flow/json/regular_expression_nodes.h"

namespace coppice::regular {
namespace {

constexpr size_t kDeepestGroups = 100;
constexpr uint32_t kMostRepeats = 10'000;  ///< written out, as many copies
constexpr uint32_t kLastCharacter = 0x10FFFF;

uint32_t bit(utf8proc_category_t category) {
  return uint32_t{1} << static_cast<uint32_t>(category);
}

struct Category {
  std::string_view name, long_name;
  std::vector<utf8proc_category_t> members;
};

const std::vector<Category>& categories() {
  static const std::vector<Category> kCategories{
      {"L",
       "Letter",
       {UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LT, UTF8PROC_CATEGORY_LM, UTF8PROC_CATEGORY_LO}},
      {"Lu", "Uppercase_Letter", {UTF8PROC_CATEGORY_LU}},
      {"Ll", "Lowercase_Letter", {UTF8PROC_CATEGORY_LL}},
      {"Lt", "Titlecase_Letter", {UTF8PROC_CATEGORY_LT}},
      {"Lm", "Modifier_Letter", {UTF8PROC_CATEGORY_LM}},
      {"Lo", "Other_Letter", {UTF8PROC_CATEGORY_LO}},
      {"M", "Mark", {UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC, UTF8PROC_CATEGORY_ME}},
      {"Mn", "Nonspacing_Mark", {UTF8PROC_CATEGORY_MN}},
      {"N", "Number", {UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NL, UTF8PROC_CATEGORY_NO}},
      {"Nd", "Decimal_Number", {UTF8PROC_CATEGORY_ND}},
      {"", "digit", {UTF8PROC_CATEGORY_ND}},
      {"P",
       "Punctuation",
       {UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PD, UTF8PROC_CATEGORY_PS, UTF8PROC_CATEGORY_PE, UTF8PROC_CATEGORY_PI,
        UTF8PROC_CATEGORY_PF, UTF8PROC_CATEGORY_PO}},
      {"S", "Symbol", {UTF8PROC_CATEGORY_SM, UTF8PROC_CATEGORY_SC, UTF8PROC_CATEGORY_SK, UTF8PROC_CATEGORY_SO}},
      {"Sc", "Currency_Symbol", {UTF8PROC_CATEGORY_SC}},
      {"Z", "Separator", {UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP}},
      {"Zs", "Space_Separator", {UTF8PROC_CATEGORY_ZS}},
      {"Cc", "Control", {UTF8PROC_CATEGORY_CC}}};
  return kCategories;
}

CharacterSet digits() {
  return {{{'0', '9'}}, 0, false, {}};
}

CharacterSet negated(CharacterSet set) {
  set.is_negated = !set.is_negated;
  return set;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  Node parse_all() {
    Node node = parse_choice();
    if (!at_end()) fail("got ')', which closes nothing");
    return node;
  }

 private:
  bool at_end() const { return position_ >= pattern_.size(); }
  char peek(size_t ahead = 0) const { return position_ + ahead < pattern_.size() ? pattern_[position_ + ahead] : '\0'; }
  bool skip(std::string_view text) {
    if (!pattern_.substr(position_).starts_with(text)) return false;
    position_ += text.size();
    return true;
  }
  uint32_t take_character() {
    const CodePoint character = first_code_point(pattern_.substr(position_));
    if (!character.is_valid) fail("got bytes that are no text");
    position_ += character.n_bytes;
    return character.value;
  }
  [[noreturn]] void fail(const std::string& what, ErrorCode code = ErrorCode::usage) const {
    throw Error(code, what + " at byte " + std::to_string(position_ + 1) + " of the regular expression");
  }
  [[noreturn]] void fail_unsupported(const std::string& what) const {
    throw Error(ErrorCode::unsupported,
                what + " at byte " + std::to_string(position_ + 1) +
                    " of the regular expression, which is not supported: a text could then take "
                    "any time to match");
  }

  Node parse_choice() {
    if (++depth_ > kDeepestGroups) fail("got groups in more than " + std::to_string(kDeepestGroups) + " levels");
    Node choice{NodeKind::choice};
    do {
      choice.children.push_back(parse_sequence());
    } while (skip("|"));
    --depth_;
    return choice.children.size() == 1 ? Node(std::move(choice.children[0])) : choice;
  }

  Node parse_sequence() {
    Node sequence{NodeKind::sequence};
    while (!at_end() && peek() != '|' && peek() != ')') {
      Node term = parse_term();
      sequence.children.push_back(parse_repeat(std::move(term)));
    }
    return sequence;
  }

  static bool is_assertion(const Node& node) {
    return node.kind == NodeKind::begin || node.kind == NodeKind::end || node.kind == NodeKind::word_edge ||
           node.kind == NodeKind::no_word_edge;
  }

  Node parse_repeat(Node term) {
    Node repeat{NodeKind::repeat};
    if (skip("*")) {
      repeat.least = 0;
    } else if (skip("+")) {
      repeat.least = 1;
    } else if (skip("?")) {
      repeat.most = 1;
    } else if (peek() == '{') {
      parse_bounds(repeat);
    } else {
      return term;
    }
    if (is_assertion(term)) fail("got a repeat of an assertion");
    skip("?");  // lazy: the same texts match
    if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') fail("got a repeat of a repeat");
    repeat.children.push_back(std::move(term));
    return repeat;
  }

  void parse_bounds(Node& repeat) {
    skip("{");
    repeat.least = repeat.most = parse_count();
    if (skip(",")) repeat.most = peek() == '}' ? kNoMost : parse_count();
    if (!skip("}")) fail("got '{' without '}'");
    if (repeat.least > repeat.most) fail("got bounds of a repeat in the wrong order");
  }

  uint32_t parse_count() {
    if (peek() < '0' || peek() > '9') fail("got '{', expected a number after it");
    uint32_t count = 0;
    for (; peek() >= '0' && peek() <= '9'; ++position_) {
      count = count * 10 + static_cast<uint32_t>(peek() - '0');
      if (count > kMostRepeats) fail("got more than " + std::to_string(kMostRepeats) + " repeats");
    }
    return count;
  }

  Node parse_term() {
    const char c = peek();
    if (skip("^")) return Node{NodeKind::begin};
    if (skip("$")) return Node{NodeKind::end};
    if (c == '(') return parse_group();
    if (c == '[') return set_node(parse_class());
    if (c == '\\') return parse_escape();
    if (skip(".")) return set_node({{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}, 0, true, {}});
    if (c == '*' || c == '+' || c == '?' || c == '{') fail(std::string("got '") + c + "', which repeats nothing");
    if (c == ']' || c == '}') fail(std::string("got '") + c + "', which closes nothing");
    return character_node(take_character());
  }

  static Node set_node(CharacterSet set) {
    Node node{NodeKind::set};
    node.set = std::move(set);
    return node;
  }
  static Node character_node(uint32_t character) {
    Node node{NodeKind::character};
    node.character = character;
    return node;
  }

  Node parse_group() {
    const std::string_view rest = pattern_.substr(position_);
    for (const std::string_view look : {"(?=", "(?!", "(?<=", "(?<!"}) {
      if (rest.starts_with(look)) fail_unsupported("got a look around, '" + std::string(look) + "',");
    }
    skip("(");
    if (skip("?<")) {
      const size_t end = pattern_.find('>', position_);
      if (end == std::string_view::npos || end == position_) fail("got a group without a name");
      position_ = end + 1;
    } else if (!skip("?:") && peek() == '?') {
      fail("got an unknown kind of group");
    }
    Node inner = parse_choice();
    if (!skip(")")) fail("got '(' without ')'");
    return inner;
  }

  Node parse_escape() {
    const char c = peek(1);
    if (c == 'b' || c == 'B') {
      position_ += 2;
      return Node{c == 'b' ? NodeKind::word_edge : NodeKind::no_word_edge};
    }
    if ((c >= '1' && c <= '9') || c == 'k') fail_unsupported("got a reference back to a group");
    if (auto set = parse_set_escape()) return set_node(std::move(*set));
    return character_node(parse_character_escape());
  }

  std::optional<CharacterSet> parse_set_escape() {
    const char c = peek(1);
    std::optional<CharacterSet> set;
    switch (c) {
      case 'd':
        set = digits();
        break;
      case 'D':
        set = negated(digits());
        break;
      case 'w':
        set = word_characters();
        break;
      case 'W':
        set = negated(word_characters());
        break;
      case 's':
        set = blanks();
        break;
      case 'S':
        set = negated(blanks());
        break;
      case 'p':
      case 'P':
        return parse_property(c == 'P');
      default:
        return std::nullopt;
    }
    position_ += 2;
    return set;
  }

  CharacterSet parse_property(bool is_negated) {
    const size_t end = pattern_.find('}', position_);
    if (peek(2) != '{' || end == std::string_view::npos) fail("got a property without a name in braces");
    std::string_view name = pattern_.substr(position_ + 3, end - position_ - 3);
    for (const std::string_view prefix : {"General_Category=", "gc="}) {
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    }
    for (const Category& category : categories()) {
      if (name.empty() || (name != category.name && name != category.long_name)) continue;
      CharacterSet set;
      for (const utf8proc_category_t member : category.members) set.categories |= bit(member);
      set.is_negated = is_negated;
      position_ = end + 1;
      return set;
    }
    fail("got a property that is no general category known here", ErrorCode::unsupported);
  }

  uint32_t parse_hexadecimal(size_t n_digits) {
    uint32_t number = 0;
    for (size_t i = 0; i < n_digits; ++i, ++position_) {
      const char c = peek();
      const bool is_digit = c >= '0' && c <= '9', is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_digit && !is_letter) fail("got an escape with too few hexadecimal digits");
      number = number * 16 + static_cast<uint32_t>(is_digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return number;
  }

  uint32_t parse_unicode_escape() {
    if (skip("{")) {
      const size_t end = pattern_.find('}', position_);
      if (end == std::string_view::npos || end == position_ || end - position_ > 8) fail("got '\\u{' without '}'");
      const uint32_t character = parse_hexadecimal(end - position_);
      ++position_;
      if (character > kLastCharacter) fail("got a character above U+10FFFF");
      return character;
    }
    const uint32_t first = parse_hexadecimal(4);
    if (first < 0xD800 || first > 0xDBFF || peek() != '\\' || peek(1) != 'u') return first;
    const size_t back = position_;
    position_ += 2;
    const uint32_t second = parse_hexadecimal(4);
    if (second >= 0xDC00 && second <= 0xDFFF) return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    position_ = back;
    return first;
  }

  uint32_t parse_character_escape() {
    static constexpr std::string_view kLetters = "tnvfr", kMeanings = "\t\n\v\f\r";
    skip("\\");
    if (at_end()) fail("got a backslash at the end");
    const char c = peek();
    if (const size_t known = kLetters.find(c); known != std::string_view::npos) {
      ++position_;
      return static_cast<unsigned char>(kMeanings[known]);
    }
    if (skip("x")) return parse_hexadecimal(2);
    if (skip("u")) return parse_unicode_escape();
    if (c == '0' && (peek(1) < '0' || peek(1) > '9')) {
      ++position_;
      return 0;
    }
    if (c == 'c' && ((peek(1) | 0x20) >= 'a' && (peek(1) | 0x20) <= 'z')) {
      const char letter = peek(1);
      position_ += 2;
      return static_cast<uint32_t>(letter & 0x1F);
    }
    const bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
    if (is_word || static_cast<unsigned char>(c) >= 0x80) fail("got an escape that means nothing");
    return take_character();
  }

  /// One member of a class: a character, or a set such as \d.
  std::optional<uint32_t> parse_member(CharacterSet& set) {
    if (peek() != '\\') return take_character();
    if (peek(1) == 'b') {
      position_ += 2;
      return '\b';
    }
    if (const auto inner = parse_set_escape()) {
      set.others.push_back(*inner);
      return std::nullopt;
    }
    return parse_character_escape();
  }

  CharacterSet parse_class() {
    skip("[");
    CharacterSet set;
    const bool is_negated = skip("^");
    while (peek() != ']' || at_end()) {
      if (at_end()) fail("got '[' without ']'");
      const std::optional<uint32_t> first = parse_member(set);
      if (peek() == '-' && peek(1) != ']' && position_ + 1 < pattern_.size()) {
        skip("-");
        const std::optional<uint32_t> last = parse_member(set);
        if (!first || !last) fail("got a range with a class at one end");
        if (*first > *last) fail("got a range in the wrong order");
        set.ranges.emplace_back(*first, *last);
      } else if (first) {
        set.ranges.emplace_back(*first, *first);
      }
    }
    skip("]");
    set.is_negated = is_negated;
    return set;
  }

  std::string_view pattern_;
  size_t position_ = 0;
  size_t depth_ = 0;
};

}  // namespace

const CharacterSet& word_characters() {
  static const CharacterSet kWord{{{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}}, 0, false, {}};
  return kWord;
}

const CharacterSet& blanks() {
  static const CharacterSet kBlanks{
      {{0x09, 0x0D}, {0xFEFF, 0xFEFF}, {0x2028, 0x2029}}, bit(UTF8PROC_CATEGORY_ZS), false, {}};
  return kBlanks;
}

bool CharacterSet::contains(uint32_t character) const noexcept {
  const auto in_range = [&](const auto& range) { return range.first <= character && character <= range.second; };
  const auto in_other = [&](const CharacterSet& other) { return other.contains(character); };
  const auto in_category = [&] {
    return (bit(utf8proc_category(static_cast<utf8proc_int32_t>(character))) & categories) != 0;
  };
  const bool is_in = std::any_of(ranges.begin(), ranges.end(), in_range) || (categories != 0 && in_category()) ||
                     std::any_of(others.begin(), others.end(), in_other);
  return is_in != is_negated;
}

Node parse(std::string_view pattern) {
  return Parser(pattern).parse_all();
}

}  // namespace coppice::regular
