// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

#include "coppice/core/random.h"

namespace coppice {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNormal975 = 1.959963984540054;

/// The part of the draws on each side of the interval: 2.5 % of many groups, less of few.
double expanded_tail(size_t groups) {
  const auto n = static_cast<double>(groups);
  const double t = boost::math::quantile(boost::math::students_t(n - 1), 0.975);
  return boost::math::cdf(boost::math::normal(), -t * std::sqrt(n / (n - 1)));
}

std::vector<double> with_unknown_as(std::vector<double> figures, double end) {
  for (double& one : figures) one = std::isnan(one) ? end : one;
  return figures;
}

}  // namespace

double mean(std::span<const double> values) noexcept {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const size_t below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  if (!std::isfinite(values[below]) || !std::isfinite(values[above]))
    return values[place - static_cast<double>(below) < 0.5 ? below : above];
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

Figure proportion(double successes, size_t of) noexcept {
  if (of == 0) return {0, 0, 1};
  const double n = static_cast<double>(of), p = successes / n;
  const double z2 = kNormal975 * kNormal975;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal975 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {p, std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Figure paired_difference(double mean, double mean_square, size_t pairs) noexcept {
  const double n = static_cast<double>(pairs), more = n + 2;
  const double middle = mean * n / more;
  const double variance = ((mean_square * n + 1) / more - middle * middle) / more;
  const double half = kNormal975 * std::sqrt(std::max(variance, 0.0));
  return {pairs == 0 ? 0 : mean, std::max(-1.0, middle - half), std::min(1.0, middle + half)};
}

Figure bootstrap(size_t groups, const std::function<double(std::span<const size_t>)>& figure, uint64_t seed,
                 size_t draws) {
  std::vector<size_t> all(groups);
  std::iota(all.begin(), all.end(), size_t{0});
  Figure made{figure(all), -kInfinity, kInfinity};
  if (groups < kFewestGroups || !std::isfinite(made.value)) return made;
  std::vector<double> figures;
  std::vector<size_t> drawn(groups);
  for (size_t i = 0; i < draws; ++i) {
    Random random(seed, i);
    for (size_t& group : drawn) group = random.below(static_cast<uint32_t>(groups));
    figures.push_back(figure(drawn));
  }
  const double tail = expanded_tail(groups);
  made.low = quantile(with_unknown_as(figures, -kInfinity), tail);
  made.high = quantile(with_unknown_as(std::move(figures), kInfinity), 1 - tail);
  return made;
}

Figure quantile_of_groups(std::vector<double> values, double q, size_t groups) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (values.empty() || groups == 0) return {kNaN, kNaN, kNaN};
  std::sort(values.begin(), values.end());
  Figure made{quantile(values, q), -kInfinity, kInfinity};
  // The rank of the input that is the greatest one below, the least one above.
  const boost::math::binomial below(static_cast<double>(groups), q);
  size_t low = 0, high = groups + 1;
  while (low < groups && boost::math::cdf(below, static_cast<double>(low)) <= 0.025) ++low;
  while (high > 1 && boost::math::cdf(boost::math::complement(below, static_cast<double>(high) - 2)) <= 0.025) --high;
  const double runs = static_cast<double>(values.size()) / static_cast<double>(groups);
  if (low > 0) made.low = values[static_cast<size_t>(static_cast<double>(low - 1) * runs)];
  if (high <= groups) {
    const double last = std::ceil(static_cast<double>(high) * runs - 1e-9);
    made.high = values[std::min(static_cast<size_t>(last), values.size()) - 1];
  }
  return made;
}

Figure with_spread(const Figure& score, size_t groups) noexcept {
  if (std::isnan(score.value)) return score;
  const bool is_known = std::isfinite(score.low) && score.low < score.high;
  return is_known ? score : proportion(score.value * static_cast<double>(groups), groups);
}

std::string interval_text(const Figure& figure, const std::function<std::string(double)>& show) {
  if (!std::isfinite(figure.value) || std::isnan(figure.low) || std::isnan(figure.high)) return {};
  const bool has_low = std::isfinite(figure.low), has_high = std::isfinite(figure.high);
  if (has_low && has_high) return show(figure.low) + " to " + show(figure.high);
  if (has_low) return "at least " + show(figure.low);
  return has_high ? "at most " + show(figure.high) : "too few inputs";
}

}  // namespace coppice
