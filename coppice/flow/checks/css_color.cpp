// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/css_color.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "coppice/flow/checks/html_tokens.h"

namespace coppice {
namespace {

struct NamedColor {
  std::string_view name;
  uint32_t rgb;
};

/// In the order of the alphabet.
constexpr NamedColor kNamedColors[] = {
    {"aliceblue", 0xF0F8FF},
    {"antiquewhite", 0xFAEBD7},
    {"aqua", 0x00FFFF},
    {"aquamarine", 0x7FFFD4},
    {"azure", 0xF0FFFF},
    {"beige", 0xF5F5DC},
    {"bisque", 0xFFE4C4},
    {"black", 0x000000},
    {"blanchedalmond", 0xFFEBCD},
    {"blue", 0x0000FF},
    {"blueviolet", 0x8A2BE2},
    {"brown", 0xA52A2A},
    {"burlywood", 0xDEB887},
    {"cadetblue", 0x5F9EA0},
    {"chartreuse", 0x7FFF00},
    {"chocolate", 0xD2691E},
    {"coral", 0xFF7F50},
    {"cornflowerblue", 0x6495ED},
    {"cornsilk", 0xFFF8DC},
    {"crimson", 0xDC143C},
    {"cyan", 0x00FFFF},
    {"darkblue", 0x00008B},
    {"darkcyan", 0x008B8B},
    {"darkgoldenrod", 0xB8860B},
    {"darkgray", 0xA9A9A9},
    {"darkgreen", 0x006400},
    {"darkgrey", 0xA9A9A9},
    {"darkkhaki", 0xBDB76B},
    {"darkmagenta", 0x8B008B},
    {"darkolivegreen", 0x556B2F},
    {"darkorange", 0xFF8C00},
    {"darkorchid", 0x9932CC},
    {"darkred", 0x8B0000},
    {"darksalmon", 0xE9967A},
    {"darkseagreen", 0x8FBC8F},
    {"darkslateblue", 0x483D8B},
    {"darkslategray", 0x2F4F4F},
    {"darkslategrey", 0x2F4F4F},
    {"darkturquoise", 0x00CED1},
    {"darkviolet", 0x9400D3},
    {"deeppink", 0xFF1493},
    {"deepskyblue", 0x00BFFF},
    {"dimgray", 0x696969},
    {"dimgrey", 0x696969},
    {"dodgerblue", 0x1E90FF},
    {"firebrick", 0xB22222},
    {"floralwhite", 0xFFFAF0},
    {"forestgreen", 0x228B22},
    {"fuchsia", 0xFF00FF},
    {"gainsboro", 0xDCDCDC},
    {"ghostwhite", 0xF8F8FF},
    {"gold", 0xFFD700},
    {"goldenrod", 0xDAA520},
    {"gray", 0x808080},
    {"green", 0x008000},
    {"greenyellow", 0xADFF2F},
    {"grey", 0x808080},
    {"honeydew", 0xF0FFF0},
    {"hotpink", 0xFF69B4},
    {"indianred", 0xCD5C5C},
    {"indigo", 0x4B0082},
    {"ivory", 0xFFFFF0},
    {"khaki", 0xF0E68C},
    {"lavender", 0xE6E6FA},
    {"lavenderblush", 0xFFF0F5},
    {"lawngreen", 0x7CFC00},
    {"lemonchiffon", 0xFFFACD},
    {"lightblue", 0xADD8E6},
    {"lightcoral", 0xF08080},
    {"lightcyan", 0xE0FFFF},
    {"lightgoldenrodyellow", 0xFAFAD2},
    {"lightgray", 0xD3D3D3},
    {"lightgreen", 0x90EE90},
    {"lightgrey", 0xD3D3D3},
    {"lightpink", 0xFFB6C1},
    {"lightsalmon", 0xFFA07A},
    {"lightseagreen", 0x20B2AA},
    {"lightskyblue", 0x87CEFA},
    {"lightslategray", 0x778899},
    {"lightslategrey", 0x778899},
    {"lightsteelblue", 0xB0C4DE},
    {"lightyellow", 0xFFFFE0},
    {"lime", 0x00FF00},
    {"limegreen", 0x32CD32},
    {"linen", 0xFAF0E6},
    {"magenta", 0xFF00FF},
    {"maroon", 0x800000},
    {"mediumaquamarine", 0x66CDAA},
    {"mediumblue", 0x0000CD},
    {"mediumorchid", 0xBA55D3},
    {"mediumpurple", 0x9370DB},
    {"mediumseagreen", 0x3CB371},
    {"mediumslateblue", 0x7B68EE},
    {"mediumspringgreen", 0x00FA9A},
    {"mediumturquoise", 0x48D1CC},
    {"mediumvioletred", 0xC71585},
    {"midnightblue", 0x191970},
    {"mintcream", 0xF5FFFA},
    {"mistyrose", 0xFFE4E1},
    {"moccasin", 0xFFE4B5},
    {"navajowhite", 0xFFDEAD},
    {"navy", 0x000080},
    {"oldlace", 0xFDF5E6},
    {"olive", 0x808000},
    {"olivedrab", 0x6B8E23},
    {"orange", 0xFFA500},
    {"orangered", 0xFF4500},
    {"orchid", 0xDA70D6},
    {"palegoldenrod", 0xEEE8AA},
    {"palegreen", 0x98FB98},
    {"paleturquoise", 0xAFEEEE},
    {"palevioletred", 0xDB7093},
    {"papayawhip", 0xFFEFD5},
    {"peachpuff", 0xFFDAB9},
    {"peru", 0xCD853F},
    {"pink", 0xFFC0CB},
    {"plum", 0xDDA0DD},
    {"powderblue", 0xB0E0E6},
    {"purple", 0x800080},
    {"rebeccapurple", 0x663399},
    {"red", 0xFF0000},
    {"rosybrown", 0xBC8F8F},
    {"royalblue", 0x4169E1},
    {"saddlebrown", 0x8B4513},
    {"salmon", 0xFA8072},
    {"sandybrown", 0xF4A460},
    {"seagreen", 0x2E8B57},
    {"seashell", 0xFFF5EE},
    {"sienna", 0xA0522D},
    {"silver", 0xC0C0C0},
    {"skyblue", 0x87CEEB},
    {"slateblue", 0x6A5ACD},
    {"slategray", 0x708090},
    {"slategrey", 0x708090},
    {"snow", 0xFFFAFA},
    {"springgreen", 0x00FF7F},
    {"steelblue", 0x4682B4},
    {"tan", 0xD2B48C},
    {"teal", 0x008080},
    {"thistle", 0xD8BFD8},
    {"tomato", 0xFF6347},
    {"turquoise", 0x40E0D0},
    {"violet", 0xEE82EE},
    {"wheat", 0xF5DEB3},
    {"white", 0xFFFFFF},
    {"whitesmoke", 0xF5F5F5},
    {"yellow", 0xFFFF00},
    {"yellowgreen", 0x9ACD32},
};

/// Those that depend on the system, in lower case. Source: CSS Color Module Level 4, section 6.2.
constexpr std::string_view kSystemColors[] = {
    "accentcolor", "accentcolortext", "activetext",   "buttonborder", "buttonface",       "buttontext", "canvas",
    "canvastext",  "field",           "fieldtext",    "graytext",     "highlight",        "linktext",   "mark",
    "marktext",    "highlighttext",   "selecteditem", "visitedtext",  "selecteditemtext",
};

constexpr std::string_view kOtherFunctions[] = {"lab",       "lch",        "oklab",       "oklch",         "color",
                                                "color-mix", "light-dark", "device-cmyk", "contrast-color"};

CssColor of_rgb(uint32_t rgb) noexcept {
  return {static_cast<double>(rgb >> 16), static_cast<double>((rgb >> 8) & 0xFF), static_cast<double>(rgb & 0xFF), 1};
}

ColorReading color(const CssColor& value) noexcept {
  return {ColorReading::Kind::color, value};
}

ColorReading of_hex(std::string_view digits) {
  std::string all(digits);
  if (digits.size() == 3 || digits.size() == 4) {
    all.clear();
    for (const char digit : digits) all += {digit, digit};
  }
  if (all.size() == 6) all += "ff";
  uint32_t value = 0;
  const auto [end, fault] = std::from_chars(all.data(), all.data() + all.size(), value, 16);
  if (all.size() != 8 || fault != std::errc() || end != all.data() + all.size()) return {};
  CssColor result = of_rgb(value >> 8);
  result.alpha = static_cast<double>(value & 0xFF) / 255;
  return color(result);
}

/// A number with its unit, as the arguments of colour functions have them.
struct Quantity {
  double number = 0;
  std::string unit;
};

std::optional<Quantity> quantity(std::string_view text) {
  if (text == "none") return Quantity{};
  if (text.starts_with('+')) text.remove_prefix(1);
  Quantity result;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), result.number);
  if (fault != std::errc() || !std::isfinite(result.number)) return std::nullopt;
  result.unit = text.substr(static_cast<size_t>(end - text.data()));
  return result;
}

/// Percentages are of `whole`.
std::optional<double> part_of(const Quantity& quantity, double whole) {
  if (quantity.unit == "%") return quantity.number / 100 * whole;
  return quantity.unit.empty() ? std::optional(quantity.number) : std::nullopt;
}

/// Units: degrees, from 0 to less than 360.
std::optional<double> angle(const Quantity& quantity) {
  double degrees = quantity.number;
  if (quantity.unit == "turn") {
    degrees *= 360;
  } else if (quantity.unit == "rad") {
    degrees *= 180 / std::numbers::pi;
  } else if (quantity.unit == "grad") {
    degrees *= 0.9;
  } else if (!quantity.unit.empty() && quantity.unit != "deg") {
    return std::nullopt;
  }
  degrees = std::fmod(degrees, 360);
  return degrees < 0 ? degrees + 360 : degrees;
}

/// Source: CSS Color Module Level 4, section 7.1.
CssColor of_hsl(double hue, double saturation, double lightness) {
  const auto channel = [&](double n) {
    const double k = std::fmod(n + hue / 30, 12);
    const double a = saturation * std::min(lightness, 1 - lightness);
    return 255 * (lightness - a * std::max(-1.0, std::min({k - 3, 9 - k, 1.0})));
  };
  return {channel(0), channel(8), channel(4), 1};
}

/// Source: CSS Color Module Level 4, section 8.1.
CssColor of_hwb(double hue, double white, double black) {
  if (white + black >= 1) {
    const double gray = 255 * white / (white + black);
    return {gray, gray, gray, 1};
  }
  CssColor result = of_hsl(hue, 1, 0.5);
  for (double* channel : {&result.red, &result.green, &result.blue}) {
    *channel = *channel * (1 - white - black) + 255 * white;
  }
  return result;
}

/// The words of the arguments; commas and the slash before alpha are passed over.
std::vector<std::string_view> arguments_of(std::string_view text) {
  constexpr std::string_view kBetween = " \t\r\n\f,/";
  std::vector<std::string_view> list;
  for (size_t begin = text.find_first_not_of(kBetween); begin != text.npos;) {
    const size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    list.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(kBetween, end);
  }
  return list;
}

std::optional<CssColor> of_quantities(std::string_view function, const std::vector<Quantity>& q) {
  const auto within = [](std::optional<double> value, double most) {
    return value ? std::optional(std::clamp(*value, 0.0, most)) : std::nullopt;
  };
  const bool is_rgb = function.starts_with("rgb");
  const auto first = is_rgb ? within(part_of(q[0], 255), 255) : angle(q[0]);
  // "hsl(210 50 40)" and "hsl(210, 50%, 40%)" are the same.
  const double whole = is_rgb ? 255 : 100;
  const auto second = within(part_of(q[1], whole), whole), third = within(part_of(q[2], whole), whole);
  const auto alpha = q.size() > 3 ? within(part_of(q[3], 1), 1) : std::optional(1.0);
  if (!first || !second || !third || !alpha) return std::nullopt;
  CssColor result{*first, *second, *third, 1};
  if (function.starts_with("hsl")) result = of_hsl(*first, *second / 100, *third / 100);
  if (function == "hwb") result = of_hwb(*first, *second / 100, *third / 100);
  result.alpha = *alpha;
  return result;
}

ColorReading of_function(std::string_view function, std::string_view arguments) {
  constexpr ColorReading kNotRead{ColorReading::Kind::not_read, {}};
  const auto* const other = std::find(std::begin(kOtherFunctions), std::end(kOtherFunctions), function);
  if (other != std::end(kOtherFunctions)) return kNotRead;
  constexpr std::string_view kOurs[] = {"rgb", "rgba", "hsl", "hsla", "hwb"};
  if (std::find(std::begin(kOurs), std::end(kOurs), function) == std::end(kOurs)) return {};
  if (arguments.find('(') != arguments.npos || arguments.starts_with("from ")) return kNotRead;
  std::vector<Quantity> quantities;
  for (const std::string_view argument : arguments_of(arguments)) {
    const auto one = quantity(argument);
    if (!one || quantities.size() == 4) return {};
    quantities.push_back(*one);
  }
  if (quantities.size() < 3) return {};
  const auto result = of_quantities(function, quantities);
  return result ? color(*result) : ColorReading{};
}

/// Units: 1 is all the light there is.
double linear(double channel) noexcept {
  const double part = channel / 255;
  return part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
}

double luminance(const CssColor& c) noexcept {
  return 0.2126 * linear(c.red) + 0.7152 * linear(c.green) + 0.0722 * linear(c.blue);
}

/// L*, a*, b* of a colour, for the white point D65.
std::array<double, 3> lab(const CssColor& c) noexcept {
  const double r = linear(c.red), g = linear(c.green), b = linear(c.blue);
  const auto root = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
  const double x = root((0.4123908 * r + 0.3575843 * g + 0.1804808 * b) / 0.9504559);
  const double y = root(0.2126390 * r + 0.7151687 * g + 0.0721923 * b);
  const double z = root((0.0193308 * r + 0.1191948 * g + 0.9505322 * b) / 1.0890577);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

}  // namespace

ColorReading read_color(std::string_view value) {
  const std::string text = lower_case(trim_blanks(value));
  if (text.starts_with('#')) return of_hex(std::string_view(text).substr(1));
  if (text == "transparent") return color({0, 0, 0, 0});
  if (text == "currentcolor") return {ColorReading::Kind::current, {}};
  if (const size_t open = text.find('('); open != text.npos) {
    if (!text.ends_with(')')) return {};
    return of_function(std::string_view(text).substr(0, open),
                       trim_blanks(std::string_view(text).substr(open + 1, text.size() - open - 2)));
  }
  const auto* const found =
      std::lower_bound(std::begin(kNamedColors), std::end(kNamedColors), text,
                       [](const NamedColor& one, const std::string& name) { return one.name < name; });
  if (found != std::end(kNamedColors) && found->name == text) return color(of_rgb(found->rgb));
  const auto* const system = std::find(std::begin(kSystemColors), std::end(kSystemColors), text);
  return {system == std::end(kSystemColors) ? ColorReading::Kind::none : ColorReading::Kind::not_read, {}};
}

ColorsFound colors_in(std::string_view value) {
  ColorsFound found;
  const auto is_part = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' || c == '#';
  };
  const auto add = [&](std::string_view text) {
    const ColorReading reading = read_color(text);
    if (reading.kind == ColorReading::Kind::color && reading.color.alpha > 0) found.colors.push_back(reading.color);
    if (reading.kind == ColorReading::Kind::not_read) ++found.not_read;
    return reading.kind != ColorReading::Kind::none;
  };
  for (size_t at = 0; at < value.size();) {
    const char c = value[at];
    size_t end = at;
    while (end < value.size() && is_part(value[end])) ++end;
    if (c == '"' || c == '\'') {
      at = std::min(value.find(c, at + 1), value.size() - 1) + 1;
    } else if (end == at) {
      ++at;
    } else if (end == value.size() || value[end] != '(') {
      add(value.substr(at, end - at));
      at = end;
    } else {
      // Of a function that is no colour, such as a gradient, the arguments are looked at; an address is not.
      constexpr size_t kLongest = 200;  // no colour is longer; an address may be
      const bool is_address = same_but_case(value.substr(at, end - at), "url");
      const std::string_view rest = is_address ? value.substr(at) : value.substr(at, kLongest);
      const size_t size = std::min(rest.find(')'), rest.size() - 1) + 1;
      at = is_address || add(rest.substr(0, size)) ? at + size : end + 1;
    }
  }
  return found;
}

std::string color_text(const CssColor& c) {
  const auto byte = [](double part) { return static_cast<int>(std::lround(std::clamp(part, 0.0, 255.0))); };
  const std::string opaque = fmt::format("#{:02x}{:02x}{:02x}", byte(c.red), byte(c.green), byte(c.blue));
  return c.alpha >= 1 ? opaque : opaque + fmt::format("{:02x}", byte(c.alpha * 255));
}

CssColor over(const CssColor& top, const CssColor& below) noexcept {
  const double alpha = top.alpha + below.alpha * (1 - top.alpha);
  if (alpha <= 0) return {0, 0, 0, 0};
  const auto mixed = [&](double a, double b) { return (a * top.alpha + b * below.alpha * (1 - top.alpha)) / alpha; };
  return {mixed(top.red, below.red), mixed(top.green, below.green), mixed(top.blue, below.blue), alpha};
}

double contrast_ratio(const CssColor& a, const CssColor& b) noexcept {
  const double one = luminance(a), other = luminance(b);
  return (std::max(one, other) + 0.05) / (std::min(one, other) + 0.05);
}

double color_difference(const CssColor& a, const CssColor& b) noexcept {
  const auto one = lab(a), other = lab(b);
  return std::hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}

}  // namespace coppice
