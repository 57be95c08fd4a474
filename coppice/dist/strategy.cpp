// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/strategy.h"

#include <charconv>
#include <cmath>
#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr double kUsualDensity = 0.01;
constexpr uint32_t kUsualGroup = 8;

uint32_t largest_divisor(uint32_t n, uint32_t most) {
  uint32_t divisor = most < n ? most : n;
  while (n % divisor != 0) --divisor;
  return divisor;
}

float threshold_of(const std::string& tau) {
  float threshold = 0;
  const auto [end, error] = std::from_chars(tau.data(), tau.data() + tau.size(), threshold);
  if (error == std::errc() && end == tau.data() + tau.size() && std::isfinite(threshold) && threshold > 0) {
    return threshold;
  }
  throw Error(ErrorCode::usage, "tau is '" + tau + "', expected auto or a number above 0");
}

void compress(const std::string& tau, GradientCompressionOptions& options) {
  if (tau != "auto") {
    options.threshold = threshold_of(tau);
    options.density = 0;
  } else if (options.density == 0) {
    options.density = kUsualDensity;
  }
}

}  // namespace

void describe(OptionTable& table, StrategyOptions& options) {
  table.add(
      "strategy", options.strategy,
      {{Strategy::sync, "sync"}, {Strategy::gtc, "gtc"}, {Strategy::bmuf, "bmuf"}, {Strategy::hybrid, "gtc+bmuf"}},
      "How workers bring their work together: sync, the gradients of all in each minibatch; gtc, the same "
      "compressed; bmuf, the models of all after each block; gtc+bmuf, compressed gradients in groups and models "
      "between groups. One worker trains by itself in any case.");
  describe_tau(table, options.tau);
}

void describe_tau(OptionTable& table, std::string& tau) {
  table.add("tau", tau,
            "Threshold of compressed gradients, in the unit of gradients summed over a worker's minibatch; auto finds "
            "the one that sends the share density of them.");
}

void describe(OptionTable& table, StrategyOptions& options, HybridOptions& hybrid) {
  describe(table, options);
  describe_group_size(table, hybrid);
  describe_density(table, hybrid.compression);
  describe_blocks(table, hybrid);
}

HybridOptions resolve(const StrategyOptions& strategy, HybridOptions options, uint32_t n_workers) {
  const bool grouped = strategy.strategy == Strategy::hybrid;
  if (options.group_size != 0 && !grouped) {
    throw Error(ErrorCode::usage, "group_size is given, but the strategy has no groups", {}, "--strategy gtc+bmuf");
  }
  if (grouped && options.group_size == 0) options.group_size = largest_divisor(n_workers, kUsualGroup);
  if (strategy.strategy == Strategy::bmuf) options.group_size = 1;
  const bool compressed = grouped || strategy.strategy == Strategy::gtc;
  if (compressed) compress(strategy.tau, options.compression);
  if (!compressed) options.compression = {};
  return options;
}

}  // namespace coppice
