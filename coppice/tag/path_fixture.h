// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/tag/tags.h"

namespace coppice::testing {

template <class Real>
std::vector<Real> random_values(size_t count, double width, Random& random) {
  std::vector<Real> values(count);
  for (Real& value : values) value = static_cast<Real>((2 * random.uniform() - 1) * width);
  return values;
}

/// Visits every path of n words that BIO allows.
inline void for_each_path(Tags tags, size_t n, const std::function<void(std::span<const uint32_t>)>& visit) {
  std::vector<uint32_t> path;
  const std::function<void()> extend = [&] {
    if (path.size() == n) return visit(path);
    for (uint32_t tag = 0; tag < tags.count(); ++tag) {
      if (path.empty() ? !tags.may_stand_first(tag) : !tags.may_follow(path.back(), tag)) continue;
      path.push_back(tag);
      extend();
      path.pop_back();
    }
  };
  extend();
}

/// The score of a path: those of its tags and of its transitions.
template <class Real>
double score_of(Tags tags, std::span<const uint32_t> path, std::span<const Real> scores,
                std::span<const Real> transitions) {
  double sum = 0;
  for (size_t t = 0; t < path.size(); ++t) {
    sum += scores[t * tags.count() + path[t]];
    if (t > 0) sum += transitions[TransitionView<Real>::place(tags, path[t - 1], path[t])];
  }
  return sum;
}

}  // namespace coppice::testing
