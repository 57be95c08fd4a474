// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// How easily an English text is read: about 100 for a child's book, 60 to 70 for plain English, below 30 for papers.
///
/// 206.835 - 1.015 words / sentences - 84.6 syllables / words. A sentence ends at '.', '!' or '?' before a blank, and
/// at the end of a line (a heading, an item of a list); syllables are counted as groups of vowels, less a silent e at
/// the end, which is right for about nine words of ten. 0 for a text without words. Source: R. Flesch, "A new
/// readability yardstick", Journal of Applied Psychology, 1948.
double reading_ease(std::string_view text);

}  // namespace coppice
