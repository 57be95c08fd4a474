// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "coppice/dist/learner.h"
#include "coppice/net/net_examples.h"
#include "coppice/net/network.h"
#include "coppice/net/row_deal.h"

namespace coppice {

/// How rows become minibatches.
struct MinibatchOptions {
  uint32_t rows = 32;
  uint64_t seed = 1;  ///< of the rows' order and of dropout
};

/// A network's copy that one worker trains. Borrows the examples, which may be shared.
///
/// The network's parameters are views of one array, and their gradients views of the gradient that is asked for, so
/// that nothing is copied on the processor; on a GPU both are, once a minibatch.
class TorchLearner final : public Learner {
 public:
  /// Throws `ErrorCode::unsupported` where LibTorch has no such device.
  TorchLearner(Network& network, const NetExamples& examples, NetAim aim, const MinibatchOptions& minibatch,
               torch::Device device = torch::kCPU);

  std::span<float> parameters() noexcept override { return values_; }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override;

  /// A module's buffers.
  std::vector<float> own_state() override;
  void restore_own_state(std::span<const float> state) override;

 private:
  void bind_parameters();
  void bind_gradient(std::span<float> gradient);

  Network& network_;
  const NetExamples& examples_;
  NetAim aim_;
  uint64_t seed_;
  torch::Device device_;
  RowDeal deal_;
  std::vector<float> values_;
  std::vector<torch::Tensor> parameters_;
  torch::Tensor device_values_, device_gradient_;  ///< flat; of the arrays themselves on the processor
  const float* bound_ = nullptr;                   ///< the gradient that the parameters' gradients are views of
};

/// Rewrites a network's parameters. Shapes: values[all parameters, one behind the other].
void set_parameters(Network& network, std::span<const float> values);
std::vector<float> parameter_values(Network& network);
/// The same of what is not trained.
void set_buffers(Network& network, std::span<const float> values);
std::vector<float> buffer_values(Network& network);

}  // namespace coppice
