// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace coppice {

struct ChunkOptions {
  uint32_t words = 200;  ///< of a part at most
  uint32_t overlap = 0;  ///< words that a part shares with the one before it, at most; up to half of `words`
};

/// Bytes [begin, end) of a text.
struct TextRange {
  size_t begin = 0;
  size_t end = 0;
};

/// Cuts a text into parts of so many words at most, of about the same size; none overlaps another by more than is
/// asked for, and between them only white space is lost.
///
/// A word is what white space parts, if it holds a letter or a number; in scripts without spaces, each ideograph. A
/// part ends at the end of a sentence or a paragraph where one is near, else at that of a line, else behind any word;
/// with an overlap it begins at such a place, too, and shares fewer words then. A text of that many words or fewer is
/// one part, and so is one without words. Throws `ErrorCode::usage` for an overlap of more than half of the words, or
/// no words. Cost: linear in the text; 16 bytes a word.
std::vector<TextRange> chunk_text(std::string_view text, const ChunkOptions& options);

}  // namespace coppice
