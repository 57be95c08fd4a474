// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/chunk_scanner.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "coppice/http/utf8.h"

namespace coppice {
namespace {

/// Chunks nest four levels; those that nest deeper than this are left to the parser, which has a bound of its own.
constexpr int kDeepestScan = 32;
/// Whole numbers of so many digits fit 64 bits.
constexpr size_t kMostDigits = 18;

/// A strict reader of JSON: takes nothing that the parser would not take, and leaves it some that it would.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool is_at_end() {
    skip_blanks();
    return at_ == end_;
  }

  bool is_next(char c) {
    skip_blanks();
    return at_ != end_ && *at_ == c;
  }

  bool take(char c) {
    if (!is_next(c)) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    skip_blanks();
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  /// An object: `member` takes the value behind each key, and says whether it could.
  template <class Member>
  bool take_object(const Member& member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string_view key;
      if (!take_key(key) || !take(':') || !member(key)) return false;
    } while (take(','));
    return take('}');
  }

  /// A list: `item` takes each.
  template <class Item>
  bool take_list(const Item& item) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!item()) return false;
    } while (take(','));
    return take(']');
  }

  /// A text; null: it is only passed over.
  bool take_text(std::string* into) {
    if (!take('"')) return false;
    if (into != nullptr) into->clear();
    while (true) {
      const char* const begin = at_;
      bool is_ascii = true;
      while (at_ != end_ && is_plain(*at_)) is_ascii = static_cast<unsigned char>(*at_++) < 0x80 && is_ascii;
      const std::string_view run(begin, static_cast<size_t>(at_ - begin));
      if (at_ == end_ || (!is_ascii && !is_utf8(run))) return false;
      if (into != nullptr) into->append(run);
      const char c = *at_++;
      if (c == '"') return true;
      if (c != '\\' || !take_escape(into)) return false;  // a control character stands in no text
    }
  }

  /// A whole number without a sign.
  bool take_count(uint64_t& number) {
    skip_blanks();
    const char* const begin = at_;
    if (!take_digits()) return false;
    std::from_chars(begin, at_, number);
    return at_ == end_ || (*at_ != '.' && *at_ != 'e' && *at_ != 'E');
  }

  /// Whatever it is.
  bool skip_value(int depth) {
    if (depth > kDeepestScan) return false;
    skip_blanks();
    if (at_ == end_) return false;
    switch (*at_) {
      case '"':
        return take_text(nullptr);
      case '{':
        return take_object([&](std::string_view /*key*/) { return skip_value(depth + 1); });
      case '[':
        return take_list([&] { return skip_value(depth + 1); });
      case 't':
        return take_word("true");
      case 'f':
        return take_word("false");
      case 'n':
        return take_word("null");
      default:
        return skip_number();
    }
  }

 private:
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

  static bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  /// Of plain letters; others are not ours.
  bool take_key(std::string_view& key) {
    if (!take('"')) return false;
    const char* const begin = at_;
    while (at_ != end_ && is_plain(*at_) && static_cast<unsigned char>(*at_) < 0x80) ++at_;
    key = {begin, static_cast<size_t>(at_ - begin)};
    return at_ != end_ && *at_++ == '"';
  }

  bool take_escape(std::string* into) {
    constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (at_ == end_) return false;
    const char c = *at_++;
    if (c == 'u') return take_code_unit(into);
    const size_t known = kFrom.find(c);
    if (known == std::string_view::npos) return false;
    if (into != nullptr) *into += kTo[known];
    return true;
  }

  /// Of a character that has two of them, a pair, we leave it to the parser.
  bool take_code_unit(std::string* into) {
    if (end_ - at_ < 4) return false;
    uint32_t unit = 0;
    const auto read = std::from_chars(at_, at_ + 4, unit, 16);
    if (read.ec != std::errc() || read.ptr != at_ + 4 || (unit >= 0xD800 && unit < 0xE000)) return false;
    at_ += 4;
    if (into == nullptr) return true;
    if (unit < 0x80) {
      *into += static_cast<char>(unit);
      return true;
    }
    if (unit >= 0x800) *into += static_cast<char>(0xE0u | (unit >> 12));
    *into += static_cast<char>(unit >= 0x800 ? 0x80u | ((unit >> 6) & 0x3Fu) : 0xC0u | (unit >> 6));
    *into += static_cast<char>(0x80u | (unit & 0x3Fu));
    return true;
  }

  /// Without zeros before the first.
  bool take_digits() {
    const char* const begin = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    const auto n = static_cast<size_t>(at_ - begin);
    return n > 0 && n <= kMostDigits && (n == 1 || *begin != '0');
  }

  bool skip_number() {
    if (*at_ == '-') ++at_;
    if (!take_digits()) return false;
    if (at_ == end_ || *at_ != '.') return at_ == end_ || (*at_ != 'e' && *at_ != 'E');
    const char* const begin = ++at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != begin && (at_ == end_ || (*at_ != 'e' && *at_ != 'E'));
  }

  const char *at_, *end_;
};

/// Which keys of an object have been seen: of one that stands twice the last one counts, which only the parser knows.
template <size_t n>
class Keys {
 public:
  explicit constexpr Keys(const std::array<std::string_view, n>& names) : names_(names) {}

  /// Its number; `n` for one that is not ours; `is_twice` where it has been seen before.
  size_t find(std::string_view key, bool& is_twice) {
    const auto number = static_cast<size_t>(std::find(names_.begin(), names_.end(), key) - names_.begin());
    is_twice = number < n && (seen_ & (1u << number)) != 0;
    seen_ |= 1u << number;
    return number;
  }

 private:
  const std::array<std::string_view, n>& names_;
  unsigned seen_ = 0;
};

constexpr std::array<std::string_view, 6> kTopKeys{"id", "object", "model", "choices", "usage", "error"};
constexpr std::array<std::string_view, 3> kChoiceKeys{"index", "delta", "finish_reason"};
constexpr std::array<std::string_view, 5> kDeltaKeys{"content", "refusal", "reasoning_content", "reasoning",
                                                     "tool_calls"};

class ChunkReader {
 public:
  ChunkReader(std::string_view text, ChatChunk& chunk) : scanner_(text), chunk_(chunk) {}

  bool read() {
    chunk_.model.clear();
    chunk_.id.clear();
    chunk_.choices.clear();
    Keys keys(kTopKeys);
    const bool is_read = scanner_.take_object([&](std::string_view key) {
      bool is_twice = false;
      const size_t number = keys.find(key, is_twice);
      return !is_twice && take_top(number);
    });
    return is_read && scanner_.is_at_end();
  }

 private:
  bool take_top(size_t key) {
    switch (key) {
      case 0:
        return text_or_else(chunk_.id);
      case 1:
        return text_or_else(spare_) && spare_ != "error";
      case 2:
        return text_or_else(chunk_.model);
      case 3:
        return scanner_.take_word("null") || scanner_.take_list([&] { return take_choice(); });
      case 4:
      case 5:
        return scanner_.take_word("null");
      default:
        return scanner_.skip_value(0);
    }
  }

  /// "" for what is no text.
  bool text_or_else(std::string& text) {
    if (scanner_.is_next('"')) return scanner_.take_text(&text);
    text.clear();
    return scanner_.skip_value(0);
  }

  bool take_choice() {
    ChatChunk::Choice choice;
    uint64_t index = 0;
    Keys keys(kChoiceKeys);
    const bool is_read = scanner_.take_object([&](std::string_view key) {
      bool is_twice = false;
      const size_t number = keys.find(key, is_twice);
      if (is_twice) return false;
      if (number == 0) return scanner_.take_word("null") || scanner_.take_count(index);
      if (number == 1 && scanner_.is_next('{')) return take_delta(choice.piece);
      return number == 2 ? text_or_else(choice.finish_reason) : scanner_.skip_value(0);
    });
    if (is_read && index == 0) chunk_.choices.push_back(std::move(choice));
    return is_read;
  }

  bool take_delta(MessageText& piece) {
    Keys keys(kDeltaKeys);
    return scanner_.take_object([&](std::string_view key) {
      bool is_twice = false;
      const size_t number = keys.find(key, is_twice);
      return !is_twice && take_of_delta(number, piece);
    });
  }

  bool take_of_delta(size_t key, MessageText& piece) {
    switch (key) {
      case 0:
        return scanner_.take_word("null") || scanner_.take_text(&piece.content);
      case 1:
        return text_or_else(piece.refusal);
      case 2:
      case 3: {
        const bool is_read = text_or_else(spare_);
        piece.unseen_bytes += spare_.size();
        return is_read;
      }
      case 4:
        return scanner_.take_word("null") || scanner_.take_list([] { return false; });
      default:
        return scanner_.skip_value(0);
    }
  }

  Scanner scanner_;
  ChatChunk& chunk_;
  std::string spare_;
};

}  // namespace

bool scan_chunk(std::string_view text, ChatChunk& chunk) {
  return ChunkReader(text, chunk).read();
}

}  // namespace coppice
