// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coppice/core/random.h"

namespace coppice {

/// A text that a regular expression matches, or nothing where it has more than literals, classes, groups, alternatives,
/// the repetitions ? * + {n} {n,} {n,m}, and ^ and $ at its ends; or where the text would be above 4 kB. Repetitions
/// without an end take two more than their least.
std::optional<std::string> stand_in_pattern_text(std::string_view pattern, Random& random);

}  // namespace coppice
