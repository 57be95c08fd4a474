// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice {

/// XXH3-128 of `bytes`, 32 hexadecimal digits.
std::string text_hash(std::string_view bytes);

}  // namespace coppice
