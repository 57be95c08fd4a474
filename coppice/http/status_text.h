// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// "Not Found"; "" for a status that has no name. Source: RFC 9110, section 15.
std::string_view status_text(int status) noexcept;

}  // namespace coppice
