// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_given.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr size_t kLeastBytes = 3, kMostValues = 1000;

/// What is replaced by what.
using Replacements = std::vector<std::pair<std::string, std::string>>;

bool is_of_word(char c) noexcept {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return is_letter || static_cast<unsigned char>(c) >= 0x80;
}

bool may_be_any_word(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Does `part` stand there, and not within a word?
bool stands_at(std::string_view text, size_t at, std::string_view part) {
  if (text.compare(at, part.size(), part) != 0) return false;
  const size_t end = at + part.size();
  const bool begins_inside = at > 0 && is_of_word(text[at - 1]) && is_of_word(part.front());
  return !begins_inside && !(end < text.size() && is_of_word(text[end]) && is_of_word(part.back()));
}

bool has(std::string_view text, std::string_view part) {
  for (size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) {
    if (stands_at(text, at, part)) return true;
  }
  return false;
}

std::string in_json(const std::string& text) {
  const std::string dumped = compact_text(json(text));
  return dumped.substr(1, dumped.size() - 2);
}

std::string in_html(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '&' || c == '<' || c == '>') {
      made += c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;";
    } else {
      made += c;
    }
  }
  return made;
}

/// Ways in which the answer may have a text: as it is, and as HTML.
std::vector<std::string> ways(const std::string& text, bool is_json) {
  std::vector<std::string> all = {text, in_html(text)};
  if (all[0] == all[1]) all.pop_back();
  if (is_json) std::transform(all.begin(), all.end(), all.begin(), in_json);
  return all;
}

std::string replaced(const std::string& text, const Replacements& all) {
  std::string made;
  for (size_t at = 0; at < text.size();) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return stands_at(text, at, one.first); });
    if (found == all.end()) {
      made += text[at++];
    } else {
      made += found->second;
      at += found->first.size();
    }
  }
  return made;
}

}  // namespace

GivenTexts given_texts(const std::string& answer, const json& inputs) {
  GivenTexts given;
  if (!inputs.is_structured() || inputs.empty()) return given;
  const bool is_json = parse_json(answer).is_structured();
  size_t values = 0;
  const json flat = inputs.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (++values > kMostValues) break;
    if (!value.is_string()) continue;
    auto text = value.get<std::string>();
    if (text.size() < kLeastBytes || may_be_any_word(text)) continue;
    const std::vector<std::string> all = ways(text, is_json);
    const bool is_there = std::any_of(all.begin(), all.end(), [&](const std::string& way) { return has(answer, way); });
    if (is_there) given.emplace(pointer, std::move(text));
  }
  return given;
}

std::string with_given(const std::string& answer, const GivenTexts& given, const json& inputs) {
  const bool is_json = parse_json(answer).is_structured();
  Replacements all;
  for (const auto& [pointer, text] : given) {
    const json::json_pointer place(pointer);
    if (text.empty() || !inputs.contains(place) || !inputs.at(place).is_string()) continue;
    const std::vector<std::string> before = ways(text, is_json);
    const auto now = inputs.at(place).get<std::string>();
    const std::string html = in_html(now);
    for (size_t i = 0; i < before.size(); ++i) {
      const std::string& way = i == 0 ? now : html;
      all.emplace_back(before[i], is_json ? in_json(way) : way);
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return all.empty() ? answer : replaced(answer, all);
}

}  // namespace coppice
