// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_training.h"

#include <xxhash.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/dist/alike.h"
#include "coppice/model/model.h"
#include "coppice/net/net_trainee.h"

namespace coppice {
namespace {

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

std::string training_facts(const NetSet& set, const std::string& module, const NetTrainOptions& options) {
  std::string facts = "rows and labels of the fingerprint " + fingerprint(set) + "\n";
  facts += "a module of the hash " + std::to_string(XXH3_64bits(module.data(), module.size())) + "\n";
  nlohmann::ordered_json json = options_json(set, options);
  json.erase("epochs");
  for (const auto& [name, value] : json.items()) facts += name + " " + value.dump() + "\n";
  return facts;
}

std::string length_facts(const NetTrainOptions& options) {
  return "epochs " + nlohmann::json(options.epochs).dump() + "\nprogram " + std::string(Model::default_producer()) +
         "\n";
}

NetTraining train_network(Transport& transport, const NetSet& set, const std::string& module,
                          const NetTrainOptions& options, Progress& progress, TrainingWatcher* watcher) {
  try {
    expect_alike(transport, training_facts(set, module, options) + length_facts(options));
    NetTrainee trainee(set, module, options);
    HybridTraining training(transport, trainee.learner(), options.minibatch, options.hybrid);
    EpochNotes notes(trainee, progress);
    const uint64_t minibatches = trainee.minibatches();
    for (uint64_t done = 0; done < minibatches;) {
      progress.throw_if_stopped();
      done = std::min<uint64_t>(done + transport.size(), minibatches);
      training.run_to(done);
      notes.at(done, training.report());
      if (watcher == nullptr) continue;
      watcher->trained(double(done) / double(minibatches), trainee.learner().parameters(), trainee.learner());
    }
    training.finish();
    return trainee.result(training.report());
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
