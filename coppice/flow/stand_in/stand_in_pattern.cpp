// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_pattern.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace coppice {
namespace {

constexpr size_t kMostBytes = 4096;
constexpr size_t kMostSteps = 20'000;
constexpr int kDeepest = 32;
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kWordCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
constexpr std::string_view kSpecial = "^$.*+?()[]{}|\\/-";

struct Unsupported {};

/// Reads a pattern, and writes a text as it goes.
class Sampler {
 public:
  Sampler(std::string_view pattern, Random& random) : pattern_(pattern), random_(random) {}

  std::string whole() {
    skip('^');
    std::string text = alternatives(0);
    if (at_ < pattern_.size()) throw Unsupported{};
    return text;
  }

 private:
  bool at(char c) const noexcept { return at_ < pattern_.size() && pattern_[at_] == c; }
  bool skip(char c) noexcept {
    const bool is_there = at(c);
    at_ += is_there ? 1 : 0;
    return is_there;
  }
  char take() {
    if (at_ == pattern_.size()) throw Unsupported{};
    return pattern_[at_++];
  }

  /// One of them: each is read, and the one drawn is kept.
  std::string alternatives(int depth) {
    if (depth > kDeepest) throw Unsupported{};
    std::string chosen = sequence(depth);
    for (uint32_t n = 2; skip('|'); ++n) {
      std::string other = sequence(depth);
      if (random_.below(n) == 0) chosen = std::move(other);
    }
    return chosen;
  }

  std::string sequence(int depth) {
    std::string text;
    while (at_ < pattern_.size() && !at('|') && !at(')')) {
      if (at('$') && at_ + 1 == pattern_.size()) {
        ++at_;
        break;
      }
      text += repeated(depth);
      if (text.size() > kMostBytes) throw Unsupported{};
    }
    return text;
  }

  /// An atom and how often it stands: drawn anew each time, by reading it again.
  std::string repeated(int depth) {
    const size_t begin = at_;
    std::string text = atom(depth);
    const auto [least, most] = repetition();
    const size_t end = at_;
    const uint32_t times = least + (most > least ? random_.below(most - least + 1) : 0);
    if (times == 0) text.clear();
    for (uint32_t i = 1; i < times; ++i) {
      at_ = begin;
      text += atom(depth);
      check_size(text);
    }
    at_ = end;
    return text;
  }

  static void check_size(const std::string& text) {
    if (text.size() > kMostBytes) throw Unsupported{};
  }

  std::pair<uint32_t, uint32_t> repetition() {
    std::pair<uint32_t, uint32_t> times{1, 1};
    if (skip('?')) {
      times = {0, 1};
    } else if (skip('*')) {
      times = {0, 2};
    } else if (skip('+')) {
      times = {1, 3};
    } else if (skip('{')) {
      times.first = times.second = number();
      if (skip(',')) times.second = at('}') ? times.first + 2 : number();
      if (take() != '}' || times.second < times.first) throw Unsupported{};
    } else {
      return times;
    }
    skip('?');  // lazy: the same texts
    return times;
  }

  uint32_t number() {
    uint32_t value = 0;
    const char* begin = pattern_.data() + at_;
    const auto [end, fault] = std::from_chars(begin, pattern_.data() + pattern_.size(), value);
    if (fault != std::errc() || value > kMostBytes) throw Unsupported{};
    at_ += static_cast<size_t>(end - begin);
    return value;
  }

  std::string atom(int depth) {
    if (++steps_ > kMostSteps) throw Unsupported{};  // nested repetitions of nothing
    const char c = take();
    if (c == '(') {
      if (skip('?') && take() != ':') throw Unsupported{};
      std::string text = alternatives(depth + 1);
      if (take() != ')') throw Unsupported{};
      return text;
    }
    if (c == '[') return one_of(bracketed());
    if (c == '.') return one_of(kWordCharacters);
    if (c == '\\') return one_of(escaped());
    if (kSpecial.substr(0, kSpecial.size() - 2).find(c) != std::string_view::npos) throw Unsupported{};
    std::string character(1, c);
    while (at_ < pattern_.size() && (static_cast<unsigned char>(pattern_[at_]) & 0xC0) == 0x80) {
      character += take();  // of a character outside ASCII: all of it is one atom
    }
    return character;
  }

  std::string one_of(std::string_view characters) {
    if (characters.empty()) throw Unsupported{};
    return std::string(1, characters[random_.below(static_cast<uint32_t>(characters.size()))]);
  }

  std::string escaped() {
    const char c = take();
    if (c == 'd') return std::string(kDigits);
    if (c == 'w') return std::string(kWordCharacters);
    if (c == 's') return " ";
    if (kSpecial.find(c) == std::string_view::npos) throw Unsupported{};
    return std::string(1, c);
  }

  /// The characters of a class, after its bracket.
  std::string bracketed() {
    const bool is_negated = skip('^');
    std::string characters;
    while (!at(']')) {  // at once: an empty class, as in ECMA-262
      const char first = take();
      if (first == '\\') {
        characters += escaped();
      } else if (at('-') && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        ++at_;
        const char last = take();
        if (last == '\\' || last < first || first < ' ') throw Unsupported{};
        for (int code = first; code <= last; ++code) characters += static_cast<char>(code);
      } else {
        characters += first;
      }
      check_size(characters);
    }
    ++at_;
    for (const char c : characters) {
      if (static_cast<unsigned char>(c) >= 0x80) throw Unsupported{};
    }
    return is_negated ? all_but(characters) : characters;
  }

  static std::string all_but(const std::string& characters) {
    std::string others;
    for (const char c : kWordCharacters) {
      if (characters.find(c) == std::string::npos) others += c;
    }
    return others;
  }

  std::string_view pattern_;
  Random& random_;
  size_t at_ = 0, steps_ = 0;
};

}  // namespace

std::optional<std::string> stand_in_pattern_text(std::string_view pattern, Random& random) {
  try {
    return Sampler(pattern, random).whole();
  } catch (const Unsupported&) {
    return std::nullopt;
  }
}

}  // namespace coppice
