// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// Numbers as four bits that stand for one of 16 values, two to a byte, the one of the even place in the lower half.
struct IdfCodes {
  static constexpr uint32_t kValues = 16;

  std::array<float, kValues> values{};  ///< ascending
  std::vector<uint8_t> codes;

  /// The code at a place of `codes`.
  static uint32_t code_at(const uint8_t* codes, size_t place) noexcept {
    return codes[place / 2] >> (place % 2 * 4) & (kValues - 1);
  }
  static size_t bytes_for(size_t count) noexcept { return (count + 1) / 2; }
};

/// Inverse document frequencies by the nearest of 16 values, chosen by k-means: values that stand for many occurrences,
/// those of exp(-idf) each, lie closer together. Up to 16 different ones stay as they are.
IdfCodes code_idf(std::span<const float> idf);

}  // namespace coppice
