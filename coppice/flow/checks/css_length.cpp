// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/css_length.h"

#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/page_style.h"

namespace coppice {
namespace {

using Entry = std::pair<std::string_view, double>;

constexpr Entry kPixelUnits[] = {{"px", 1},         {"pt", 96.0 / 72},       {"pc", 16}, {"in", 96}, {"cm", 96 / 2.54},
                                 {"mm", 96 / 25.4}, {"rem", kRootFontPixels}};
constexpr Entry kSizeNames[] = {{"xx-small", 9}, {"x-small", 10}, {"small", 13},    {"medium", 16},
                                {"large", 18},   {"x-large", 24}, {"xx-large", 32}, {"xxx-large", 48}};
constexpr double kWindowWidth = 1280, kWindowHeight = 800;

/// Features that take one of a few words, with the one that holds for our browser.
constexpr std::pair<std::string_view, std::string_view> kFeatures[] = {
    {"prefers-color-scheme", "light"},
    {"prefers-reduced-motion", "no-preference"},
    {"prefers-contrast", "no-preference"},
    {"prefers-reduced-transparency", "no-preference"},
    {"forced-colors", "none"},
    {"orientation", "landscape"},
    {"hover", "hover"},
    {"any-hover", "hover"},
    {"pointer", "fine"},
    {"any-pointer", "fine"},
};

std::optional<double> find(std::string_view name, const Entry* begin, const Entry* end) {
  for (; begin != end; ++begin) {
    if (begin->first == name) return begin->second;
  }
  return std::nullopt;
}

/// "(min-width: 600px)" without the brackets.
std::optional<bool> feature_holds(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const std::string name = lower_case(trim_blanks(text.substr(0, colon)));
  const std::string value = lower_case(trim_blanks(text.substr(colon + 1)));
  for (const auto& [feature, word] : kFeatures) {
    if (name == feature) return value == word;
  }
  const auto pixels = length_pixels(value, kRootFontPixels);
  const bool is_width = name.ends_with("-width"), is_height = name.ends_with("-height");
  if (!pixels || !(is_width || is_height)) return std::nullopt;
  const double window = is_width ? kWindowWidth : kWindowHeight;
  if (name == "min-width" || name == "min-height") return window >= *pixels;
  if (name == "max-width" || name == "max-height") return window <= *pixels;
  return std::nullopt;
}

/// "screen", "(hover)", joined by "and".
std::optional<bool> term_holds(std::string_view text) {
  if (text.starts_with('(')) {
    return text.ends_with(')') ? feature_holds(text.substr(1, text.size() - 2)) : std::nullopt;
  }
  if (same_but_case(text, "all") || same_but_case(text, "screen")) return true;
  if (same_but_case(text, "print") || same_but_case(text, "speech")) return false;
  return std::nullopt;
}

std::optional<bool> conjunction_holds(std::string_view text) {
  std::optional<bool> result = true;
  bool is_negated = false, expects_term = true;
  for (const std::string_view word : split_css(text, ' ')) {
    if (same_but_case(word, "only") || same_but_case(word, "not")) {
      is_negated = is_negated || same_but_case(word, "not");
    } else if (same_but_case(word, "and") != expects_term) {
      const std::optional<bool> term = expects_term ? term_holds(word) : std::optional(true);
      if (term == false) result = false;
      if (!term && result == true) result = std::nullopt;
      expects_term = !expects_term;
    } else {
      return std::nullopt;  // "or", and what else there is
    }
  }
  if (is_negated && result) return !*result;
  return result;
}

/// In lower case, and no clamp().
std::optional<double> plain_size(std::string_view value, std::optional<double> parent_pixels) {
  if (const auto named = find(value, std::begin(kSizeNames), std::end(kSizeNames))) return named;
  constexpr double kStep = 1.2;
  if (value == "larger") return parent_pixels ? std::optional(*parent_pixels * kStep) : std::nullopt;
  if (value == "smaller") return parent_pixels ? std::optional(*parent_pixels / kStep) : std::nullopt;
  const bool is_relative = value.ends_with('%') || (value.ends_with("em") && !value.ends_with("rem"));
  if (is_relative && !parent_pixels) return std::nullopt;
  return length_pixels(value, parent_pixels.value_or(0));
}

}  // namespace

std::optional<double> length_pixels(std::string_view text, double em_pixels) {
  text = trim_blanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string unit = lower_case(text.substr(static_cast<size_t>(end - text.data())));
  if (unit.empty()) return number == 0 ? std::optional(0.0) : std::nullopt;
  if (unit == "em") return number * em_pixels;
  if (unit == "%") return number / 100 * em_pixels;
  const auto factor = find(unit, std::begin(kPixelUnits), std::end(kPixelUnits));
  return factor ? std::optional(number * *factor) : std::nullopt;
}

std::optional<double> font_size_pixels(std::string_view text, std::optional<double> parent_pixels) {
  const std::string value = lower_case(trim_blanks(text));
  if (!value.starts_with("clamp(") || !value.ends_with(')')) return plain_size(value, parent_pixels);
  const auto parts = split_css(std::string_view(value).substr(6, value.size() - 7), ',');
  if (parts.size() != 3) return std::nullopt;
  const auto least = plain_size(parts[0], parent_pixels), most = plain_size(parts[2], parent_pixels);
  if (least && *least >= kLargePixels) return least;
  return most && *most < kLargeBoldPixels ? most : std::nullopt;
}

std::optional<bool> media_query_holds(std::string_view query) {
  std::optional<bool> result = false;
  const auto parts = split_css(query, ',');
  if (parts.empty()) return true;
  for (const std::string_view part : parts) {
    const std::optional<bool> holds = conjunction_holds(part);
    if (holds == true) return true;
    if (!holds) result = std::nullopt;
  }
  return result;
}

}  // namespace coppice
