// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/idf_codes.h"

#include <algorithm>
#include <map>
#include <utility>

namespace coppice {
namespace {

constexpr size_t kExact = IdfCodes::kValues / 2;

/// The different values, the most frequent first.
std::vector<float> by_frequency(std::span<const float> idf) {
  std::map<float, size_t> counts;
  for (const float value : idf) ++counts[value];
  std::vector<std::pair<float, size_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<float> values;
  for (const auto& [value, count] : order) values.push_back(value);
  return values;
}

}  // namespace

IdfCodes code_idf(std::span<const float> idf) {
  const std::vector<float> values = by_frequency(idf);
  const size_t n_exact = values.size() <= IdfCodes::kValues ? values.size() : kExact;
  IdfCodes result;
  std::map<float, uint8_t> code_of;
  for (size_t i = 0; i < n_exact; ++i) {
    result.values[i] = values[i];
    code_of[values[i]] = static_cast<uint8_t>(i);
  }
  if (n_exact < values.size()) {
    const auto [least, most] = std::minmax_element(values.begin() + kExact, values.end());
    const float width = (*most - *least) / kExact;
    for (size_t i = 0; i < kExact; ++i) result.values[kExact + i] = *least + width * (static_cast<float>(i) + 0.5F);
    for (size_t i = kExact; i < values.size(); ++i) {
      const auto interval = width > 0 ? static_cast<size_t>((values[i] - *least) / width) : 0;
      code_of[values[i]] = static_cast<uint8_t>(kExact + std::min(interval, kExact - 1));
    }
  }
  for (const float value : idf) result.codes.push_back(code_of[value]);
  return result;
}

}  // namespace coppice
