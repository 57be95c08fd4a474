// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/random.h"

namespace coppice {

/// The stand-in's tokens: four bytes each, the last one what is left. So usage can be checked by hand.
uint64_t stand_in_tokens(std::string_view text) noexcept;

/// Where token `number` of a text begins: 4 * number, or up to 3 bytes before it where a character stands across; the
/// end of the text for tokens past it.
size_t stand_in_token_begin(std::string_view text, uint64_t number) noexcept;

/// The words of a text in lower case (ASCII; bytes of other characters count as letters), in order.
std::vector<std::string> stand_in_words(std::string_view text);

/// The words that a text is about, the most frequent first: at least three letters, no function words of English.
/// Cost: one pass; of a text above 256 kB, the beginning alone.
std::vector<std::string> stand_in_keywords(std::string_view text, size_t most);

/// Writes texts out of given words; what it draws depends on the random stream alone.
class StandInWriter {
 public:
  /// Words of its own where there are none.
  StandInWriter(std::vector<std::string> words, Random random);

  /// Not the one before, where there are two.
  const std::string& word();
  /// So many words, the first one with a capital.
  std::string phrase(size_t n_words);
  std::string sentence();
  /// Sentences up to about so many tokens; one at least.
  std::string paragraph(uint64_t tokens);

  Random& random() noexcept { return random_; }

 private:
  std::vector<std::string> words_;
  Random random_;
  uint32_t last_ = 0;
};

/// Words that no prompt asks for: what a flawed answer is about.
std::vector<std::string> stand_in_off_topic_words();

/// A vector of length one for a text: the sum of a random direction (fixed by `seed`) for each of its words, and one
/// for each three letters of it in a row, which together weigh half as much. So texts that share words, or forms of one
/// word, are near.
/// Cost: bytes * dimensions.
std::vector<float> stand_in_embedding(std::string_view text, uint32_t dimensions, uint64_t seed);

}  // namespace coppice
