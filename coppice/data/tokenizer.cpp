// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/tokenizer.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

std::array<uint8_t, kCharClasses> kinds_of(const TokenizerOptions& options) {
  const auto at = [](CharClass c) { return static_cast<size_t>(c); };
  std::array<uint8_t, kCharClasses> kinds{};
  kinds.fill(kRunA);
  kinds[at(CharClass::mark)] = kAttach;
  if (options.split == TokenSplit::space) return kinds;
  kinds[at(CharClass::space)] = kGap;
  if (options.split == TokenSplit::whitespace) return kinds;
  kinds[at(CharClass::number)] = options.split_letters_numbers ? kRunB : kRunA;
  kinds[at(CharClass::punctuation)] = options.punctuation == PunctuationTokens::keep ? kSingle : kGap;
  kinds[at(CharClass::symbol)] = options.symbols == SymbolTokens::keep ? kSingle : kGap;
  kinds[at(CharClass::pictograph)] = options.symbols == SymbolTokens::drop ? kGap : kSingle;
  kinds[at(CharClass::ideograph)] = options.cjk == CjkTokens::characters ? kSingle : kRunA;
  return kinds;
}

std::array<AsciiRules::Range, 4> ranges_of(const AsciiRules& rules, uint8_t kind) {
  std::array<AsciiRules::Range, 4> ranges{};
  size_t count = 0;
  const int last = rules.all_bytes ? 255 : 127;
  for (int c = 0; c <= last; ++c) {
    const bool lowered_away = rules.lower && c >= 'A' && c <= 'Z';
    if (rules.kinds[static_cast<size_t>(c)] != kind || lowered_away) continue;
    if (count > 0 && ranges[count - 1].last == c - 1) {
      ranges[count - 1].last = static_cast<uint8_t>(c);
    } else {
      check(count < ranges.size(), "the ASCII bytes of a kind form at most four ranges");
      ranges[count++] = {static_cast<uint8_t>(c), static_cast<uint8_t>(c)};
    }
  }
  return ranges;
}

AsciiRules ascii_rules(const TokenizerOptions& options, const std::array<uint8_t, kCharClasses>& kinds) {
  AsciiRules rules;
  rules.lower = options.normalization == Normalization::fold;
  rules.all_bytes = options.split == TokenSplit::space && options.normalization == Normalization::none;
  for (size_t c = 0; c < 128; ++c) rules.kinds[c] = kinds[static_cast<size_t>(char_class(static_cast<char32_t>(c)))];
  if (options.split == TokenSplit::space) {
    rules.kinds.fill(kRunA);
    rules.kinds[' '] = kGap;
  }
  rules.has_singles = std::find(rules.kinds.begin(), rules.kinds.end(), kSingle) != rules.kinds.end();
  rules.run_a = ranges_of(rules, kRunA);
  rules.run_b = ranges_of(rules, kRunB);
  return rules;
}

char lowered(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

size_t scan_ascii_plain(const AsciiRules& rules, std::string_view text, char* out, uint32_t* starts, uint32_t* ends) {
  size_t tokens = 0;
  uint8_t open = kGap;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = rules.lower ? lowered(text[i]) : text[i];
    if (static_cast<uint8_t>(c) >= 0x80 && !rules.all_bytes) return kNotAscii;
    out[i] = c;
    const uint8_t kind = rules.kinds[static_cast<uint8_t>(c)];
    if (kind == open && kind != kSingle) continue;
    if (open != kGap) ends[tokens++] = static_cast<uint32_t>(i);
    if (kind != kGap) starts[tokens] = static_cast<uint32_t>(i);
    open = kind;
  }
  if (open != kGap) ends[tokens++] = static_cast<uint32_t>(text.size());
  return tokens;
}

/// The path for any text: character by character, normalising as it goes.
///
/// A character that cannot interact with its neighbours is written straight from the table. When one arrives that
/// may compose with, or must move before, what was written, the writer steps back to the last starter and normalises
/// the run from there as a whole. Each such run is consumed to its end, so the work stays linear.
class TokenWriter {
 public:
  TokenWriter(const Tokenizer& tokenizer, std::string_view text, UnicodeTable& table, TokenizedText& result)
      : tokenizer_(tokenizer), text_(text), table_(table), result_(result) {}

  void write() {
    starter_ = {};
    while (at_ < text_.size()) {
      const auto c = static_cast<uint8_t>(text_[at_]);
      if (c < 0x80) {
        mark_starter(true);
        reserve(1);
        put(tokenizer_.ascii_.kinds[c], c, tokenizer_.ascii_.lower ? lowered(text_[at_]) : text_[at_]);
        ++at_;
      } else {
        write_beyond_ascii();
      }
    }
    close();
    result_.size = size_;
    result_.n_tokens = tokens_;
  }

 private:
  struct Place {
    size_t at = 0;
    uint32_t size = 0;
    uint32_t tokens = 0;
    uint8_t open = kGap;
    bool may_compose = false;
  };

  static bool joins(const FoldedChar& c) noexcept { return c.combining_class != 0 || (c.flags & FoldedChar::kSecond); }

  void mark_starter(bool may_compose) noexcept {
    starter_ = {at_, size_, tokens_, open_, may_compose};
    combining_class_ = 0;
  }

  void write_beyond_ascii() {
    const Decoded decoded = decode_utf8(text_, at_);
    const FoldedChar& c = table_[decoded.code_point];
    const bool composes = (c.flags & FoldedChar::kSecond) && starter_.may_compose;
    const bool out_of_order = c.combining_class != 0 && c.combining_class < combining_class_;
    if (composes || out_of_order || (c.flags & FoldedChar::kComplex)) {
      if (!joins(c)) mark_starter(false);
      return write_segment();
    }
    if (c.combining_class == 0) {
      if (c.size > 0) mark_starter(c.flags & FoldedChar::kFirst);
    } else {
      combining_class_ = c.combining_class;
    }
    reserve(FoldedChar::kMost);
    if (c.size > 0) put(c);
    at_ += decoded.size;
  }

  void write_segment() {
    at_ = starter_.at;
    size_ = starter_.size;
    tokens_ = starter_.tokens;
    open_ = starter_.open;
    std::vector<char32_t>& segment = result_.segment;
    segment.clear();
    while (at_ < text_.size()) {
      const Decoded decoded = decode_utf8(text_, at_);
      if (!segment.empty()) {
        if (decoded.code_point < 0x80) break;
        const FoldedChar& c = table_[decoded.code_point];
        if (!joins(c) && (c.size > 0 || (c.flags & FoldedChar::kComplex))) break;
      }
      segment.push_back(decoded.code_point);
      at_ += decoded.size;
    }
    table_.normalize_segment(segment);
    for (const char32_t code_point : segment) {
      FoldedChar c{};
      c.char_class = char_class(code_point);
      c.size = static_cast<uint8_t>(encode_utf8(code_point, c.bytes));
      reserve(FoldedChar::kMost);
      put(c);
    }
    mark_starter(false);
  }

  void put(const FoldedChar& c) noexcept {
    uint8_t kind = tokenizer_.kinds_[static_cast<size_t>(c.char_class)];
    const bool is_space = c.char_class == CharClass::space;
    if (is_space && tokenizer_.options_.split == TokenSplit::space && c.size == 1 && c.bytes[0] == ' ') kind = kGap;
    step(kind);
    if (is_space && kind == kGap) {
      result_.bytes[size_++] = ' ';
    } else {
      std::memcpy(result_.bytes.data() + size_, c.bytes, FoldedChar::kMost);
      size_ += c.size;
    }
  }

  void put(uint8_t kind, uint8_t, char c) noexcept {
    step(kind);
    result_.bytes[size_++] = c;
  }

  /// Opens and closes tokens for a character of that kind.
  void step(uint8_t kind) noexcept {
    if (kind == open_ && kind != kSingle) return;
    if (kind == kAttach) {
      if (open_ != kGap) return;
      kind = kRunA;
    }
    close();
    if (kind != kGap) result_.starts[tokens_] = size_;
    open_ = kind;
  }

  void close() noexcept {
    if (open_ != kGap) result_.ends[tokens_++] = size_;
    open_ = kGap;
  }

  void reserve(size_t bytes) {
    if (size_ + bytes + TokenizedText::kPadding > result_.bytes.size()) result_.bytes.resize(2 * result_.bytes.size());
    if (size_t{tokens_} + 2 > result_.starts.size()) result_.make_room(2 * result_.starts.size());
  }

  const Tokenizer& tokenizer_;
  const std::string_view text_;
  UnicodeTable& table_;
  TokenizedText& result_;
  size_t at_ = 0;
  uint32_t size_ = 0;
  uint32_t tokens_ = 0;
  uint8_t open_ = kGap;
  uint8_t combining_class_ = 0;  ///< of the last mark written since the last starter
  Place starter_;
};

Tokenizer::Tokenizer(const TokenizerOptions& options)
    : options_(options), kinds_(kinds_of(options)), ascii_(ascii_rules(options, kinds_)) {}

void Tokenizer::tokenize(std::string_view text, UnicodeTable& table, TokenizedText& result) const {
  if (text.size() > kMostBytes) {
    throw Error(ErrorCode::data,
                "a text of " + counted(text.size(), "byte") + ", at most " + std::to_string(kMostBytes) + " expected",
                {}, "split it into several rows");
  }
  const size_t room = text.size() + 2 * TokenizedText::kPadding;
  if (result.bytes.size() < room) result.bytes.resize(room);
  result.make_room(room);
  const size_t tokens = scan_ascii(ascii_, text, result.bytes.data(), result.starts.data(), result.ends.data());
  if (tokens == kNotAscii) return tokenize_any(text, table, result);
  result.size = text.size();
  result.n_tokens = tokens;
}

void Tokenizer::tokenize_any(std::string_view text, UnicodeTable& table, TokenizedText& result) const {
  const size_t room = text.size() + 2 * TokenizedText::kPadding;
  if (result.bytes.size() < room) result.bytes.resize(room);
  result.make_room(room);
  TokenWriter(*this, text, table, result).write();
}

}  // namespace coppice
