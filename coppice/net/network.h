// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coppice/net/network_options.h"

namespace coppice {

/// Rows as a network takes them; see `make_batch`.
struct NetBatch {
  std::vector<torch::Tensor> inputs;  ///< the arguments of `forward`, in their order
  torch::Tensor targets;              ///< b x L, or undefined
  torch::Tensor weights;              ///< b, or undefined: all 1
};

/// A network with its parameters: our own, or a user's TorchScript module.
///
/// Inputs by task: speech, frames[b x t x bands] filled up with zeros and lengths[b]; text, the features of all rows
/// one behind the other (int64), where each row begins[b] (int64), and the features' values; features, values[b x d].
class Network {
 public:
  virtual ~Network() = default;

  /// Shapes: result[b x L], before softmax. `dropout`: what units are left out by, nothing when answering.
  virtual torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) = 0;

  /// What is trained, always in the same order.
  virtual std::vector<torch::Tensor> parameters() = 0;
  /// What else the answers depend on: the running means of a batch normalization, say.
  virtual std::vector<torch::Tensor> buffers() { return {}; }
  virtual void to(torch::Device device) = 0;
};

/// A network of ours whose parameters are drawn by the seed, the same ones on every machine.
std::unique_ptr<Network> make_network(const NetworkShape& shape, uint64_t seed);

/// A user's module: the bytes of a TorchScript file, whose `forward` takes the inputs above and returns [b x
/// n_outputs]. Throws `ErrorCode::data` for other bytes, naming `where`.
std::unique_ptr<Network> load_module(const std::string& bytes, uint32_t n_outputs, const std::string& where);

/// The loss of each row, summed by their weights: a scalar.
torch::Tensor summed_loss(NetLoss loss, const torch::Tensor& scores, const NetBatch& batch);

/// Scores as users see them: probabilities, but for the squared loss.
torch::Tensor answers(NetLoss loss, const torch::Tensor& scores);

}  // namespace coppice
