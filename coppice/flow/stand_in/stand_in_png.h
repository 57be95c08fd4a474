// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace coppice {

struct PngSize {
  uint32_t width = 0, height = 0;
};

/// A PNG file of 8-bit red, green and blue. `draw_row` fills row `y`, 3 bytes a pixel; rows are asked for from the top.
/// Holds two rows at a time. Source: PNG specification (ISO/IEC 15948), filter type 2 (up) on each row.
std::string png_file(const PngSize& size, const std::function<void(uint32_t y, std::span<uint8_t> row)>& draw_row);

}  // namespace coppice
