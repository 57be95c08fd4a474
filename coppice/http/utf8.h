// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// No overlong forms, no surrogates, nothing above U+10FFFF. Source: RFC 3629, section 4.
bool is_utf8(std::string_view text) noexcept;

}  // namespace coppice
