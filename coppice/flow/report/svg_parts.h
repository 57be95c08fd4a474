// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice {

// What all pictures are made of. Units: points of the picture.

/// `label` is what it is read out as.
std::string begin_svg(double width, double height, const char* label);

/// `more`: attributes.
std::string text_at(double x, double y, std::string_view text, std::string_view more = {});

/// ".." in place of what is too long.
std::string cut(std::string_view text, size_t most);

}  // namespace coppice
