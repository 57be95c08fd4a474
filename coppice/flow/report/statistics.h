// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// A figure and its 95 % interval. An end that is not known is infinite; both are NaN where there is no figure.
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

/// Of fewer inputs nothing is said of all: that the figures of five inputs lie all on one side of the true one is no
/// rare chance (2^-5 = 3.1 % for each side, of six 1.6 %), and no drawing among them reaches beyond the last of them.
constexpr size_t kFewestGroups = 6;

/// What `figure` makes of groups 0 to `groups` - 1, with the interval of the expanded percentile bootstrap: groups
/// (inputs, with all their runs) are drawn with replacement `draws` times, always the same way for the same seed; the
/// percentiles lie further out the fewer groups there are, as Student's t does. Draws that have no figure (NaN) may lie
/// anywhere. With fewer than `kFewestGroups` groups, or without a figure of all, the interval is that of nothing known:
/// -inf to inf. Source: Hesterberg, "What
/// teachers should know about the bootstrap", The American Statistician 69, 2015.
Figure bootstrap(size_t groups, const std::function<double(std::span<const size_t> drawn)>& figure, uint64_t seed,
                 size_t draws = 2000);

/// The quantile of runs of `groups` inputs, with the interval that order statistics give (the binomial distribution of
/// how many lie below it; Conover, "Practical nonparametric statistics", 3.2). Runs of one input may all be alike: as
/// many ranks are known as there are inputs. An end that no rank reaches is open: of fewer than 72 inputs nobody knows
/// how much larger than the largest value the 95th percentile is (0.95^71 = 2.6 %). NaN of no values.
Figure quantile_of_groups(std::vector<double> values, double q, size_t groups);

/// A mean of scores from 0 to 1 of `groups` inputs, as the bootstrap made it. Where all inputs are alike, it knows of
/// no spread, and of few inputs of nothing: then with Wilson's interval, as of scores that are 0 or 1.
Figure with_spread(const Figure& score, size_t groups) noexcept;

/// "1.0 s to 1.4 s", "at least 1.0 s" and "at most 1.4 s" where one end is open, "too few inputs" where both are; "" of
/// what is no finite figure.
std::string interval_text(const Figure& figure, const std::function<std::string(double)>& show);

}  // namespace coppice
