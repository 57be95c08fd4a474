// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace coppice {

/// Who needs whom: `needs[i]` are the numbers of those that i comes after.
using Needs = std::vector<std::vector<size_t>>;

/// An order in which each comes after those that it needs; of several that could be next the one with the lowest
/// number. Where they go round in a circle, `circle` is one: each needs the next one, and the last one the first.
struct StepOrder {
  std::vector<size_t> order;
  std::vector<size_t> circle;
};
StepOrder order_steps(const Needs& needs);

}  // namespace coppice
