// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/step_order.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace coppice {
namespace {

/// Of those that are left each needs another one that is left: whoever follows them comes round.
std::vector<size_t> find_circle(const Needs& needs, const std::vector<size_t>& missing) {
  size_t at = static_cast<size_t>(std::find_if(missing.begin(), missing.end(), [](size_t n) { return n > 0; }) -
                                  missing.begin());
  std::vector<size_t> path;
  std::vector<bool> seen(needs.size(), false);
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    at = *std::find_if(needs[at].begin(), needs[at].end(), [&](size_t other) { return missing[other] > 0; });
  }
  return {std::find(path.begin(), path.end(), at), path.end()};
}

}  // namespace

StepOrder order_steps(const Needs& needs) {
  std::vector<std::vector<size_t>> followers(needs.size());
  std::vector<size_t> missing(needs.size());
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < needs.size(); ++i) {
    missing[i] = needs[i].size();
    for (const size_t other : needs[i]) followers[other].push_back(i);
    if (missing[i] == 0) ready.push(i);
  }
  StepOrder result;
  for (; !ready.empty();) {
    const size_t next = ready.top();
    ready.pop();
    result.order.push_back(next);
    for (const size_t follower : followers[next]) {
      if (--missing[follower] == 0) ready.push(follower);
    }
  }
  if (result.order.size() < needs.size()) result.circle = find_circle(needs, missing);
  return result;
}

}  // namespace coppice
