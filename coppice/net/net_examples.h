// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coppice/math/csr.h"

namespace coppice {

/// Recordings as rows of frames, one recording behind the other.
///
/// Shapes: offsets n + 1, in frames; values[frames of all x n_bands].
struct Frames {
  uint32_t n_bands = 0;
  std::vector<uint64_t> offsets{0};
  std::vector<float> values;

  size_t size() const noexcept { return offsets.size() - 1; }
  std::span<const float> of(size_t i) const noexcept {
    return std::span(values).subspan(offsets[i] * n_bands, (offsets[i + 1] - offsets[i]) * n_bands);
  }
  void add(std::span<const float> frames) {
    values.insert(values.end(), frames.begin(), frames.end());
    offsets.push_back(values.size() / n_bands);
  }
};

/// What a network learns from, or is asked: n examples, each with frames or with features.
struct NetExamples {
  Frames frames;
  Csr features;                ///< n x d
  Csr labels;                  ///< n x L, values: relevance; no rows where nothing is known of labels
  std::vector<float> weights;  ///< n, or empty: all 1

  size_t size() const noexcept { return frames.n_bands > 0 ? frames.size() : features.n_rows(); }
};

/// Some of the examples, in the order given.
NetExamples select_examples(const NetExamples& examples, std::span<const uint32_t> rows);

/// The numbers below n in an order of their own.
std::vector<uint32_t> shuffled_rows(size_t n, uint64_t seed);

}  // namespace coppice
