// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/torch_learner.h"

#include <torch/cuda.h>

#include <algorithm>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/net/net_batch.h"
#include "coppice/net/torch_error.h"

namespace coppice {
namespace {

int64_t size_of(const std::vector<torch::Tensor>& tensors) {
  int64_t size = 0;
  for (const torch::Tensor& tensor : tensors) size += tensor.numel();
  return size;
}

std::vector<float> values_of(const std::vector<torch::Tensor>& tensors) {
  std::vector<float> values;
  values.reserve(size_of(tensors));
  for (const torch::Tensor& tensor : tensors) {
    const torch::Tensor flat = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    values.insert(values.end(), flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }
  return values;
}

void set_values(const std::vector<torch::Tensor>& tensors, std::span<const float> values, const char* what) {
  if (static_cast<int64_t>(values.size()) != size_of(tensors)) {
    throw Error(ErrorCode::data, "the network has " + std::to_string(size_of(tensors)) + " " + what + ", got " +
                                     std::to_string(values.size()));
  }
  const torch::NoGradGuard no_gradients;
  size_t at = 0;
  for (torch::Tensor tensor : tensors) {
    const auto own = values.subspan(at, tensor.numel());
    tensor.copy_(torch::from_blob(const_cast<float*>(own.data()), tensor.sizes(), torch::kFloat32));
    at += tensor.numel();
  }
}

torch::Tensor flat_view(std::span<float> values) {
  return torch::from_blob(values.data(), {static_cast<int64_t>(values.size())}, torch::kFloat32);
}

}  // namespace

TorchLearner::TorchLearner(Network& network, const NetExamples& examples, NetAim aim, const MinibatchOptions& minibatch,
                           torch::Device device)
    : network_(network),
      examples_(examples),
      aim_(aim),
      seed_(minibatch.seed),
      device_(device),
      deal_(static_cast<uint32_t>(examples.size()), minibatch.rows, minibatch.seed),
      values_(parameter_values(network)) {
  if (device.is_cuda() && !torch::cuda::is_available()) {
    throw Error(ErrorCode::unsupported, "this LibTorch has no GPU", {}, "--device cpu");
  }
  network_.to(device_);
  bind_parameters();
}

void TorchLearner::bind_parameters() {
  device_values_ = flat_view(values_);
  if (!device_.is_cpu()) device_values_ = device_values_.to(device_);
  parameters_ = network_.parameters();
  int64_t at = 0;
  for (torch::Tensor& parameter : parameters_) {
    parameter.set_data(device_values_.narrow(0, at, parameter.numel()).view(parameter.sizes()));
    at += parameter.numel();
  }
}

void TorchLearner::bind_gradient(std::span<float> gradient) {
  if (gradient.data() == bound_) return;
  bound_ = gradient.data();
  device_gradient_ = flat_view(gradient);
  if (!device_.is_cpu()) device_gradient_ = torch::empty_like(device_values_);
  int64_t at = 0;
  for (torch::Tensor& parameter : parameters_) {
    parameter.mutable_grad() = device_gradient_.narrow(0, at, parameter.numel()).view(parameter.sizes());
    at += parameter.numel();
  }
}

BatchResult TorchLearner::compute_gradient(uint64_t minibatch, std::span<float> gradient) {
  bind_gradient(gradient);
  device_gradient_.zero_();
  if (!device_.is_cpu()) device_values_.copy_(flat_view(values_));
  const auto rows = deal_.rows(minibatch);
  NetBatch batch = make_batch(examples_, rows, aim_);
  move_batch(batch, device_);
  const uint64_t draw = Random(seed_, minibatch).next();
  const torch::Tensor scores = network_.scores(batch.inputs, at::make_generator<at::CPUGeneratorImpl>(draw));
  const torch::Tensor loss = summed_loss(aim_.loss, scores, batch);
  try {
    loss.backward();
  } catch (const c10::Error& error) {  // mostly of a module of the user's
    throw torch_error("the gradient of the network cannot be computed", error);
  }
  if (!device_.is_cpu()) flat_view(gradient).copy_(device_gradient_);
  return {rows.size(), loss.item<double>()};
}

std::vector<float> TorchLearner::own_state() {
  return buffer_values(network_);
}
void TorchLearner::restore_own_state(std::span<const float> state) {
  set_buffers(network_, state);
}

void set_parameters(Network& network, std::span<const float> values) {
  set_values(network.parameters(), values, "parameters");
}
std::vector<float> parameter_values(Network& network) {
  return values_of(network.parameters());
}
void set_buffers(Network& network, std::span<const float> values) {
  set_values(network.buffers(), values, "buffers");
}
std::vector<float> buffer_values(Network& network) {
  return values_of(network.buffers());
}

}  // namespace coppice
