// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/idf_codes.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace coppice {
namespace {

constexpr int kPasses = 50;  // of k-means; on one axis it settles in fewer

/// How many occurrences a value stands for; ascending by value.
using Occurrences = std::map<float, double>;

Occurrences occurrences_of(std::span<const float> idf) {
  Occurrences occurrences;
  for (const float value : idf) occurrences[value] += std::exp(-double{value});
  return occurrences;
}

size_t nearest(const std::vector<float>& centers, float value) {
  const auto above = std::lower_bound(centers.begin(), centers.end(), value);
  if (above == centers.begin()) return 0;
  const auto at = static_cast<size_t>(above - centers.begin());
  return at == centers.size() || value - centers[at - 1] <= centers[at] - value ? at - 1 : at;
}

/// Different values, ascending, as many as there are codes or fewer: at first each stands for as many occurrences.
std::vector<float> first_centers(const Occurrences& occurrences) {
  double total = 0, sum = 0;
  for (const auto& [value, count] : occurrences) total += count;
  std::vector<float> centers;
  size_t left = occurrences.size();
  for (const auto& [value, count] : occurrences) {
    const bool is_due = sum >= total * static_cast<double>(centers.size()) / IdfCodes::kValues;
    const size_t free = IdfCodes::kValues - centers.size();
    if (free > 0 && (is_due || left <= free)) centers.push_back(value);
    sum += count;
    --left;
  }
  return centers;
}

/// One pass of k-means; whether any center moved. They stay in their order.
bool improve(const Occurrences& occurrences, std::vector<float>& centers) {
  std::vector<double> sums(centers.size()), counts(centers.size());
  for (const auto& [value, count] : occurrences) {
    const size_t center = nearest(centers, value);
    sums[center] += count * value;
    counts[center] += count;
  }
  bool moved = false;
  for (size_t i = 0; i < centers.size(); ++i) {
    if (counts[i] == 0) continue;
    const auto mean = static_cast<float>(sums[i] / counts[i]);
    moved |= mean != centers[i];
    centers[i] = mean;
  }
  return moved;
}

}  // namespace

IdfCodes code_idf(std::span<const float> idf) {
  const Occurrences occurrences = occurrences_of(idf);
  std::vector<float> centers = first_centers(occurrences);
  for (int pass = 0; pass < kPasses && occurrences.size() > IdfCodes::kValues; ++pass) {
    if (!improve(occurrences, centers)) break;
  }
  IdfCodes result;
  std::copy(centers.begin(), centers.end(), result.values.begin());
  result.codes.resize(IdfCodes::bytes_for(idf.size()));
  for (size_t i = 0; i < idf.size(); ++i) {
    result.codes[i / 2] |= static_cast<uint8_t>(nearest(centers, idf[i]) << (i % 2 * 4));
  }
  return result;
}

}  // namespace coppice
