// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);

/// Nothing where the text is no base64; line ends in it are passed over, padding may be missing.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace coppice
