// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/network.h"

#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>

#include <cmath>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

/// Parameters of [outputs x inputs], side by side: uniform, so that units vary as much as those before them (He et al.
/// 2015). Vectors, the biases, are 0.
void draw(torch::Tensor parameter, Random random) {
  const torch::NoGradGuard no_gradients;
  float* const values = parameter.data_ptr<float>();
  const bool is_bias = parameter.dim() < 2;
  const double bound = is_bias ? 0 : std::sqrt(6.0 / static_cast<double>(parameter[0].numel()));
  for (int64_t i = 0; i < parameter.numel(); ++i) {
    values[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
  }
}

torch::Tensor without_some(const torch::Tensor& units, double dropout, std::optional<at::Generator>& generator) {
  if (!generator || dropout == 0) return units;
  const torch::Tensor kept = torch::empty(units.sizes()).bernoulli_(1 - dropout, *generator) / (1 - dropout);
  return units * kept.to(units.device());
}

/// Rectified layers, then the classes.
class Layers {
 public:
  Layers(uint32_t n_inputs, const NetworkOptions& options, uint32_t n_outputs) : dropout_(options.dropout) {
    for (const uint32_t width : options.hidden) {
      hidden_.emplace_back(n_inputs, width);
      n_inputs = width;
    }
    output_ = torch::nn::Linear(n_inputs, n_outputs);
  }

  torch::Tensor hidden(torch::Tensor units, std::optional<at::Generator>& dropout) {
    for (auto& layer : hidden_) units = without_some(torch::relu(layer(units)), dropout_, dropout);
    return units;
  }
  torch::Tensor output(const torch::Tensor& units) { return output_(units); }

  std::vector<torch::Tensor> parameters() {
    std::vector<torch::Tensor> all;
    for (auto& layer : hidden_) all.insert(all.end(), {layer->weight, layer->bias});
    all.insert(all.end(), {output_->weight, output_->bias});
    return all;
  }
  void to(torch::Device device) {
    for (auto& layer : hidden_) layer->to(device);
    output_->to(device);
  }

 private:
  double dropout_;
  std::vector<torch::nn::Linear> hidden_;
  torch::nn::Linear output_{nullptr};
};

/// Of the frames that a recording has, without those that fill it up.
torch::Tensor mean_of_frames(const torch::Tensor& units, const torch::Tensor& lengths) {
  const torch::Tensor places = torch::arange(units.size(1), lengths.options());
  const torch::Tensor counts = places.unsqueeze(0).lt(lengths.unsqueeze(1)).to(units.dtype()).unsqueeze(2);
  return (units * counts).sum(1) / lengths.to(units.dtype()).unsqueeze(1);
}

class FeedForwardSpeech final : public Network {
 public:
  explicit FeedForwardSpeech(const NetworkShape& shape)
      : context_(shape.options.context),
        layers_(shape.n_inputs * (2 * shape.options.context + 1), shape.options, shape.n_outputs) {}

  torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) override {
    const torch::Tensor padded = torch::constant_pad_nd(inputs[0], {0, 0, context_, context_});
    // [b x t x bands x window] -> [b x t x bands * window]
    const torch::Tensor windows = padded.unfold(1, 2 * context_ + 1, 1).flatten(2);
    return layers_.output(mean_of_frames(layers_.hidden(windows, dropout), inputs[1]));
  }
  std::vector<torch::Tensor> parameters() override { return layers_.parameters(); }
  void to(torch::Device device) override { layers_.to(device); }

 private:
  int64_t context_;
  Layers layers_;
};

class LstmSpeech final : public Network {
 public:
  explicit LstmSpeech(const NetworkShape& shape)
      : dropout_(shape.options.dropout), output_(shape.options.hidden.back(), shape.n_outputs) {
    uint32_t n_inputs = shape.n_inputs;
    for (const uint32_t width : shape.options.hidden) {
      layers_.emplace_back(torch::nn::LSTMOptions(n_inputs, width).batch_first(true));
      n_inputs = width;
    }
  }

  torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) override {
    torch::Tensor units = inputs[0];  // what fills a recording up comes behind it, and so changes nothing before
    for (auto& layer : layers_) units = without_some(std::get<0>(layer(units)), dropout_, dropout);
    return output_(mean_of_frames(units, inputs[1]));
  }
  std::vector<torch::Tensor> parameters() override {
    std::vector<torch::Tensor> all;
    for (auto& layer : layers_) {
      for (const torch::Tensor& parameter : layer->parameters()) all.push_back(parameter);
    }
    all.insert(all.end(), {output_->weight, output_->bias});
    return all;
  }
  void to(torch::Device device) override {
    for (auto& layer : layers_) layer->to(device);
    output_->to(device);
  }

 private:
  double dropout_;
  std::vector<torch::nn::LSTM> layers_;
  torch::nn::Linear output_;
};

class EmbeddingText final : public Network {
 public:
  explicit EmbeddingText(const NetworkShape& shape)
      : vectors_(torch::empty({shape.n_inputs, shape.options.embedding}, torch::requires_grad())),
        layers_(shape.options.embedding, shape.options, shape.n_outputs) {}

  torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) override {
    const torch::Tensor sums =
        std::get<0>(torch::embedding_bag(vectors_, inputs[0], inputs[1], /*scale_grad_by_freq=*/false,
                                         /*mode: sum*/ 0, /*sparse=*/false, inputs[2]));
    return layers_.output(layers_.hidden(sums, dropout));
  }
  std::vector<torch::Tensor> parameters() override {
    std::vector<torch::Tensor> all = layers_.parameters();
    all.insert(all.begin(), vectors_);
    return all;
  }
  void to(torch::Device device) override {
    vectors_ = vectors_.detach().to(device).requires_grad_();
    layers_.to(device);
  }

 private:
  torch::Tensor vectors_;
  Layers layers_;
};

class FeedForwardFeatures final : public Network {
 public:
  explicit FeedForwardFeatures(const NetworkShape& shape) : layers_(shape.n_inputs, shape.options, shape.n_outputs) {}

  torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) override {
    return layers_.output(layers_.hidden(inputs[0], dropout));
  }
  std::vector<torch::Tensor> parameters() override { return layers_.parameters(); }
  void to(torch::Device device) override { layers_.to(device); }

 private:
  Layers layers_;
};

std::unique_ptr<Network> undrawn_network(const NetworkShape& shape) {
  switch (shape.task) {
    case NetTask::text:
      return std::make_unique<EmbeddingText>(shape);
    case NetTask::features:
      return std::make_unique<FeedForwardFeatures>(shape);
    case NetTask::speech:
      break;
  }
  if (shape.options.architecture == Architecture::lstm) return std::make_unique<LstmSpeech>(shape);
  return std::make_unique<FeedForwardSpeech>(shape);
}

}  // namespace

std::unique_ptr<Network> make_network(const NetworkShape& shape, uint64_t seed) {
  std::unique_ptr<Network> network = undrawn_network(shape);
  const std::vector<torch::Tensor> parameters = network->parameters();
  uint64_t count = 0;
  for (const torch::Tensor& parameter : parameters) count += static_cast<uint64_t>(parameter.numel());
  check(count == count_parameters(shape), "the parameters are counted as they are made");
  for (size_t i = 0; i < parameters.size(); ++i) draw(parameters[i], Random(seed, i));
  return network;
}

torch::Tensor summed_loss(NetLoss loss, const torch::Tensor& scores, const NetBatch& batch) {
  torch::Tensor rows;
  switch (loss) {
    case NetLoss::cross_entropy:
      rows = -(torch::log_softmax(scores, 1) * batch.targets).sum(1);
      break;
    case NetLoss::logistic:
      rows = torch::binary_cross_entropy_with_logits(scores, batch.targets, {}, {}, at::Reduction::None).sum(1);
      break;
    case NetLoss::squared:
      rows = (scores - batch.targets).square().sum(1);
      break;
  }
  return batch.weights.defined() ? (rows * batch.weights).sum() : rows.sum();
}

torch::Tensor answers(NetLoss loss, const torch::Tensor& scores) {
  if (loss == NetLoss::cross_entropy) return torch::softmax(scores, 1);
  return loss == NetLoss::logistic ? torch::sigmoid(scores) : scores;
}

}  // namespace coppice
