// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace coppice {

/// A smooth function: its value at `x`, and its gradient, which is written over `gradient`.
using SmoothFunction = std::function<double(std::span<const double> x, std::span<double> gradient)>;

struct LbfgsOptions {
  uint32_t history = 6;  ///< pairs of steps and changes of the gradient that are remembered
  uint32_t most_iterations = 100;
  double tolerance = 1e-5;  ///< ends where the last ten iterations lowered the value by less than this share
  double l1 = 0;            ///< times the sum of the absolute values is added to the function
  /// Called after each iteration with its number, from 1, and the value; may throw to stop.
  std::function<void(uint32_t iteration, double value)> watch;
};

struct LbfgsResult {
  std::vector<double> x;
  double value = 0;  ///< the part of l1 included
  uint32_t iterations = 0;
  bool converged = false;  ///< false: the iterations were used up
};

/// Minimises `function` from `start` on by limited-memory BFGS; with `l1` above 0 by its orthant-wise variant, which
/// leaves many values exactly 0.
///
/// Deterministic if `function` is. Memory: 2 * history + 5 vectors. Threads: all work but that of `function` is done by
/// the caller's.
/// Source: Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4 and 7.5; the step is one that meets the
/// weak Wolfe conditions (3.6), by doubling and halving (Lewis and Overton, 2013, algorithm 2.6). Andrew and Gao,
/// "Scalable training of L1-regularized log-linear models", 2007, for l1.
LbfgsResult minimize(const SmoothFunction& function, std::vector<double> start, const LbfgsOptions& options);

}  // namespace coppice
