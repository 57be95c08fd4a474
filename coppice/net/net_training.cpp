// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_training.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/alike.h"
#include "coppice/net/torch_learner.h"
#include "coppice/net/torch_threads.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

std::unique_ptr<Network> untrained_network(const NetSet& set, const std::string& module,
                                           const NetTrainOptions& options) {
  if (!module.empty()) return load_module(module, set.n_labels, "the module");
  return make_network({set.features.task, options.network, set.features.n_inputs(), set.n_labels}, options.seed);
}

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

/// Trains epoch after epoch, and says what the loss was. Minibatches are those of all workers.
class Epochs {
 public:
  Epochs(HybridTraining& training, uint64_t minibatches, double of_epoch, uint32_t n_workers)
      : training_(training), minibatches_(minibatches), of_epoch_(of_epoch), n_workers_(n_workers) {}

  void run(Progress& progress, const std::function<void(double)>& trained) {
    progress.stage("training", minibatches_);
    uint64_t epoch = 1;
    for (uint64_t i = 0; i < minibatches_;) {
      progress.throw_if_stopped();
      i = std::min<uint64_t>(i + n_workers_, minibatches_);
      training_.run_to(i);
      progress.advance(std::min<uint64_t>(n_workers_, minibatches_));
      trained(double(i) / double(minibatches_));
      if (double(i) < double(epoch) * of_epoch_ && i < minibatches_) continue;
      tell(double(i) / of_epoch_, progress);
      epoch = static_cast<uint64_t>(double(i) / of_epoch_) + 1;
    }
  }

 private:
  void tell(double epoch, Progress& progress) {
    const HybridReport& report = training_.report();
    const auto rows = static_cast<double>(report.samples - samples_);
    if (rows == 0) return;
    char text[96];
    std::snprintf(text, sizeof text, "epoch %.3g: loss %.4f", epoch, (report.loss - loss_) / rows);
    progress.note(text);
    samples_ = report.samples;
    loss_ = report.loss;
  }

  HybridTraining& training_;
  uint64_t minibatches_;
  double of_epoch_;
  uint32_t n_workers_;
  uint64_t samples_ = 0;  ///< of this worker, at the end of the last epoch
  double loss_ = 0;
};

/// What all workers must have alike beside what the hybrid compares.
std::string facts_of(const NetSet& set, const std::string& module, const NetTrainOptions& options) {
  std::string facts = "rows and labels of the fingerprint " + fingerprint(set) + "\n";
  facts += "a module of " + std::to_string(module.size()) + " bytes\n";
  const nlohmann::ordered_json json = options_json(set, options);
  for (const auto& [name, value] : json.items()) facts += name + " " + value.dump() + "\n";
  return facts;
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
                          const NetTrainOptions& options, Progress& progress, TrainingWatcher* watcher) {
  const auto begin = Clock::now();
  use_no_threads_of_torch();  // workers are the threads
  try {
    expect_alike(transport, facts_of(set, module, options));
    const std::unique_ptr<Network> network = untrained_network(set, module, options);
    const torch::Device device = options.device == NetDevice::cuda ? torch::kCUDA : torch::kCPU;
    TorchLearner learner(*network, set.rows.examples, {set.features.task, options.network.loss},
                         {options.minibatch, options.seed}, device);
    HybridTraining training(transport, learner, options.minibatch, options.hybrid);
    const RowDeal deal(static_cast<uint32_t>(set.rows.examples.size()), options.minibatch, options.seed);
    Epochs(training, deal.minibatches(options.epochs), double(set.rows.examples.size()) / options.minibatch,
           transport.size())
        .run(progress, [&](double share) {
          if (watcher != nullptr) watcher->trained(share, learner.parameters());
        });
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
