// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// A colour in sRGB. Units: red, green and blue from 0 to 255, alpha from 0 to 1.
struct CssColor {
  double red = 0, green = 0, blue = 0, alpha = 1;
  friend bool operator==(const CssColor&, const CssColor&) = default;
};

/// What a value of CSS is as a colour.
struct ColorReading {
  enum class Kind : uint8_t {
    color,
    current,   ///< currentColor: that of the text
    not_read,  ///< a colour that we do not compute: lab(), color-mix(), a system colour, calc() within
    none       ///< no colour
  };
  Kind kind = Kind::none;
  CssColor color;
};

/// Hex of 3, 4, 6 and 8 digits, rgb(), rgba(), hsl(), hsla(), hwb() in both syntaxes, the named colours.
/// Source: CSS Color Module Level 4.
ColorReading read_color(std::string_view text);

/// The colours in a value such as "1px solid #ccc" or "linear-gradient(red, rgb(0 0 0 / 50%))"; transparent ones are
/// left out. `not_read` counts those that we do not compute.
struct ColorsFound {
  std::vector<CssColor> colors;
  size_t not_read = 0;
};
ColorsFound colors_in(std::string_view value);

/// "#0a3d62", "#0a3d6280" where it is not opaque.
std::string color_text(const CssColor& color);

/// `top` painted on `below`. Source: CSS Compositing Level 1, section 5 (source over).
CssColor over(const CssColor& top, const CssColor& below) noexcept;

/// From 1 (the same) to 21 (black and white) for opaque colours.
/// Source: WCAG 2.1, definitions of contrast ratio and relative luminance.
double contrast_ratio(const CssColor& a, const CssColor& b) noexcept;

/// How different two opaque colours look: about 2 is just noticeable. Source: CIE 1976, distance in L*a*b* (D65).
double color_difference(const CssColor& a, const CssColor& b) noexcept;

}  // namespace coppice
