// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

struct JsFault {
  size_t offset = 0;
  std::string message;
};

/// Sniffs at a script: whether brackets match, and texts, templates, comments and regular expressions are closed.
///
/// It is no parser: "let = = 1" has no fault. Whether a '/' divides or begins a regular expression is guessed from what
/// stands before it, which is right but for rare code ("if (a) /b/.test(c)"). Stops at the first bracket that does not
/// match, as all behind it is in doubt. Cost: linear. Source: ECMAScript 2023, section 12, for what tokens look like.
std::vector<JsFault> sniff_js(std::string_view text);

}  // namespace coppice
