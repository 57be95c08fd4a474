// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/words.h"

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

/// What a character does to the word in work.
enum class Joins : uint8_t { nothing, run, any };

/// `nothing`: a word by itself.
Joins joins(CharClass char_class) noexcept {
  switch (char_class) {
    case CharClass::letter:
    case CharClass::number:
      return Joins::run;
    case CharClass::mark:
      return Joins::any;
    default:
      return Joins::nothing;
  }
}

}  // namespace

void WordSplitter::split(std::string_view text, SplitText& result) {
  if (text.size() > kMostBytes) {
    throw Error(ErrorCode::data,
                "a text of " + counted(text.size(), "byte") + ", at most " + std::to_string(kMostBytes) + " expected",
                {}, "split it into several rows");
  }
  result.words.clear();
  result.folded.clear();
  bool in_run = false, in_word = false;
  for (size_t at = 0; at < text.size();) {
    const Decoded decoded = decode_utf8(text, at);
    const bool vanishes = decoded.code_point >= 0x80 && table_[decoded.code_point].size == 0;
    const CharClass char_class = vanishes ? CharClass::mark : coppice::char_class(decoded.code_point);
    const auto begin = static_cast<uint32_t>(at);
    at += decoded.size;
    if (char_class == CharClass::space) {
      in_run = in_word = false;
      continue;
    }
    const Joins kind = joins(char_class);
    if ((kind == Joins::run && in_run) || (kind == Joins::any && in_word)) {
      result.words.back().end = static_cast<uint32_t>(at);
      continue;
    }
    if (vanishes) continue;  // there is no word that it could be part of
    result.words.push_back({begin, static_cast<uint32_t>(at), 0, 0});
    in_run = kind != Joins::nothing;
    in_word = true;
  }
  for (SplitText::Word& word : result.words) {
    if (!result.folded.empty()) result.folded += ' ';
    word.folded_begin = static_cast<uint32_t>(result.folded.size());
    fold(text.substr(word.begin, word.end - word.begin), result.folded);
    word.folded_end = static_cast<uint32_t>(result.folded.size());
  }
}

/// Adds the folded word. Characters that change with their neighbours are folded together, which is slower.
void WordSplitter::fold(std::string_view word, std::string& folded) {
  const size_t begin = folded.size();
  for (size_t at = 0; at < word.size();) {
    const auto byte = static_cast<unsigned char>(word[at]);
    if (byte < 0x80) {
      folded += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
      ++at;
      continue;
    }
    const Decoded decoded = decode_utf8(word, at);
    const FoldedChar& c = table_[decoded.code_point];
    if (c.combining_class != 0 || (c.flags & (FoldedChar::kSecond | FoldedChar::kComplex)) != 0) {
      folded.resize(begin);
      return fold_together(word, folded);
    }
    folded.append(c.bytes, c.size);
    at += decoded.size;
  }
}

void WordSplitter::fold_together(std::string_view word, std::string& folded) {
  characters_.clear();
  for (size_t at = 0; at < word.size();) {
    const Decoded decoded = decode_utf8(word, at);
    characters_.push_back(decoded.code_point);
    at += decoded.size;
  }
  table_.normalize_segment(characters_);
  char bytes[4];
  for (const char32_t c : characters_) folded.append(bytes, encode_utf8(c, bytes));
}

}  // namespace coppice
