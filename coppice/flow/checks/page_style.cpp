// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/page_style.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "coppice/flow/checks/css_cascade.h"
#include "coppice/flow/checks/css_length.h"
#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/html_tokens.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Is this the sheet that a page loads?
bool is_style_link(const HtmlNode& node) {
  const std::string relation = lower_case(node.get("rel"));
  const auto words = split_blanks(relation);
  const auto has = [&](std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  return node.tag == "link" && has("stylesheet") && !has("alternate") && node.has("href");
}

CssColor gray(double level) noexcept {
  return {level, level, level, 1};
}

/// What browsers show of an element by its tag, before any sheet is read.
bool is_never_shown(const HtmlNode& node) {
  if (node.is_foreign) return is_one_of(node.tag, {"title", "desc", "defs", "metadata", "symbol", "style", "script"});
  if (is_one_of(node.tag, {"head", "script", "style", "template", "noscript", "title", "datalist", "rp", "canvas",
                           "video", "audio", "object", "iframe", "noframes", "noembed"})) {
    return true;
  }
  const bool is_closed_dialog = node.tag == "dialog" && !node.has("open");
  const bool is_hidden_input = node.tag == "input" && same_but_case(node.get("type"), "hidden");
  return node.has("hidden") || node.has("popover") || is_closed_dialog || is_hidden_input;
}

bool is_button(const HtmlNode& node) {
  const std::string type = lower_case(node.get("type"));
  return node.tag == "button" || (node.tag == "input" && is_one_of(type, {"submit", "button", "reset"}));
}

double default_scale(std::string_view tag) {
  static const std::unordered_map<std::string_view, double> scales = {
      {"h1", 2},          {"h2", 1.5},         {"h3", 1.17},       {"h5", 0.83},     {"h6", 0.67},
      {"small", 1 / 1.2}, {"sub", 1 / 1.2},    {"sup", 1 / 1.2},   {"big", 1.2},     {"code", 13.0 / 16},
      {"kbd", 13.0 / 16}, {"samp", 13.0 / 16}, {"pre", 13.0 / 16}, {"tt", 13.0 / 16}};
  const auto found = scales.find(tag);
  return found == scales.end() ? 1 : found->second;
}

/// An attribute of old pages: bgcolor="#fff".
void read_color_attribute(const HtmlNode& node, std::string_view attribute, std::optional<CssColor>& color) {
  if (!node.has(attribute)) return;
  const ColorReading reading = read_color(node.get(attribute));
  color = reading.kind == ColorReading::Kind::color ? std::optional(reading.color) : std::nullopt;
}

void apply_defaults(const HtmlNode& node, ElementStyle& style) {
  if (node.is_foreign) {
    style.is_blended = true;  // the colour of its text is `fill`
    return;
  }
  if (style.font_pixels) *style.font_pixels *= default_scale(node.tag);
  if (is_one_of(node.tag, {"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "th", "optgroup"})) style.is_bold = true;
  if (node.tag == "a" && node.has("href")) style.color = CssColor{0, 0, 238, 1};
  if (node.tag == "mark") {
    style.background = CssColor{255, 255, 0, 1};
    style.color = gray(0);
  }
  if (is_button(node) || is_one_of(node.tag, {"input", "select", "textarea"})) {
    style.color = gray(0);
    style.background = gray(is_button(node) ? 239 : 255);
    style.font_pixels = 13.0 + 1.0 / 3;
    style.is_bold = false;
  }
  if (node.tag == "dialog") {
    style.color = gray(0);
    style.background = gray(255);
    style.is_detached = true;
  }
  read_color_attribute(node, "bgcolor", style.background);
  if (node.tag == "font") read_color_attribute(node, "color", style.color);
  if (node.tag == "body") read_color_attribute(node, "text", style.color);
  if (node.has("background")) style.has_image = true;
}

/// Turns what wins in the cascade into the style of one element.
class StyleReader {
 public:
  StyleReader(const CssCascade& cascade, size_t node, const CssWinners& winners, const ElementStyle& parent)
      : cascade_(cascade), node_(node), winners_(winners), parent_(parent) {}

  /// `style` has the defaults.
  void read(ElementStyle& style) {
    read_font(style);
    read_color_of_text(style);
    read_background(style);
    read_drawing(style);
  }

  /// The word that wins, in lower case; "" where none is declared, nothing where it is not known.
  std::optional<std::string> word(CssProperty property) const {
    const CssWinner& winner = winners_[static_cast<size_t>(property)];
    if (!winner.is_known()) return std::nullopt;
    if (!winner.is_declared()) return "";
    const CssValue value = cascade_.value(node_, *winner.certain.declaration);
    if (value.kind == CssValue::Kind::unknown) return std::nullopt;
    if (value.kind == CssValue::Kind::invalid) return "unset";
    return lower_case(trim_blanks(value.text));
  }

 private:
  bool is_shorthand(CssProperty property, std::string_view name) const {
    const CssDeclaration* const declaration = winners_[static_cast<size_t>(property)].certain.declaration;
    return declaration != nullptr && declaration->name == name;
  }

  void read_color_of_text(ElementStyle& style) const {
    const auto value = word(CssProperty::color);
    if (!value) {
      style.color = std::nullopt;
    } else if (!value->empty()) {
      style.color = color_of(*value, parent_.color, parent_.color);
    }
  }

  /// `unset` is what the property has where nothing is set.
  static std::optional<CssColor> color_of(const std::string& value, const std::optional<CssColor>& current,
                                          const std::optional<CssColor>& unset) {
    if (value == "inherit" || value == "unset") return unset;
    if (value == "initial") return CssColor{0, 0, 0, 1};
    const ColorReading reading = read_color(value);
    if (reading.kind == ColorReading::Kind::current) return current;
    return reading.kind == ColorReading::Kind::color ? std::optional(reading.color) : std::nullopt;
  }

  void read_background(ElementStyle& style) const {
    const auto value = word(CssProperty::background_color);
    if (!value) {
      style.background = std::nullopt;
    } else if (*value == "inherit") {
      style.background = parent_.background;
    } else if (*value == "initial" || *value == "unset") {
      style.background = CssColor{0, 0, 0, 0};
    } else if (!value->empty()) {
      const bool is_short = is_shorthand(CssProperty::background_color, "background");
      style.background = is_short ? color_in(*value, style) : color_of(*value, style.color, std::nullopt);
    }
    const auto image = word(CssProperty::background_image);
    if (!image || (*image == "inherit" && parent_.has_image)) {
      style.has_image = true;
    } else if (!image->empty()) {
      style.has_image = image->find("gradient(") != image->npos || image->find("url(") != image->npos ||
                        image->find("image") != image->npos;
    }
  }

  /// The colour among the words of `background`; transparent where there is none.
  static std::optional<CssColor> color_in(const std::string& value, const ElementStyle& style) {
    const auto layers = split_css(value, ',');
    if (value.starts_with("revert")) return std::nullopt;
    if (layers.empty()) return CssColor{0, 0, 0, 0};
    for (const std::string_view part : split_css(layers.back(), ' ')) {
      const ColorReading reading = read_color(part);
      if (reading.kind == ColorReading::Kind::color) return reading.color;
      if (reading.kind == ColorReading::Kind::current) return style.color;
      if (reading.kind == ColorReading::Kind::not_read) return std::nullopt;
    }
    return CssColor{0, 0, 0, 0};
  }

  void read_font(ElementStyle& style) const {
    const auto size = word(CssProperty::font_size), weight = word(CssProperty::font_weight);
    if (!size) {
      style.font_pixels = std::nullopt;
    } else if (is_one_of(*size, {"inherit", "unset"})) {
      style.font_pixels = parent_.font_pixels;
    } else if (*size == "initial") {
      style.font_pixels = kRootFontPixels;
    } else if (!size->empty()) {
      const bool is_short = is_shorthand(CssProperty::font_size, "font");
      style.font_pixels = is_short ? size_in(*size) : font_size_pixels(*size, parent_.font_pixels);
    }
    if (!weight || weight->empty()) return;
    if (is_one_of(*weight, {"inherit", "unset"})) {
      style.is_bold = parent_.is_bold;
    } else {
      const auto words = split_blanks(*weight);
      const bool is_short = is_shorthand(CssProperty::font_weight, "font");
      style.is_bold = std::any_of(words.begin(), is_short ? words.end() : words.begin() + 1, is_bold_word);
    }
  }

  static bool is_bold_word(std::string_view word) {
    int weight = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), weight);
    const bool is_number = fault == std::errc() && end == word.data() + word.size();
    return word == "bold" || word == "bolder" || (is_number && weight >= 700);
  }

  /// The size among the words of `font`: "italic 1.2rem/1.5 serif".
  std::optional<double> size_in(std::string_view value) const {
    for (const std::string_view part : split_css(value, ' ')) {
      const bool is_weight = part.find_first_not_of("0123456789") == part.npos;
      const auto pixels = font_size_pixels(part.substr(0, part.find('/')), parent_.font_pixels);
      if (pixels && !is_weight) return pixels;
    }
    return std::nullopt;
  }

  void read_drawing(ElementStyle& style) const {
    const auto opacity = word(CssProperty::opacity);
    const auto blending = word(CssProperty::blending);
    const auto position = word(CssProperty::position);
    if (!opacity || !blending) style.is_blended = true;
    if (opacity && !opacity->empty()) read_opacity(*opacity, style);
    const bool is_dark = blending && blending->find("dark") != blending->npos;
    const bool is_light = blending && blending->find("light") != blending->npos;
    const bool is_plain = !blending || is_one_of(*blending, {"", "none", "normal", "initial", "unset", "border-box",
                                                             "padding-box", "content-box", "currentcolor"});
    if (!is_plain && !is_light) style.is_blended = true;
    if (is_dark && !is_light) style.is_blended = true;
    if (!position || is_one_of(*position, {"absolute", "fixed", "sticky", "-webkit-sticky"})) style.is_detached = true;
  }

  static void read_opacity(std::string_view value, ElementStyle& style) {
    double number = 0;
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
    const std::string_view unit = value.substr(static_cast<size_t>(end - value.data()));
    if (fault == std::errc() && (unit.empty() || unit == "%")) {
      style.opacity = std::clamp(unit.empty() ? number : number / 100, 0.0, 1.0);
    } else if (value != "initial" && value != "unset") {
      style.is_blended = true;
    }
  }

  const CssCascade& cascade_;
  size_t node_;
  const CssWinners& winners_;
  const ElementStyle& parent_;
};

ElementStyle inherited(const ElementStyle& parent) {
  ElementStyle style;
  style.color = parent.color;
  style.font_pixels = parent.font_pixels;
  style.is_bold = parent.is_bold;
  style.is_blended = parent.is_blended;
  return style;
}

ElementStyle unknown_style() {
  ElementStyle style;
  style.color = style.background = std::nullopt;
  style.font_pixels = std::nullopt;
  style.is_blended = true;
  return style;
}

}  // namespace

PageStyle::PageStyle(const HtmlPage& page, const FindSheet& find_sheet) : styles_(page.size()) {
  CssCascade cascade(page);
  for (size_t i = 0; i < page.size(); ++i) {
    const HtmlNode& node = page[i];
    if (node.tag == "style") cascade.add_sheet(page.text_below(i), node.get("media"));
    if (!is_style_link(node)) continue;
    if (const auto sheet = find_sheet(node.get("href"))) {
      cascade.add_sheet(*sheet, node.get("media"));
    } else {
      notes_.push_back(fmt::format("the style sheet '{}' is not among the files", shown(node.get("href"))));
    }
  }
  std::vector<uint8_t> is_gone(page.size()), is_invisible(page.size());  // display: none; visibility: hidden
  for (size_t i = 0; i < page.size(); ++i) {
    const HtmlNode& node = page[i];
    const ElementStyle parent = i == 0 ? ElementStyle{} : styles_[node.parent];
    is_gone[i] = i == 0 ? 0 : is_gone[node.parent];
    is_invisible[i] = i == 0 ? 0 : is_invisible[node.parent];
    if (node.is_text()) {
      styles_[i] = parent;
      continue;
    }
    ElementStyle style = inherited(parent);
    apply_defaults(node, style);
    const CssWinners winners = cascade.winners(i);
    StyleReader reader(cascade, i, winners, parent);
    reader.read(style);
    const std::string display = reader.word(CssProperty::display).value_or("");
    const std::string visibility = reader.word(CssProperty::visibility).value_or("");
    if (display == "none" || (display.empty() && is_never_shown(node))) is_gone[i] = 1;
    if (!visibility.empty() && visibility != "inherit") is_invisible[i] = visibility == "visible" ? 0 : 1;
    if (cascade.is_exhausted()) style = unknown_style();
    style.is_hidden = is_gone[i] != 0 || is_invisible[i] != 0;
    styles_[i] = style;
  }
  notes_.insert(notes_.end(), cascade.notes().begin(), cascade.notes().end());
  if (cascade.is_exhausted())
    notes_.emplace_back("the style sheets are too large for this page: colours are not known");
}

TextContrast PageStyle::contrast(const HtmlPage& page, size_t node) const {
  TextContrast result;
  size_t element = page[node].is_text() ? page[node].parent : node;
  const ElementStyle& own = styles_[element];
  if (own.is_blended)
    result.unknown = "a filter, a blend mode, SVG or a rule that is not understood decides its colour";
  if (!own.color) result.unknown = "its colour is one that is not computed";
  if (!result.unknown.empty()) return result;
  constexpr double kOpaque = 0.999;
  CssColor text = *own.color, back{0, 0, 0, 0};
  for (;; element = page[element].parent) {
    const ElementStyle& style = styles_[element];
    if (back.alpha < kOpaque) {
      if (style.has_image) result.unknown = "an image or a gradient is behind it";
      if (!style.background) result.unknown = "the colour behind it is one that is not computed";
      if (!result.unknown.empty()) return result;
    }
    const CssColor ground = style.background.value_or(CssColor{0, 0, 0, 0});
    text = over(text, ground);
    back = over(back, ground);
    text.alpha *= style.opacity;
    back.alpha *= style.opacity;
    if (style.is_detached && back.alpha < kOpaque) {
      result.unknown = "it is placed over other elements";
      return result;
    }
    if (element == 0) break;
  }
  result.text = over(text, gray(255));
  result.background = over(back, gray(255));
  result.ratio = contrast_ratio(result.text, result.background);
  return result;
}

std::string visible_text(const HtmlPage& page, const PageStyle& style) {
  std::string text;
  std::vector<uint32_t> ends;  // of the blocks that are open
  for (uint32_t i = 0; i < page.size(); ++i) {
    for (; !ends.empty() && ends.back() <= i; ends.pop_back()) text += '\n';
    const HtmlNode& node = page[i];
    if (style[i].is_hidden) continue;
    if (node.is_text()) {
      text += node.text;
      continue;
    }
    if (is_button(node) && node.tag == "input") text.append(" ").append(node.get("value")).append(" ");
    if (is_one_of(node.tag,
                  {"a",    "abbr",   "b",      "bdi", "bdo", "big",  "cite",  "code", "data", "dfn", "em",   "font",
                   "i",    "img",    "input",  "ins", "del", "kbd",  "label", "mark", "q",    "s",   "samp", "small",
                   "span", "strike", "strong", "sub", "sup", "time", "tt",    "u",    "var",  "wbr"})) {
      continue;
    }
    text += '\n';
    ends.push_back(node.end);
  }
  return text;
}

}  // namespace coppice
