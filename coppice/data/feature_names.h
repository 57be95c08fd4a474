// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/math/array.h"

namespace coppice {

/// Names of features, front-coded in blocks of 16: a name is stored as the number of bytes it shares with the one
/// before it (0 at the start of a block), the number of its further bytes, both as LEB128, and these bytes.
struct FeatureNames {
  static constexpr size_t kBlock = 16;

  Array<uint64_t> offsets;  ///< one per block, and the end
  Array<char> bytes;
};

FeatureNames encode_feature_names(std::span<const std::string_view> names, ThreadPool& pool);

/// The name of that number; "" beyond the end or when the bytes are damaged. Cost: decodes at most 16 names.
std::string decode_feature_name(std::span<const uint64_t> offsets, std::span<const char> bytes, size_t number);

/// Whether every name of every block decodes to the very end of its block. `count` names expected.
bool feature_names_intact(std::span<const uint64_t> offsets, std::span<const char> bytes, size_t count);

}  // namespace coppice
