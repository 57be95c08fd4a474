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
/// Successes may be parts themselves: of an input that succeeded in two of three runs 2/3.
Figure proportion(double successes, size_t of) noexcept;

/// Differences of pairs, each from -1 to 1, as their mean and the mean of their squares tell them. Of equal pairs alone
/// the interval is not 0 to 0: six pairs that are alike do not show that all are.
/// Source: Agresti and Min, "Simple improved confidence intervals for comparing matched proportions", Statistics in
/// Medicine 24, 2005: Wald's interval with half a pair more in each of the four cells.
Figure paired_difference(double mean, double mean_square, size_t pairs) noexcept;

/// What `figure` makes of groups 0 to `groups` - 1, with the interval of the expanded percentile bootstrap: groups
/// (inputs, with all their runs) are drawn with replacement `draws` times, always the same way for the same seed; the
/// percentiles lie further out the fewer groups there are, as Student's t does. Draws that have no figure (NaN) are
/// left out; with fewer than two groups the interval is that of nothing known: -inf to inf. Source: Hesterberg, "What
/// teachers should know about the bootstrap", The American Statistician 69, 2015.
Figure bootstrap(size_t groups, const std::function<double(std::span<const size_t> drawn)>& figure, uint64_t seed,
                 size_t draws = 2000);

/// A mean of scores from 0 to 1 of `groups` inputs, as the bootstrap made it. Where all inputs are alike, it knows of no
/// spread: then with Wilson's interval, as of scores that are 0 or 1.
Figure with_spread(const Figure& score, size_t groups) noexcept;

}  // namespace coppice
