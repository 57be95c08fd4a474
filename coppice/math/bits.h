// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace coppice {

/// 64 bits from bit `at` on, of which at least 57 are good. Eight bytes from the first one's on must be readable.
inline uint64_t load_bits(const std::byte* bytes, uint64_t at) noexcept {
  uint64_t word;
  std::memcpy(&word, bytes + at / 8, sizeof word);
  return word >> at % 8;
}

/// The number in `width` bits (at most 57) from bit `at` on.
inline uint64_t read_bits(const std::byte* bytes, uint64_t at, uint32_t width) noexcept {
  return load_bits(bytes, at) & ((uint64_t{1} << width) - 1);
}

/// The place of the set bit of `word` that has `rank` set bits below it; 64 when there is none.
inline uint32_t select_bit(uint64_t word, uint32_t rank) noexcept {
  for (; rank > 0; --rank) word &= word - 1;
  return static_cast<uint32_t>(std::countr_zero(word));
}

/// Bytes that hold so many bits.
inline uint64_t bytes_of_bits(uint64_t bits) noexcept {
  return (bits + 7) / 8;
}

/// Appends numbers of any width, the low bit first.
class BitWriter {
 public:
  explicit BitWriter(std::vector<std::byte>& bytes) : bytes_(bytes) {}

  /// `value` is below 2^width, width at most 32.
  void put(uint64_t value, uint32_t width) {
    pending_ |= value << n_pending_;
    n_pending_ += width;
    for (; n_pending_ >= 8; n_pending_ -= 8, pending_ >>= 8) bytes_.push_back(static_cast<std::byte>(pending_ & 0xFF));
  }
  /// Fills the last byte with zeros.
  void end() {
    if (n_pending_ > 0) bytes_.push_back(static_cast<std::byte>(pending_));
    pending_ = 0;
    n_pending_ = 0;
  }

 private:
  std::vector<std::byte>& bytes_;
  uint64_t pending_ = 0;
  uint32_t n_pending_ = 0;
};

}  // namespace coppice
