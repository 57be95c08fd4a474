// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/array.h"

namespace coppice {

/// Whole numbers, each in as few bits as the largest of them takes, read where they lie.
///
/// Storage: a byte that says the width w (0 to 32), the numbers in w bits each, the low bit first, up to a whole byte,
/// and seven bytes of zeros, so that eight can be read from wherever a number begins.
class PackedNumbers {
 public:
  PackedNumbers() = default;
  explicit PackedNumbers(std::span<const uint32_t> numbers);
  /// `count` numbers, as `bytes` gives them. Throws `ErrorCode::data` naming `what` when the bytes are not those of so
  /// many numbers. Cost: O(1); see `verify`.
  PackedNumbers(Array<uint8_t> bytes, size_t count, const char* what);

  size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  /// `i` is below size().
  uint32_t operator[](size_t i) const noexcept;
  std::vector<uint32_t> values() const;
  const Array<uint8_t>& bytes() const noexcept { return bytes_; }

  /// Throws `ErrorCode::data` naming `what` when a bit behind the numbers is not zero. Cost: O(1).
  void verify(const char* what) const;

 private:
  uint32_t width() const noexcept { return bytes_[0]; }

  Array<uint8_t> bytes_;
  size_t count_ = 0;
};

}  // namespace coppice
