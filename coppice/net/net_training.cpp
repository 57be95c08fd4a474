// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_training.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/net/torch_learner.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<Network> untrained_network(const NetSet& set, const std::string& module,
                                           const NetTrainOptions& options) {
  if (!module.empty()) return load_module(module, set.n_labels, "the module");
  return make_network({set.features.task, options.network, set.features.n_inputs(), set.n_labels}, options.seed);
}

/// Trains epoch after epoch, and says what the loss was.
class Epochs {
 public:
  Epochs(HybridTraining& training, uint64_t minibatches, uint64_t of_epoch, Progress& progress)
      : training_(training), minibatches_(minibatches), of_epoch_(std::max<uint64_t>(of_epoch, 1)), progress_(progress) {}

  void run() {
    progress_.stage("training", minibatches_);
    for (uint64_t i = 1; i <= minibatches_; ++i) {
      progress_.throw_if_stopped();
      training_.run(1);
      progress_.advance(1);
      if (i % of_epoch_ == 0 || i == minibatches_) tell(i);
    }
  }

 private:
  void tell(uint64_t minibatch) {
    const HybridReport& report = training_.report();
    const auto rows = static_cast<double>(report.samples - samples_);
    if (rows == 0) return;
    char text[96];
    std::snprintf(text, sizeof text, "epoch %.3g: loss %.4f", double(minibatch) / double(of_epoch_),
                  (report.loss - loss_) / rows);
    progress_.note(text);
    samples_ = report.samples;
    loss_ = report.loss;
  }

  HybridTraining& training_;
  uint64_t minibatches_, of_epoch_;
  Progress& progress_;
  uint64_t samples_ = 0;  ///< at the end of the last epoch
  double loss_ = 0;
};

nlohmann::ordered_json options_json(const NetSet& set, const NetTrainOptions& options) {
  NetTrainOptions copy = options;
  OptionTable table;
  describe(table, copy.network);
  describe(table, copy);
  describe(table, copy.hybrid);
  nlohmann::ordered_json json = table.get();
  json["task"] = std::string(name(set.features.task));
  return json;
}

}  // namespace

void describe(OptionTable& table, NetTrainOptions& options) {
  table.add("minibatch", options.minibatch, 1, 1U << 20, "Rows of a minibatch, of each worker.");
  table.add("epochs", options.epochs, 1e-6, 1e6, "Passes over the rows, all workers together.");
  table.add("seed", options.seed, 0, UINT64_MAX, "Of the first parameters, the order of rows, and dropout.");
  table.add("device", options.device, {{NetDevice::cpu, "cpu"}, {NetDevice::cuda, "cuda"}},
            "Where gradients are computed: cuda needs a LibTorch that was built with it.");
}

NetTraining train_network(Transport& transport, const NetSet& set, const std::string& module,
                          const NetTrainOptions& options, Progress& progress) {
  const auto begin = Clock::now();
  at::set_num_threads(1);  // workers are the threads
  try {
    const std::unique_ptr<Network> network = untrained_network(set, module, options);
    const LearnerShare share{transport.rank(), transport.size(), options.minibatch, options.seed};
    const torch::Device device = options.device == NetDevice::cuda ? torch::kCUDA : torch::kCPU;
    TorchLearner learner(*network, set.rows.examples, {set.features.task, options.network.loss}, share, device);
    HybridTraining training(transport, learner, options.minibatch, options.hybrid);
    const RowDeal deal(static_cast<uint32_t>(set.rows.examples.size()), options.minibatch, options.seed);
    Epochs(training, deal.minibatches(options.epochs, transport.size()), deal.minibatches(1, transport.size()), progress)
        .run();
    training.finish();
    const auto parameters = learner.parameters();
    return {{parameters.begin(), parameters.end()},
            buffer_values(*network),
            training.report(),
            std::chrono::duration<double>(Clock::now() - begin).count()};
  } catch (const std::exception& error) {
    transport.abort("worker " + std::to_string(transport.rank()) + ": " + error.what());
    throw;
  }
}

NetModel make_net_model(const NetSet& set, const NetTraining& training, const std::string& module,
                        const NetTrainOptions& options) {
  NetModelParts parts;
  parts.network = options.network;
  parts.features = set.features;
  parts.label_names = set.label_names;
  parts.n_labels = set.n_labels;
  parts.parameters = training.parameters;
  parts.buffers = training.buffers;
  parts.module = std::vector<char>(module.begin(), module.end());
  parts.options_json = options_json(set, options).dump();
  parts.fingerprint = fingerprint(set);
  return NetModel(std::move(parts));
}

}  // namespace coppice
