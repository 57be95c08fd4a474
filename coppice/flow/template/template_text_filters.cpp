// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/flow/json/code_points.h"
#include "coppice/flow/template/template_filters.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

/// What llm.h counts a token as, where no tokenizer is known.
constexpr size_t kBytesPerToken = 4;

Value made(Evaluation& evaluation, std::string text) {
  evaluation.expect_room(0, text.size());
  return evaluation.keep(json(std::move(text)));
}

Value lower(Evaluation& evaluation, const FilterCall& call) {
  return made(evaluation, to_lower(text_input(evaluation, call)));
}

Value upper(Evaluation& evaluation, const FilterCall& call) {
  return made(evaluation, to_upper(text_input(evaluation, call)));
}

Value capitalize(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  if (text.empty()) return made(evaluation, {});
  const size_t first = first_code_point(text).n_bytes;
  return made(evaluation, to_upper(text.substr(0, first)) + to_lower(text.substr(first)));
}

/// Words begin after blanks and after - ( { [ <
Value title(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  std::string result;
  bool begins_word = true;
  for (std::string_view rest = text; !rest.empty();) {
    const CodePoint c = first_code_point(rest);
    if (!c.is_valid) {
      result += rest[0];
    } else if (begins_word) {
      append_upper(c.value, result);
    } else {
      append_lower(c.value, result);
    }
    begins_word = is_space(c.value) || (c.value < 0x80 && std::string_view("-({[<").find(rest[0]) != std::string::npos);
    rest.remove_prefix(c.n_bytes);
  }
  return made(evaluation, std::move(result));
}

std::string_view last_character(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0u) == 0x80u) --begin;
  const std::string_view last = text.substr(begin);
  return first_code_point(last).n_bytes == last.size() ? last : text.substr(text.size() - 1);
}

template <class IsTrimmed>
std::string_view trimmed(std::string_view text, IsTrimmed is_trimmed) {
  while (!text.empty() && is_trimmed(first_code_point(text))) text.remove_prefix(first_code_point(text).n_bytes);
  while (!text.empty() && is_trimmed(first_code_point(last_character(text)))) {
    text.remove_suffix(last_character(text).size());
  }
  return text;
}

Value trim(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  if (!call.has(0) || call.argument(0).is_none()) {
    return made(evaluation, std::string(trimmed(text, [](CodePoint c) { return c.is_valid && is_space(c.value); })));
  }
  std::vector<uint32_t> characters;
  for (std::string_view rest = text_argument(evaluation, call, 0); !rest.empty();) {
    const CodePoint c = first_code_point(rest);
    if (c.is_valid) characters.push_back(c.value);
    rest.remove_prefix(c.n_bytes);
  }
  std::sort(characters.begin(), characters.end());
  return made(evaluation, std::string(trimmed(text, [&](CodePoint c) {
                return c.is_valid && std::binary_search(characters.begin(), characters.end(), c.value);
              })));
}

Value truncate(Evaluation& evaluation, const FilterCall& call) {
  if (!call.input.is_text()) fail_input(evaluation, call, "a text");
  const std::string& text = call.input.text();
  evaluation.charge_bytes(text.size());
  const int64_t most = integer_argument(evaluation, call, 0, 255);
  const bool cuts_words = call.has(1) && call.argument(1).is_true();
  const std::string end = call.has(2) ? text_argument(evaluation, call, 2) : "...";
  const int64_t leeway = integer_argument(evaluation, call, 3, 5);
  const auto n_end = static_cast<int64_t>(count_code_points(end));
  if (most < n_end || leeway < 0) {
    evaluation.fail("got a length of " + std::to_string(most) + " for 'truncate', expected at least " +
                    std::to_string(n_end) + ", what stands at the end, and a leeway that is not below 0");
  }
  const auto n = static_cast<int64_t>(count_code_points(text));
  if (n <= most || n - most <= leeway) return made(evaluation, text);
  std::string kept = text.substr(0, byte_of_code_point(text, static_cast<size_t>(most - n_end)));
  if (const size_t blank = kept.rfind(' '); !cuts_words && blank != std::string::npos) kept.resize(blank);
  return made(evaluation, kept + end);
}

/// About so many tokens at most, whole words where there are any; without a tokenizer, four bytes count as one.
Value truncate_tokens(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  const int64_t most = integer_argument(evaluation, call, 0, 0);
  const std::string end = call.has(1) ? text_argument(evaluation, call, 1) : "";
  if (most < 0) evaluation.fail("got " + std::to_string(most) + " tokens, expected 0 or more");
  if (text.size() / kBytesPerToken + (text.size() % kBytesPerToken > 0 ? 1 : 0) <= static_cast<uint64_t>(most)) {
    return made(evaluation, text);
  }
  const size_t room = static_cast<size_t>(most) * kBytesPerToken;  // below the size of the text
  size_t cut = room > end.size() ? room - end.size() : 0;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0u) == 0x80u) --cut;
  const size_t blank = text[cut] == ' ' || text[cut] == '\n' ? cut : text.find_last_of(" \n", cut);
  if (blank != std::string::npos && blank > cut / 2) cut = blank;
  return made(evaluation, text.substr(0, cut) + (end.size() <= room ? end : std::string()));
}

Value wordcount(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  size_t n_words = 0;
  bool in_word = false;
  for (std::string_view rest = text; !rest.empty();) {
    const CodePoint c = first_code_point(rest);
    const bool is_word = c.is_valid && is_word_character(c.value);
    n_words += is_word && !in_word ? 1 : 0;
    in_word = is_word;
    rest.remove_prefix(c.n_bytes);
  }
  return evaluation.keep(json(n_words));
}

Value escape(Evaluation& evaluation, const FilterCall& call) {
  static constexpr std::pair<char, std::string_view> kEntities[] = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
  std::string escaped;
  for (const char c : evaluation.text_of(call.input)) {
    const auto* const entity =
        std::find_if(std::begin(kEntities), std::end(kEntities), [c](const auto& each) { return each.first == c; });
    if (entity == std::end(kEntities)) {
      escaped += c;
    } else {
      escaped += entity->second;
    }
  }
  evaluation.charge_bytes(escaped.size());
  return made(evaluation, std::move(escaped));
}

Value replace(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  const std::string &from = text_argument(evaluation, call, 0), &to = text_argument(evaluation, call, 1);
  int64_t left = integer_argument(evaluation, call, 2, -1);
  if (from.empty()) evaluation.fail("got an empty text to replace");
  std::string result;
  size_t begin = 0;
  for (size_t found; left != 0 && (found = find_text(text, from, begin)) != std::string_view::npos; --left) {
    evaluation.expect_room(result.size(), found - begin + to.size());
    evaluation.charge_bytes(to.size());
    result.append(text, begin, found - begin).append(to);
    begin = found + from.size();
  }
  return made(evaluation, result.append(text, begin));
}

/// Where the first blank of a text begins, npos where there is none.
size_t find_blank(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = first_code_point(text.substr(i));
    if (c.is_valid && is_space(c.value)) return i;
    i += c.n_bytes;
  }
  return std::string_view::npos;
}

Value split_at_blanks(Evaluation& evaluation, std::string_view rest, int64_t left) {
  const auto is_blank = [](CodePoint c) { return c.is_valid && is_space(c.value); };
  Value::List parts;
  for (;; --left) {
    while (!rest.empty() && is_blank(first_code_point(rest))) rest.remove_prefix(first_code_point(rest).n_bytes);
    if (rest.empty()) break;
    const size_t end = left == 0 ? rest.size() : std::min(find_blank(rest), rest.size());
    parts.push_back(evaluation.keep(json(std::string(rest.substr(0, end)))));
    rest.remove_prefix(end);
  }
  return evaluation.keep(std::move(parts));
}

/// As Python's str.split.
Value split(Evaluation& evaluation, const FilterCall& call) {
  const std::string text = text_input(evaluation, call);
  int64_t left = integer_argument(evaluation, call, 1, -1);
  if (!call.has(0) || call.argument(0).is_none()) return split_at_blanks(evaluation, text, left);
  const std::string& separator = text_argument(evaluation, call, 0);
  if (separator.empty()) evaluation.fail("got an empty text to split at");
  Value::List parts;
  for (std::string_view rest = text;; --left) {
    const size_t end = left == 0 ? std::string_view::npos : find_text(rest, separator);
    parts.push_back(evaluation.keep(json(std::string(rest.substr(0, end)))));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + separator.size());
  }
  return evaluation.keep(std::move(parts));
}

Value indent(Evaluation& evaluation, const FilterCall& call) {
  if (!call.input.is_text()) fail_input(evaluation, call, "a text");
  const std::string& text = call.input.text();
  evaluation.charge_bytes(text.size());
  const bool by_text = call.has(0) && call.argument(0).is_text();
  const int64_t width = by_text ? 0 : integer_argument(evaluation, call, 0, 4);
  if (width < 0 || width > 1000) {
    evaluation.fail("got a width of " + std::to_string(width) + " for 'indent', expected 0 to 1000");
  }
  const std::string margin = by_text ? call.argument(0).text() : std::string(static_cast<size_t>(width), ' ');
  const bool first = call.has(1) && call.argument(1).is_true(), blank = call.has(2) && call.argument(2).is_true();
  std::string result = first ? margin : std::string();
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool has_margin = begin > 0 && (blank || end > begin);
    evaluation.charge_bytes(margin.size());
    evaluation.expect_room(result.size(), margin.size() + (end - begin));
    if (has_margin) result += margin;
    result.append(text, begin, std::min(end + 1, text.size()) - begin);
    begin = end + 1;
  }
  return made(evaluation, std::move(result));
}

Value to_json(Evaluation& evaluation, const FilterCall& call) {
  const int64_t width = integer_argument(evaluation, call, 0, 0);
  if (width < 0 || width > 16) {
    evaluation.fail("got an indent of " + std::to_string(width) + " for 'tojson', expected 0 to 16");
  }
  std::string text;
  evaluation.append_json(call.input, static_cast<size_t>(width), text);
  evaluation.charge_bytes(text.size());
  return made(evaluation, std::move(text));
}

Value to_text(Evaluation& evaluation, const FilterCall& call) {
  return call.input.is_text() ? call.input : made(evaluation, evaluation.text_of(call.input));
}

}  // namespace

const std::vector<Filter>& text_filters() {
  static const std::vector<Filter> kFilters{
      {"capitalize", {}, 0, capitalize, kPrintedTypes, text_type},
      {"e", {}, 0, escape, kAnyType, text_type},
      {"escape", {}, 0, escape, kAnyType, text_type},
      {"indent", {"width", "first", "blank"}, 0, indent, schema::kString, text_type},
      {"lower", {}, 0, lower, kPrintedTypes, text_type},
      {"replace", {"old", "new", "count"}, 2, replace, kPrintedTypes, text_type},
      {"split", {"separator", "maxsplit"}, 0, split, kPrintedTypes, texts_type},
      {"string", {}, 0, to_text, kAnyType, text_type},
      {"title", {}, 0, title, kPrintedTypes, text_type},
      {"tojson", {"indent"}, 0, to_json, kAnyType, text_type},
      {"trim", {"chars"}, 0, trim, kPrintedTypes, text_type},
      {"truncate", {"length", "killwords", "end", "leeway"}, 0, truncate, schema::kString, text_type},
      {"truncate_tokens", {"tokens", "end"}, 1, truncate_tokens, kPrintedTypes, text_type},
      {"upper", {}, 0, upper, kPrintedTypes, text_type},
      {"wordcount", {}, 0, wordcount, kPrintedTypes, count_type}};
  return kFilters;
}

}  // namespace coppice::templates
