// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/reading_ease.h"

#include <algorithm>
#include <string>
#include <vector>

#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

bool is_vowel(char c) noexcept {
  return std::string_view("aeiouy").find(c) != std::string_view::npos;
}

/// Of a folded word, one at least.
size_t syllables(std::string_view word) noexcept {
  size_t count = 0;
  for (size_t i = 0; i < word.size(); ++i) {
    if (is_vowel(word[i]) && (i == 0 || !is_vowel(word[i - 1]))) ++count;
  }
  const bool ends_in_e = word.size() > 2 && word.ends_with('e') && !is_vowel(word[word.size() - 2]);
  const bool is_heard = word.size() > 2 && word.ends_with("le") && !is_vowel(word[word.size() - 3]);  // "table"
  if (ends_in_e && !is_heard && count > 1) --count;
  return std::max<size_t>(count, 1);
}

bool ends_sentence(std::string_view text, size_t i) noexcept {
  if (text[i] == '\n') return true;
  if (text[i] != '.' && text[i] != '!' && text[i] != '?') return false;
  return i + 1 == text.size() || std::string_view(" \t\r\n\"')").find(text[i + 1]) != std::string_view::npos;
}

}  // namespace

double reading_ease(std::string_view text) {
  size_t n_words = 0, n_sentences = 0, n_syllables = 0;
  for (size_t begin = 0, i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !ends_sentence(text, i)) continue;
    const size_t before = n_words;
    for (const std::string& word : words_of(text.substr(begin, i - begin))) {
      if (!is_counted(word)) continue;
      ++n_words;
      n_syllables += syllables(word);
    }
    if (n_words > before) ++n_sentences;
    begin = i + 1;
  }
  if (n_words == 0) return 0;
  const double words = static_cast<double>(n_words);
  return 206.835 - 1.015 * words / static_cast<double>(n_sentences) - 84.6 * static_cast<double>(n_syllables) / words;
}

}  // namespace coppice
