// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace coppice::templates {

/// The text that a literal stands for, by Python's escapes; a backslash before anything else stays. False where an
/// escape is no character: half a surrogate pair, a number too large or cut off.
bool unescape(std::string_view literal, std::string& text);

}  // namespace coppice::templates
