// SPDX-License-Identifier: Apache-2.0
#include <torch/script.h>

#include <mutex>
#include <sstream>

#include "coppice/core/error.h"
#include "coppice/net/network.h"
#include "coppice/net/torch_error.h"

namespace coppice {
namespace {

constexpr const char* kHint = "docs/networks.md says what a module is given, and what it returns";

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(torch::jit::Module module, uint32_t n_outputs, std::string where)
      : module_(std::move(module)), n_outputs_(n_outputs), where_(std::move(where)) {}

  torch::Tensor scores(const std::vector<torch::Tensor>& inputs, std::optional<at::Generator> dropout) override {
    module_.train(dropout.has_value());
    // A module draws from the one generator of its process: in turns, so that each draws the same numbers again.
    static std::mutex draws;
    std::unique_lock turn(draws, std::defer_lock);
    if (dropout) {
      turn.lock();
      at::Generator of_process = at::detail::getDefaultCPUGenerator();
      of_process.set_current_seed(dropout->current_seed());
    }
    const std::vector<torch::jit::IValue> arguments(inputs.begin(), inputs.end());
    torch::Tensor scores;
    try {
      scores = module_.forward(arguments).toTensor().to(torch::kFloat32);
    } catch (const std::exception& error) {
      throw torch_error("the module's forward failed", error, where_, kHint);
    }
    expect_scores_of(scores, inputs);
    if (dropout && !scores.requires_grad()) {
      throw Error(ErrorCode::data, "what the module's forward returned does not depend on its parameters", where_,
                  kHint);
    }
    return scores;
  }
  std::vector<torch::Tensor> parameters() override {
    std::vector<torch::Tensor> all;
    for (const torch::Tensor& parameter : module_.parameters()) {
      if (parameter.requires_grad()) all.push_back(parameter);  // others stay as the user's file has them
    }
    return all;
  }
  std::vector<torch::Tensor> buffers() override {
    std::vector<torch::Tensor> all;
    for (const torch::Tensor& buffer : module_.buffers()) all.push_back(buffer);
    return all;
  }
  void to(torch::Device device) override { module_.to(device); }

 private:
  void expect_scores_of(const torch::Tensor& scores, const std::vector<torch::Tensor>& inputs) const {
    // Texts say where each row begins.
    const int64_t n_rows = inputs[inputs.size() == 3 ? 1 : 0].size(0);
    if (scores.dim() == 2 && scores.size(0) == n_rows && scores.size(1) == n_outputs_) return;
    std::ostringstream sizes;
    sizes << scores.sizes();
    throw Error(ErrorCode::data,
                "the module's forward returned " + sizes.str() + ", expected " + std::to_string(n_rows) + " rows of " +
                    std::to_string(n_outputs_) + " scores, one for each label",
                where_, kHint);
  }

  torch::jit::Module module_;
  uint32_t n_outputs_;
  std::string where_;
};

/// What training relies on.
void expect_trainable(ScriptNetwork& network, const std::string& where) {
  for (const torch::Tensor& parameter : network.parameters()) {
    if (parameter.dtype() == torch::kFloat32) continue;
    throw Error(ErrorCode::unsupported, "the module has parameters that are not of single precision", where);
  }
  if (!network.parameters().empty()) return;
  throw Error(ErrorCode::data, "the module has no parameters to train", where);
}

}  // namespace

std::unique_ptr<Network> load_module(const std::string& bytes, uint32_t n_outputs, const std::string& where) {
  std::istringstream stream(bytes);
  try {
    auto network = std::make_unique<ScriptNetwork>(torch::jit::load(stream, torch::kCPU), n_outputs, where);
    expect_trainable(*network, where);
    return network;
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw torch_error("this is no TorchScript module", error, where, "torch.jit.script(module).save(path) writes one");
  }
}

}  // namespace coppice
