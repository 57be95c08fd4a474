// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// Numbers as bytes that stand for one of 256 values.
struct IdfCodes {
  static constexpr size_t kValues = 256;

  std::array<float, kValues> values{};
  std::vector<uint8_t> codes;  ///< one for each number
};

/// Inverse document frequencies, most of which are those of a few small counts: the 128 most frequent values stay as
/// they are (all of them, where there are no more than 256), the others become the middles of 128 even intervals.
IdfCodes code_idf(std::span<const float> idf);

}  // namespace coppice
