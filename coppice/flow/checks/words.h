// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// Whether each byte belongs to a code point in UTF-8, and none is zero: what is taken for text rather than an image.
bool is_text(std::string_view bytes) noexcept;

/// A text folded for comparing: compatibility forms and cases are one (NFKC, case folding), what cannot be seen is
/// left out (soft hyphens, joiners); a byte that is no UTF-8 becomes U+FFFD. Of more than 32 combining marks on one
/// letter the rest is left out, as their order would cost quadratic time.
std::string folded(std::string_view text);

/// The words of a text, folded, in order.
///
/// A word is a run of letters, marks and digits; '.' and ',' between digits are part of it ("4.5", "1,200"). An
/// apostrophe and a hyphen end one: "Ann's" is "ann", "s". Each of % + # @ = < > and the signs of currencies is a word
/// of its own, as is each Chinese or Japanese character: they stand without blanks.
std::vector<std::string> words_of(std::string_view text);

/// Whether it begins with a letter or a digit: what counts as a word where words are counted.
bool is_counted(std::string_view word) noexcept;
size_t count_words(const std::vector<std::string>& words) noexcept;

/// Whether it begins with a capital letter, of any script that has them.
bool begins_with_capital(std::string_view text) noexcept;

/// Whether all of `text` follows `pattern`, in which '*' stands for any run of bytes, none included. Cost: the product
/// of the lengths at worst.
bool matches_glob(std::string_view text, std::string_view pattern) noexcept;

/// Some words in a row, to be found in others: "solar roof", "solar*" (a word that begins so), "save * percent" (a '*'
/// alone stands for none to five words). That is all: there are no regular expressions.
class Phrase {
 public:
  /// Throws `ErrorCode::usage` for a text without a word.
  explicit Phrase(std::string_view text);

  /// The first word of the first place where it stands.
  std::optional<size_t> find(const std::vector<std::string>& words) const;
  const std::string& text() const noexcept { return text_; }

 private:
  struct Part {
    std::vector<std::string> words;  ///< each may have '*' in it
    bool after_gap = false;
  };
  std::string text_;
  std::vector<Part> parts_;
};

/// A text as a message shows it: at most `most` characters, blanks and control characters as one blank.
std::string shown(std::string_view text, size_t most = 60);

}  // namespace coppice
