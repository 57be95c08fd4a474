// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

namespace coppice {

/// A regular expression of ECMA 262 (as with its flag u), for the question whether it matches anywhere in a text.
///
/// Literals, `.`, classes [a-z] and [^...], \d \D \w \W \s \S, \p{L} and \P{Lu} (general categories), \t \n \r \v \f \0
/// \cX \xHH \uHHHH \u{H...}, ^ $ \b \B, groups (...), (?:...), (?<name>...), alternation, * + ? {m} {m,} {m,n} and
/// their lazy variants. Lookaround and backreferences are refused: without them a match is found in one pass whatever
/// the text, so that no text can use up time or the stack. Cost: the length of the text times that of the expression,
/// repeats written out. Threads: const methods from any. Source: Thompson, "Regular expression search algorithm", CACM
/// 1968; Pike's set of threads.
class RegularExpression {
 public:
  /// Throws `ErrorCode::usage`, and `ErrorCode::unsupported` for what is refused, with the byte in the expression.
  explicit RegularExpression(std::string_view pattern);
  RegularExpression(RegularExpression&&) noexcept;
  RegularExpression& operator=(RegularExpression&&) noexcept;
  ~RegularExpression();

  bool matches_in(std::string_view text) const;

 private:
  struct Program;
  std::unique_ptr<const Program> program_;
};

}  // namespace coppice
