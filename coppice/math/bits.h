// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace coppice {

/// Loads a byte, so that its cache line will be near, and waits for nothing. Processors drop prefetches whose addresses
/// have to be looked up in the page tables first; loads they do not drop.
inline void touch(const void* byte) noexcept {
  static_cast<void>(*static_cast<const volatile std::byte*>(byte));
}

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

/// Finds a set bit by its rank. Kernels that have an instruction for it bring a class like this of their own.
/// Source: Vigna, "Broadword implementation of rank/select queries", 2008.
struct SoftwareSelect {
  /// The place of the set bit of `word` that has `rank` (below 64) set bits below it; 64 when there is none.
  static uint32_t select(uint64_t word, uint32_t rank) noexcept {
    constexpr uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
    uint64_t sums = word - (word >> 1 & 0x5555555555555555);
    sums = (sums & 0x3333333333333333) + (sums >> 2 & 0x3333333333333333);
    sums = ((sums + (sums >> 4)) & 0x0F0F0F0F0F0F0F0F) * kOnes;  // set bits up to the end of each byte
    const uint64_t bytes_before = (((rank * kOnes | kTops) - sums) & kTops) >> 7;
    const auto place = static_cast<uint32_t>(bytes_before * kOnes >> 56) * 8;
    if (place >= 64) return 64;
    uint64_t byte = word >> place;
    for (uint64_t left = rank - (sums << 8 >> place & 0xFF); left > 0; --left) byte &= byte - 1;
    return place + static_cast<uint32_t>(std::countr_zero(byte));
  }
};

#if defined(__x86_64__)
/// The same by one instruction of BMI2. In assembler, so that kernels can have it in line though this file is compiled
/// for machines without: only those for AVX2 and above may use it.
struct PdepSelect {
  static uint32_t select(uint64_t word, uint32_t rank) noexcept {
    uint64_t bit;
    asm("pdep %2, %1, %0" : "=r"(bit) : "r"(uint64_t{1} << rank), "r"(word));
    return static_cast<uint32_t>(std::countr_zero(bit));
  }
};

/// The low bits of `value`, in order, at the set bits of `mask`. For the same kernels alone.
inline uint64_t deposit(uint64_t value, uint64_t mask) noexcept {
  uint64_t bits;
  asm("pdep %2, %1, %0" : "=r"(bits) : "r"(value), "r"(mask));
  return bits;
}
#endif

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
