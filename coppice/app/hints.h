// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace coppice::app {

/// A message of the library whose hints (lines that begin with "hint: ") name the flags of these options.
///
/// "hint: set max_line_bytes higher" becomes "hint: set --max-line-bytes higher". An option of one word may be a plain
/// word, and is one unless "option" stands before it: "the option dense" becomes "--dense". What stands in quotes is
/// left as it is.
std::string with_flags(std::string_view message, const std::vector<std::string>& options);

}  // namespace coppice::app
