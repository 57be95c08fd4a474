// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passage_chunks.h"

#include <algorithm>
#include <span>
#include <string>

#include "coppice/core/error.h"
#include "coppice/data/unicode.h"

namespace coppice {
namespace {

/// How good a place is to cut at.
enum class Break : uint8_t { word, line, sentence };

/// A word as the chunker sees it: where a part that begins with it begins, and what lies before it.
struct WordStart {
  size_t begin;
  Break before;
};

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

TextRange trimmed_range(std::string_view text, size_t begin, size_t end) {
  begin = std::min(text.find_first_not_of(kWhiteSpace, begin), end);
  while (end > begin && kWhiteSpace.find(text[end - 1]) != std::string_view::npos) --end;
  return {begin, end};
}

bool ends_sentence(char32_t c) noexcept {
  return c == U'.' || c == U'!' || c == U'?' || c == U'\u2026';
}
/// Those behind which no space is written.
bool ends_sentence_alone(char32_t c) noexcept {
  return c == U'\u3002' || c == U'\uFF01' || c == U'\uFF1F';
}

/// What lies between two words: punctuation, symbols and white space.
Break break_of(std::string_view gap) noexcept {
  if (std::count(gap.begin(), gap.end(), '\n') > 1) return Break::sentence;
  bool ended = false;
  for (size_t at = 0; at < gap.size();) {
    const Decoded c = decode_utf8(gap, at);
    at += c.size;
    if (ends_sentence_alone(c.code_point)) return Break::sentence;
    if (ended && char_class(c.code_point) == CharClass::space) return Break::sentence;
    ended = ended || ends_sentence(c.code_point);
  }
  return gap.find('\n') != std::string_view::npos ? Break::line : Break::word;
}

/// The place in the gap [begin, end) that parts what belongs to the word before it from what belongs to the next: the
/// first white space, else the end.
size_t cut_in(std::string_view text, size_t begin, size_t end) noexcept {
  const size_t space = text.substr(begin, end - begin).find_first_of(kWhiteSpace);
  return space == std::string_view::npos ? end : begin + space;
}

std::vector<WordStart> words_of(std::string_view text) {
  std::vector<WordStart> words;
  size_t gap_begin = 0;
  bool in_word = false;
  for (size_t at = 0; at < text.size();) {
    const Decoded c = decode_utf8(text, at);
    const size_t begin = at;
    at += c.size;
    const CharClass kind = char_class(c.code_point);
    if (kind == CharClass::space) in_word = false;
    if (kind != CharClass::letter && kind != CharClass::number && kind != CharClass::ideograph) continue;
    if (!in_word || kind == CharClass::ideograph) {
      const std::string_view gap = text.substr(gap_begin, begin - gap_begin);
      words.push_back({words.empty() ? 0 : cut_in(text, gap_begin, begin), break_of(gap)});
    }
    in_word = kind != CharClass::ideograph;
    gap_begin = at;
  }
  return words;
}

class Chunker {
 public:
  Chunker(std::span<const WordStart> words, const ChunkOptions& options)
      : words_(words), most_(options.words), overlap_(options.overlap) {}

  /// Behind which word the part that begins with word `first` ends; more than `most_` words follow it.
  size_t end_of(size_t first) const {
    const size_t left = words_.size() - first;
    const size_t n_parts = (left - overlap_ + most_ - overlap_ - 1) / (most_ - overlap_);
    const size_t even = (left + (n_parts - 1) * overlap_ + n_parts - 1) / n_parts;
    // Each part goes an eighth of its words beyond what it shares at least, so that a text has few of them.
    const size_t fewest = std::min(even, std::max(even - std::min(even, most_ / 4), overlap_ + most_ / 8 + 1));
    for (const Break wanted : {Break::sentence, Break::line}) {
      size_t best = 0;
      for (size_t size = fewest; size <= most_; ++size) {
        if (words_[first + size].before < wanted) continue;
        if (best == 0 || distance(size, even) < distance(best, even)) best = size;
      }
      if (best > 0) return first + best;
    }
    return first + even;
  }

  /// With which word the part behind `end` begins.
  size_t start_before(size_t end) const {
    for (const Break wanted : {Break::sentence, Break::line}) {
      for (size_t word = end - overlap_; word < end; ++word) {
        if (words_[word].before >= wanted) return word;
      }
    }
    return end - overlap_;
  }

 private:
  static size_t distance(size_t a, size_t b) noexcept { return a > b ? a - b : b - a; }

  std::span<const WordStart> words_;
  size_t most_;
  size_t overlap_;
};

}  // namespace

std::vector<TextRange> chunk_text(std::string_view text, const ChunkOptions& options) {
  if (options.words == 0 || options.overlap > options.words / 2) {
    throw Error(ErrorCode::usage, "parts of " + std::to_string(options.words) + " words that share up to " +
                                      std::to_string(options.overlap) + ", expected to share at most half");
  }
  const std::vector<WordStart> words = words_of(text);
  const Chunker chunker(words, options);
  std::vector<TextRange> parts;
  size_t first = 0;
  while (words.size() - first > options.words) {
    const size_t end = chunker.end_of(first);
    parts.push_back(trimmed_range(text, words[first].begin, words[end].begin));
    first = chunker.start_before(end);
  }
  parts.push_back(trimmed_range(text, words.empty() ? 0 : words[first].begin, text.size()));
  return parts;
}

}  // namespace coppice
