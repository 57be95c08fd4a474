// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "coppice/data/unicode.h"

namespace coppice {

/// Where a text is cut into tokens.
enum class TokenSplit : uint8_t {
  words,       ///< runs of letters and numbers; ideographs one by one; the rest by the options below
  whitespace,  ///< at white space and control characters only: for text that was tokenised before
  space        ///< at the byte 0x20 only, as PECOS does
};
enum class PunctuationTokens : uint8_t { drop, keep };
enum class SymbolTokens : uint8_t { drop, pictographs, keep };
enum class CjkTokens : uint8_t { characters, runs };

struct TokenizerOptions {
  Normalization normalization = Normalization::fold;
  TokenSplit split = TokenSplit::words;
  PunctuationTokens punctuation = PunctuationTokens::drop;
  SymbolTokens symbols = SymbolTokens::pictographs;
  CjkTokens cjk = CjkTokens::characters;
  bool split_letters_numbers = false;
};

/// A normalised text and its tokens, as places in it; storage is reused from text to text.
struct TokenizedText {
  static constexpr size_t kPadding = 64;  ///< readable bytes behind the text

  std::vector<char> bytes;       ///< at least size + kPadding
  std::vector<uint32_t> starts;  ///< at least n_tokens
  std::vector<uint32_t> ends;    ///< token i = bytes [starts[i], ends[i])
  size_t size = 0;
  size_t n_tokens = 0;
  std::vector<char32_t> segment;  ///< scratch of the tokenizer

  /// For so many tokens. What is asked grows last, so that a failure leaves no size that is not there.
  void make_room(size_t n) {
    if (starts.size() >= n) return;
    ends.resize(n);
    starts.resize(n);
  }
  std::string_view text() const noexcept { return {bytes.data(), size}; }
  std::string_view token(size_t i) const noexcept { return text().substr(starts[i], ends[i] - starts[i]); }
};

/// How bytes of ASCII text fall into tokens: made from the options, used by the vector loop.
struct AsciiRules {
  struct Range {
    uint8_t first = 1, last = 0;  ///< empty unless first <= last
  };
  bool lower = true;           ///< A-Z to a-z before anything else
  bool all_bytes = false;      ///< bytes from 0x80 on are no reason to stop
  bool has_singles = false;    ///< some bytes are tokens by themselves: the table is used
  std::array<Range, 4> run_a;  ///< bytes of the first kind of run
  std::array<Range, 4> run_b;  ///< of the second kind (numbers, when split from letters)
  std::array<uint8_t, 256> kinds{};
};

/// Splits text into tokens. One fast path for ASCII (64 bytes a step), one for everything else; same results.
///
/// Threads: const methods are thread-safe, each thread with its own UnicodeTable and TokenizedText.
class Tokenizer {
 public:
  /// The longest text taken.
  static constexpr size_t kMostBytes = size_t{256} << 20;

  explicit Tokenizer(const TokenizerOptions& options);

  /// Fills `result`. Bytes that are no UTF-8 become U+FFFD, which is no part of any token (under `space` split
  /// without normalisation bytes stay what they are). Throws `ErrorCode::data` above `kMostBytes`.
  /// Cost: linear in the bytes; no allocation once `result` has grown.
  void tokenize(std::string_view text, UnicodeTable& table, TokenizedText& result) const;

  /// The path for any text; `tokenize` takes it when it meets a byte beyond ASCII.
  void tokenize_any(std::string_view text, UnicodeTable& table, TokenizedText& result) const;

  const TokenizerOptions& options() const noexcept { return options_; }

 private:
  friend class TokenWriter;

  TokenizerOptions options_;
  std::array<uint8_t, kCharClasses> kinds_{};
  AsciiRules ascii_;
};

inline constexpr size_t kNotAscii = ~size_t{0};

/// Copies ASCII text (lowered if the rules say so) and lists its tokens; returns how many, or `kNotAscii`.
/// `out`, `starts` and `ends` have room for size + 2 * kPadding entries.
size_t scan_ascii(const AsciiRules& rules, std::string_view text, char* out, uint32_t* starts, uint32_t* ends);

/// The naive loop that `scan_ascii` is tested against.
size_t scan_ascii_plain(const AsciiRules& rules, std::string_view text, char* out, uint32_t* starts, uint32_t* ends);

/// Kinds of characters to the tokenizer.
enum TokenKind : uint8_t { kGap = 0, kRunA = 1, kRunB = 2, kSingle = 3, kAttach = 4 };

}  // namespace coppice
