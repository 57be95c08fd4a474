// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/stand_in/stand_in_png.h"

namespace coppice {

/// The longest side that the stand-in draws.
inline constexpr uint32_t kMostPictureSide = 2048;

/// "512x256"; "" and "auto" are 512x512. Nothing for any other text, a side of 0, and one that is too long.
std::optional<PngSize> picture_size(std::string_view text);

/// The colours that a text names, six at most: those given as "#1f6feb", then those by common names.
std::vector<uint32_t> named_colours(std::string_view text);

/// A picture in place of one of what the prompt says, as a PNG file: a gradient with circles, boxes and triangles in
/// the colours that the prompt names, or in some of its own. `key` decides the rest. Cost: some 10 ns a pixel.
std::string stand_in_picture(std::string_view prompt, const PngSize& size, uint64_t key);

}  // namespace coppice
