// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice::app {

/// Writes text to standard output. Throws `ErrorCode::io` when it cannot (a full disk behind a redirect, say).
void print_out(std::string_view text);

/// 12,345,678 -> "12.3 MB".
std::string bytes_text(double bytes);

}  // namespace coppice::app
