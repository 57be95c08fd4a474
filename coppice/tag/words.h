// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/data/unicode.h"

namespace coppice {

/// A text cut into words: where each stands in the text as it was given, and its folded form.
struct SplitText {
  struct Word {
    uint32_t begin;  ///< bytes [begin, end) of the text
    uint32_t end;
    uint32_t folded_begin;  ///< bytes of `folded`
    uint32_t folded_end;
  };

  std::vector<Word> words;
  std::string folded;  ///< the words as NFKC and case folding leave them, a space between each two

  size_t size() const noexcept { return words.size(); }
  std::string_view folded_word(size_t i) const noexcept { return folded_words(i, i + 1); }
  /// Those from `first` to the one before `end`, with spaces in between.
  std::string_view folded_words(size_t first, size_t end) const noexcept {
    const uint32_t begin = words[first].folded_begin;
    return std::string_view(folded).substr(begin, words[end - 1].folded_end - begin);
  }
};

/// Cuts a text into words: runs of letters and numbers, with the marks on them; ideographs, marks of punctuation and
/// symbols one by one. Spaces, control characters and bytes that are no UTF-8 only part words.
///
/// So words are the same whether a text comes as it was written ("Davis's") or in the tokens of a file ("Davis 's").
/// Threads: one at a time; not thread-safe. Cost: linear; no allocation once `result` has grown.
class WordSplitter {
 public:
  static constexpr size_t kMostBytes = size_t{1} << 20;

  /// Throws `ErrorCode::data` above kMostBytes.
  void split(std::string_view text, SplitText& result);

 private:
  void fold(std::string_view word, std::string& folded);
  void fold_together(std::string_view word, std::string& folded);

  UnicodeTable table_{Normalization::fold};
  std::vector<char32_t> characters_;  ///< scratch
};

}  // namespace coppice
