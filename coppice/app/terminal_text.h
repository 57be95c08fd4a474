// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice::app {

/// The text as it is to be written to that descriptor. Where a terminal is behind it, control characters but tabs and
/// ends of lines stand as "\\x1b": what a model or a file says must not move the cursor, nor answer in our name.
std::string text_for(int descriptor, std::string_view text);

}  // namespace coppice::app
