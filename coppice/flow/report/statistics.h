// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace coppice {

/// A figure and its 95 % interval.
struct Figure {
  double value = 0, low = 0, high = 0;
};

/// 0 of none.
double mean(std::span<const double> values) noexcept;

/// The value that a part `q` lies below, between neighbours in proportion (type 7 of Hyndman and Fan, 1996); 0 of none.
double quantile(std::vector<double> values, double q);

/// The part of successes, with Wilson's score interval. Source: Wilson, "Probable inference", JASA 22, 1927.
Figure proportion(size_t successes, size_t of) noexcept;

/// What `figure` makes of groups 0 to `groups` - 1, with the interval of the percentile bootstrap: groups (inputs, with
/// all their runs) are drawn with replacement `draws` times, always the same way for the same seed. Draws that have no
/// figure (NaN) are left out; with fewer than two groups the interval is that of nothing known: -inf to inf.
/// Source: Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13.
Figure bootstrap(size_t groups, const std::function<double(std::span<const size_t> drawn)>& figure, uint64_t seed,
                 size_t draws = 2000);

}  // namespace coppice
