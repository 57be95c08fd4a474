// SPDX-License-Identifier: Apache-2.0
#include "fuzz/mutation.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

namespace coppice::fuzz {
namespace {

constexpr size_t kLongestRange = 256;

// Ends of number ranges, and the bytes that the grammars of our formats are made of.
constexpr uint8_t kBytes[] = {0,    1,   2,   0x7F, 0x80, 0xBF, 0xC0, 0xED, 0xF4, 0xFE, 0xFF, '0',
                              '9',  '-', '+', '.',  'e',  ':',  ',',  '\t', '\n', '\r', ' ',  '"',
                              '\\', '{', '}', '[',  ']',  '_',  '#',  '/',  'n',  't',  'u',  0xEF};
constexpr uint64_t kWords[] = {0,
                               1,
                               2,
                               64,
                               255,
                               256,
                               65'535,
                               65'536,
                               0x7FFFFFFF,
                               0x80000000u,
                               0xFFFFFFFF,
                               uint64_t{1} << 32,
                               uint64_t{1} << 48,
                               INT64_MAX,
                               UINT64_MAX,
                               0x7F800000u,
                               0x7FC00000u};
constexpr std::string_view kNumbers[] = {"0",          "1",          "-1",         "00",
                                         "65536",      "99999999",   "2147483647", "2147483648",
                                         "4294967295", "4294967296", "1000000000", "18446744073709551615",
                                         "1e39",       "1e-46",      "nan",        "18446744073709551616"};

bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void Mutator::mutate(Bytes& input, size_t most_bytes) {
  for (uint32_t left = 1 + below(1u << below(4)); left > 0; --left) change(input);
  if (input.size() > most_bytes) input.resize(most_bytes);
}

void Mutator::change(Bytes& input) {
  if (input.empty()) return splice(input);
  switch (below(9)) {
    case 0:
      return flip_bit(input);
    case 1:
      return set_byte(input);
    case 2:
      return set_word(input);
    case 3:
    case 4:
      return edit_number(input);
    case 5:
      return remove_range(input);
    case 6:
      return repeat_range(input);
    case 7:
      return splice(input);
    default:
      return input.resize(below(16) == 0 ? below(input.size())
                                         : input.size() - below(std::min<size_t>(input.size(), 8)));
  }
}

void Mutator::flip_bit(Bytes& input) {
  input[below(input.size())] ^= static_cast<uint8_t>(1u << below(8));
}

void Mutator::set_byte(Bytes& input) {
  input[below(input.size())] = kBytes[below(std::size(kBytes))];
}

/// A number of 2, 4 or 8 bytes, little-endian; at a multiple of its size, where file formats have theirs, or anywhere.
void Mutator::set_word(Bytes& input) {
  const size_t size = size_t{2} << below(3);
  if (input.size() < size) return set_byte(input);
  size_t at = below(input.size() - size + 1);
  if (below(2) == 0) at -= at % size;
  uint64_t word = kWords[below(std::size(kWords))];
  if (below(3) == 0) {
    std::memcpy(&word, input.data() + at, size);
    word += below(17) - uint64_t{8};
  }
  std::memcpy(input.data() + at, &word, size);
}

/// Another number in the place of one in decimal.
void Mutator::edit_number(Bytes& input) {
  const auto begin = std::find_if(input.begin() + below(input.size()), input.end(), is_digit);
  if (begin == input.end()) return set_byte(input);
  const auto end = std::find_if_not(begin, input.end(), is_digit);
  const std::string_view number = kNumbers[below(std::size(kNumbers))];
  const auto at = begin - input.begin();
  input.erase(begin, end);
  input.insert(input.begin() + at, number.begin(), number.end());
}

void Mutator::remove_range(Bytes& input) {
  const size_t size = 1 + below(std::min(input.size(), kLongestRange));
  const auto begin = input.begin() + below(input.size() - size + 1);
  input.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
}

void Mutator::repeat_range(Bytes& input) {
  const size_t size = 1 + below(std::min(input.size(), kLongestRange));
  const auto begin = input.begin() + below(input.size() - size + 1);
  const Bytes range(begin, begin + static_cast<std::ptrdiff_t>(size));
  for (uint32_t times = 1 + below(3); times > 0; --times) insert(input, range);
}

void Mutator::splice(Bytes& input) {
  const Bytes* seed = seeds_.empty() ? nullptr : &seeds_[below(seeds_.size())];
  if (seed == nullptr || seed->empty()) return insert(input, {kBytes + below(std::size(kBytes)), 1});
  const size_t size = 1 + below(std::min(seed->size(), kLongestRange));
  insert(input, std::span(*seed).subspan(below(seed->size() - size + 1), size));
}

void Mutator::insert(Bytes& input, std::span<const uint8_t> range) {
  input.insert(input.begin() + below(input.size() + 1), range.begin(), range.end());
}

}  // namespace coppice::fuzz
