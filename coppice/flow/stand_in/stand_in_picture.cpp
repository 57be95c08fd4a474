// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_picture.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "coppice/core/random.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

constexpr uint32_t kDefaultSide = 512;
constexpr size_t kMostColours = 6;

constexpr std::array<std::pair<std::string_view, uint32_t>, 33> kColours = {{
    {"amber", 0xF5A623},  {"beige", 0xEFE3CB},  {"black", 0x1B1B1F},    {"blue", 0x2F6BDE},    {"bronze", 0xA9713A},
    {"brown", 0x7A4B2A},  {"coral", 0xF2735E},  {"cream", 0xFBF3DE},    {"crimson", 0xB5173A}, {"cyan", 0x22B8CF},
    {"gold", 0xD9A520},   {"golden", 0xD9A520}, {"gray", 0x8A8F98},     {"green", 0x2E9E58},   {"grey", 0x8A8F98},
    {"indigo", 0x3F3BA3}, {"ivory", 0xFAF7EC},  {"lavender", 0xB9A8E3}, {"magenta", 0xC92FA5}, {"maroon", 0x7A1F2B},
    {"navy", 0x17294D},   {"olive", 0x7D8034},  {"orange", 0xF08030},   {"pink", 0xEE8FB2},    {"purple", 0x7B3FB5},
    {"red", 0xD6342C},    {"sand", 0xDCC9A3},   {"silver", 0xBFC5CC},   {"teal", 0x1D8A8A},    {"turquoise", 0x35C4B5},
    {"violet", 0x8548C7}, {"white", 0xF7F7F5},  {"yellow", 0xF2D13B},
}};

uint8_t channel(uint32_t colour, int shift) noexcept {
  return static_cast<uint8_t>(colour >> shift & 0xFF);
}

uint32_t mixed(uint32_t a, uint32_t b, double share) noexcept {
  uint32_t colour = 0;
  for (const int shift : {16, 8, 0}) {
    const double value = channel(a, shift) + (channel(b, shift) - channel(a, shift)) * share;
    colour |= static_cast<uint32_t>(std::lround(value)) << shift;
  }
  return colour;
}

enum class Form { circle, box, triangle };

/// In parts of the picture's shorter side, from its middle.
struct Shape {
  Form form = Form::circle;
  double x = 0, y = 0, radius = 0;
  uint32_t colour = 0;

  /// From where to where it covers a row, or an empty range.
  std::pair<double, double> span(double row) const noexcept {
    const double dy = row - y;
    if (std::abs(dy) > radius) return {0, 0};
    if (form == Form::box) return {x - radius, x + radius};
    const double half = form == Form::circle ? std::sqrt(radius * radius - dy * dy) : (dy + radius) / 2;
    return {x - half, x + half};
  }
};

std::vector<uint32_t> palette(std::string_view prompt, Random& random) {
  std::vector<uint32_t> colours = named_colours(prompt);
  while (colours.size() < 3) colours.push_back(kColours[random.below(kColours.size())].second);
  return colours;
}

std::vector<Shape> shapes(const std::vector<uint32_t>& colours, Random& random) {
  std::vector<Shape> all(4 + random.below(5));
  for (size_t i = 0; i < all.size(); ++i) {
    Shape& shape = all[i];
    shape.form = static_cast<Form>(random.below(3));
    shape.x = random.uniform() - 0.5;
    shape.y = random.uniform() - 0.5;
    shape.radius = 0.06 + 0.2 * random.uniform();
    shape.colour = mixed(colours[(i + 2) % colours.size()], random.below(2) == 0 ? 0xFFFFFF : 0x000000, 0.15);
  }
  return all;
}

std::optional<uint32_t> hexadecimal_colour(std::string_view text) {
  uint32_t colour = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), colour, 16);
  return fault == std::errc() && end == text.data() + text.size() ? std::optional(colour) : std::nullopt;
}

void fill(std::span<uint8_t> row, size_t begin, size_t end, uint32_t colour) {
  for (size_t x = begin; x < end; ++x) {
    for (int i = 0; i < 3; ++i) row[3 * x + static_cast<size_t>(i)] = channel(colour, 16 - 8 * i);
  }
}

}  // namespace

std::optional<PngSize> picture_size(std::string_view text) {
  if (text.empty() || text == "auto") return PngSize{kDefaultSide, kDefaultSide};
  PngSize size;
  const char* const end = text.data() + text.size();
  const auto [middle, fault] = std::from_chars(text.data(), end, size.width);
  if (fault != std::errc() || middle == end || *middle != 'x') return std::nullopt;
  const auto [last, later_fault] = std::from_chars(middle + 1, end, size.height);
  if (later_fault != std::errc() || last != end) return std::nullopt;
  const auto [low, high] = std::minmax(size.width, size.height);
  return low > 0 && high <= kMostPictureSide ? std::optional(size) : std::nullopt;
}

std::vector<uint32_t> named_colours(std::string_view text) {
  std::vector<uint32_t> colours;
  const auto add = [&](uint32_t colour) {
    const bool is_new = std::find(colours.begin(), colours.end(), colour) == colours.end();
    if (is_new && colours.size() < kMostColours) colours.push_back(colour);
  };
  for (size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    if (text.size() - at <= 6) break;
    if (const auto colour = hexadecimal_colour(text.substr(at + 1, 6))) add(*colour);
  }
  for (const std::string& word : stand_in_words(text)) {
    const auto at = std::lower_bound(kColours.begin(), kColours.end(), word,
                                     [](const auto& entry, const std::string& name) { return entry.first < name; });
    if (at != kColours.end() && at->first == word) add(at->second);
  }
  return colours;
}

std::string stand_in_picture(std::string_view prompt, const PngSize& size, uint64_t key) {
  Random random(key);
  const std::vector<uint32_t> colours = palette(prompt, random);
  const std::vector<Shape> drawn = shapes(colours, random);
  const double unit = std::min(size.width, size.height);
  return png_file(size, [&](uint32_t y, std::span<uint8_t> row) {
    fill(row, 0, size.width, mixed(colours[0], colours[1], static_cast<double>(y) / size.height));
    const double place = (y + 0.5 - size.height / 2.0) / unit;
    for (const Shape& shape : drawn) {
      const auto [left, right] = shape.span(place);
      const auto pixel = [&](double x) {
        return static_cast<size_t>(std::clamp(x * unit + size.width / 2.0, 0.0, static_cast<double>(size.width)));
      };
      if (right > left) fill(row, pixel(left), pixel(right), shape.colour);
    }
  });
}

}  // namespace coppice
