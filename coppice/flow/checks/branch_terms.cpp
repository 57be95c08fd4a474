// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/branch_terms.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

/// In the order of the alphabet.
constexpr std::string_view kGrammarWords[] = {
    "a",    "about", "after", "all",  "also",  "an",    "and",  "any",  "are",  "as",  "at",   "be",
    "been", "but",   "by",    "can",  "do",    "each",  "for",  "from", "get",  "had", "has",  "have",
    "he",   "her",   "here",  "his",  "how",   "i",     "if",   "in",   "into", "is",  "it",   "its",
    "just", "like",  "may",   "more", "most",  "my",    "no",   "not",  "of",   "on",  "one",  "only",
    "or",   "our",   "out",   "over", "s",     "she",   "so",   "some", "such", "t",   "than", "that",
    "the",  "their", "them",  "then", "there", "these", "they", "this", "to",   "up",  "us",   "was",
    "we",   "were",  "what",  "when", "where", "which", "who",  "will", "with", "you", "your"};

/// Colours that are seldom meant as anything else.
constexpr std::string_view kColorWords[] = {
    "aqua", "beige",  "black", "blue",   "brown",    "coral",     "crimson", "cyan",  "gold",  "gray",   "green",
    "grey", "indigo", "ivory", "khaki",  "lavender", "magenta",   "maroon",  "navy",  "olive", "orange", "orchid",
    "pink", "purple", "red",   "silver", "teal",     "turquoise", "violet",  "white", "yellow"};

bool is_grammar_word(std::string_view word) {
  return std::binary_search(std::begin(kGrammarWords), std::end(kGrammarWords), word);
}

/// Of "1,200" and "4.5".
std::optional<double> number_of(std::string_view word) {
  std::string digits(word);
  digits.erase(std::remove(digits.begin(), digits.end(), ','), digits.end());
  double value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_number = fault == std::errc() && end == digits.data() + digits.size();
  return is_number ? std::optional(value) : std::nullopt;
}

void find_words(const std::string& text, BranchTerms& terms) {
  const std::vector<std::string> words = words_of(text);
  for (size_t i = 0; i < words.size(); ++i) {
    if (is_counted(words[i]) && !is_grammar_word(words[i])) terms.words.insert(words[i]);
    const auto number = i + 1 < words.size() ? number_of(words[i]) : std::nullopt;
    if (!number) continue;
    std::string unit = words[i + 1];
    const bool is_unit = unit.find_first_of("0123456789") == unit.npos && !is_grammar_word(unit);
    if (unit.size() > 3 && unit.ends_with('s')) unit.pop_back();  // 1 year, 2 years
    if (is_unit) terms.numbers[unit].insert(*number);
  }
}

/// Words of a line as they are written, without the marks around them.
std::vector<std::string_view> plain_words(std::string_view line) {
  constexpr std::string_view kMarks = "\"'().,;:!?[]{}*_";
  std::vector<std::string_view> words = split_blanks(line);
  for (std::string_view& word : words) {
    const size_t begin = word.find_first_not_of(kMarks);
    word = begin == word.npos ? "" : word.substr(begin, word.find_last_not_of(kMarks) + 1 - begin);
  }
  return words;
}

/// Whether a mark after the word ends a sentence, or parts it from the next one.
bool ends_name(std::string_view written) {
  return !written.empty() && std::string_view(".,;:!?)").find(written.back()) != std::string_view::npos;
}

void add_name(const std::string& name, BranchTerms& terms) {
  const bool has_room = terms.names.size() < BranchTerms::kMostNames && name.size() <= BranchTerms::kLongestName;
  if (has_room && name.size() > 1) terms.names.insert(name);
}

/// Names of a line; none in a heading, where most words have capitals.
void find_names(std::string_view line, BranchTerms& terms) {
  const std::vector<std::string_view> written = split_blanks(line), words = plain_words(line);
  const auto capitals = std::count_if(words.begin(), words.end(), begins_with_capital);
  if (static_cast<size_t>(capitals) * 2 > words.size()) return;
  std::string name;
  bool is_first = true;  // of a sentence, where each word has a capital
  for (size_t i = 0; i <= words.size(); ++i) {
    const bool belongs = i < words.size() && begins_with_capital(words[i]) && !is_first;
    if (belongs) name += (name.empty() ? "" : " ") + folded(words[i]);
    const bool is_end = !belongs || ends_name(written[i]);
    if (is_end) add_name(name, terms);
    if (is_end) name.clear();
    if (i < words.size()) is_first = std::string_view(".!?:").find(written[i].back()) != std::string_view::npos;
  }
}

void find_colors(std::string_view text, BranchTerms& terms) {
  for (size_t at = text.find('#'); at != text.npos; at = text.find('#', at + 1)) {
    const size_t end = std::min(text.find_first_not_of("0123456789abcdefABCDEF", at + 1), text.size());
    const ColorReading reading = read_color(text.substr(at, end - at));
    if (reading.kind == ColorReading::Kind::color) terms.colors.emplace(color_text(reading.color), reading.color);
  }
  for (const std::string_view function : {"rgb", "hsl"}) {
    for (size_t at = text.find(function); at != text.npos; at = text.find(function, at + 1)) {
      const std::string_view next = text.substr(at, 60);
      const ColorReading reading = read_color(next.substr(0, next.find(')') + 1));  // npos + 1 is 0
      if (reading.kind == ColorReading::Kind::color) terms.colors.emplace(color_text(reading.color), reading.color);
    }
  }
  for (const std::string_view word : kColorWords) {
    if (terms.words.contains(std::string(word))) terms.colors.emplace(word, read_color(word).color);
  }
  for (auto& [name, color] : terms.colors) color.alpha = 1;
}

}  // namespace

BranchTerms branch_terms(const Branch& branch) {
  BranchTerms terms;
  terms.name = shown(branch.name, 40);
  find_words(branch.text, terms);
  find_colors(branch.text, terms);
  for (size_t begin = 0; begin < branch.text.size();) {
    const size_t end = std::min(branch.text.find('\n', begin), branch.text.size());
    find_names(std::string_view(branch.text).substr(begin, end - begin), terms);
    begin = end + 1;
  }
  return terms;
}

}  // namespace coppice
