// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace coppice {

constexpr double kRootFontPixels = 16;

/// A length in pixels: px, pt, pc, in, cm, mm, em, rem, %, and 0 without a unit; em and % are of `em_pixels`. Nothing
/// for what depends on more (vw, calc()). Source: CSS Values and Units Module Level 4, section 6.
std::optional<double> length_pixels(std::string_view text, double em_pixels);

/// A font-size: lengths, keywords, and clamp() where it leaves no doubt whether text is large. Nothing where it cannot
/// be known.
std::optional<double> font_size_pixels(std::string_view text, std::optional<double> parent_pixels);

/// From this size on text is large as WCAG 2.1 has it: 18 points, or 14 points where it is bold. Units: pixels.
constexpr double kLargePixels = 24, kLargeBoldPixels = 14 * 96.0 / 72;

}  // namespace coppice
