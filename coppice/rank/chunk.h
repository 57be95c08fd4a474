// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/array.h"

namespace coppice {

/// The weights of one sibling chunk as training leaves them: feature-major, ready to be packed into a level.
///
/// Shapes: f rows (features with at least one weight), B children. Row r holds the entries
/// [first_entry[r], first_entry[r + 1]) with children ascending. No stored value is zero.
struct ChunkRows {
  std::vector<uint32_t> features;     ///< f, ascending
  std::vector<uint32_t> first_entry;  ///< f + 1
  std::vector<uint16_t> children;     ///< position of the child in its chunk
  std::vector<float> values;
  std::vector<float> bias;  ///< B; already multiplied by the bias feature's value
};

/// Throws `ErrorCode::internal` unless the rows keep their invariants (but for zeros).
void check_rows(const ChunkRows& rows, uint32_t n_features);

/// The same rows less their zeros, and less the rows that held nothing else: a weight of 0 is one that is not stored.
ChunkRows without_zeros(const ChunkRows& rows);

/// Stands in place of the new number of a feature that is left out.
inline constexpr uint32_t kNoFeature = 0xFFFFFFFF;

/// The rows under the new numbers of their features, ascending; those of features that are left out are gone.
ChunkRows renumber_rows(const ChunkRows& rows, std::span<const uint32_t> numbers);

}  // namespace coppice
