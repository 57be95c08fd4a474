// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/dist/gradient_message.h"

namespace coppice {

/// Which elements of a gradient are sent.
struct GradientCompressionOptions {
  float threshold = 0;      ///< tau, in the unit of gradients; 0: all is sent as it is (synchronous SGD)
  double density = 0;       ///< above 0: the threshold is sought that sends this share of the elements
  float residual_clip = 0;  ///< what stays is cut to so many thresholds; 0: it is not
};
void describe(OptionTable& table, GradientCompressionOptions& options);
/// Without the threshold.
void describe_density(OptionTable& table, GradientCompressionOptions& options);

/// Gradient threshold compression of one worker: a gradient goes in, a message comes out, and what is not sent stays in
/// the residual, to which the next gradient is added. An element that is sent stands for plus or minus the threshold;
/// that, and no more, is taken from the residual: nothing is lost, only later.
///
/// Units: gradients as they are summed over a worker's minibatch, before the learning rate.
/// Source: Strom, "Scalable distributed DNN training using commodity GPU cloud computing", Interspeech 2015. Ours: the
/// learning rate stays outside of the residual, momentum is applied to the sum of the messages, and the threshold may
/// follow a density.
class GradientCompressor {
 public:
  GradientCompressor(size_t n_parameters, const GradientCompressionOptions& options);

  /// Shapes: gradient[n_parameters]. Throws `ErrorCode::data` for a gradient with an element that is no number; the
  /// residual then is of no use any more.
  /// Cost: a pass over both, 1 ns an element or less.
  void compress(std::span<const float> gradient, uint64_t step, std::vector<std::byte>& message);

  /// What a checkpoint has to keep.
  std::span<const float> residual() const noexcept { return residual_; }
  /// Throws `ErrorCode::data` when it is not of so many parameters.
  void restore(std::vector<float> residual);

  /// Of the last message.
  double density() const noexcept;

 private:
  float threshold_for(std::span<const float> gradient, uint64_t step);

  GradientCompressionOptions options_;
  float threshold_;
  std::vector<float> residual_;
  std::vector<GradientWord> words_;
  std::vector<float> sizes_;
  size_t n_sent_ = 0;
};

}  // namespace coppice
