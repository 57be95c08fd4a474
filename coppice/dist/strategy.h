// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "coppice/core/options.h"
#include "coppice/dist/hybrid.h"

namespace coppice {

/// How workers bring their work together.
enum class Strategy : uint8_t {
  sync,    ///< gradients of all, as they are, in each minibatch
  gtc,     ///< gradients of all, compressed
  bmuf,    ///< models of all, block by block
  hybrid,  ///< compressed gradients in groups, models between groups: gtc+bmuf
};

/// A strategy by its name, for whoever does not want to spell `HybridOptions` out.
struct StrategyOptions {
  Strategy strategy = Strategy::hybrid;
  std::string tau = "auto";
};
void describe(OptionTable& table, StrategyOptions& options);
/// Its tau alone.
void describe_tau(OptionTable& table, std::string& tau);
/// With what is left of the options of a hybrid then: tau says the threshold.
void describe(OptionTable& table, StrategyOptions& options, HybridOptions& hybrid);

/// What a strategy means for so many workers: `options` with its group size, threshold and density.
///
/// A hybrid's group size of 0 becomes the largest divisor of `n_workers` up to 8. A tau of "auto" becomes the density
/// of `options`, or 1 % where that is 0; a number, the threshold. Throws `ErrorCode::usage` for another tau, and for a
/// group size or density that the strategy leaves no room for.
HybridOptions resolve(const StrategyOptions& strategy, HybridOptions options, uint32_t n_workers);

}  // namespace coppice
