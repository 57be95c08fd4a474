// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "coppice/dist/hybrid.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/softmax_learner.h"

namespace coppice::testing_learner {

// For tests: trainings of the small learner by several workers.

using Model = std::vector<float>;
using Runner = std::function<void(uint32_t, const std::function<void(Transport&)>&)>;
inline const Runner in_memory = [](uint32_t n, const auto& work) { run_workers(n, 2, work); };

/// What each worker has in the end, by rank.
inline std::vector<Model> trained(uint32_t n_workers, const HybridOptions& options, uint64_t minibatches,
                                  const Runner& runner = in_memory) {
  std::vector<Model> models(n_workers);
  runner(n_workers, [&](Transport& transport) {
    Softmax learner;
    HybridTraining training(transport, learner, kMinibatch, options);
    training.run(minibatches);
    training.finish();
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  return models;
}

/// The same on each.
inline Model model_of(uint32_t n_workers, const HybridOptions& options, uint64_t minibatches,
                      const Runner& runner = in_memory) {
  const std::vector<Model> models = trained(n_workers, options, minibatches, runner);
  for (const Model& model : models) EXPECT_EQ(model, models[0]) << minibatches;
  return models[0];
}

inline HybridOptions with(uint32_t group_size, float threshold, uint32_t block = 10) {
  HybridOptions options;
  options.group_size = group_size;
  options.block_minibatches = block;
  options.compression.threshold = threshold;
  options.sgd.learning_rate = 0.05;
  return options;
}

/// Short blocks and a momentum, so that all that a training keeps matters soon.
inline HybridOptions with_momentum(uint32_t group_size, float threshold) {
  HybridOptions options = with(group_size, threshold, 5);
  options.sgd.momentum = 0.5;
  return options;
}

/// Each strategy, and what else changes what a training keeps.
inline std::map<std::string, HybridOptions> strategies() {
  std::map<std::string, HybridOptions> all{{"sync", with_momentum(0, 0)},
                                           {"gtc", with_momentum(0, 0.5F)},
                                           {"bmuf", with_momentum(1, 0)},
                                           {"hybrid", with_momentum(2, 0.5F)}};
  all["classical"] = all["warm start"] = all["forgets"] = all["density"] = all["hybrid"];
  all["classical"].block.variant = BlockVariant::classical;
  all["warm start"].warm_start = 12;
  all["forgets"].keeps_momentum = all["forgets"].keeps_residual = false;
  all["density"].compression = {.threshold = 0, .density = 0.2, .residual_clip = 5};
  return all;
}

}  // namespace coppice::testing_learner
