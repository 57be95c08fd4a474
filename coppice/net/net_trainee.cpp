// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_trainee.h"

#include <algorithm>
#include <cstdio>

#include "coppice/core/quantity.h"
#include "coppice/dist/finite_gradient.h"
#include "coppice/net/torch_threads.h"

namespace coppice {
namespace {

std::unique_ptr<Network> untrained_network(const NetSet& set, const std::string& module,
                                           const NetTrainOptions& options) {
  use_no_threads_of_torch();  // workers are the threads
  if (!module.empty()) return load_module(module, set.n_labels, "the module");
  return make_network({set.features.task, options.network, set.features.n_inputs(), set.n_labels}, options.seed);
}

torch::Device device_of(NetDevice device) {
  return device == NetDevice::cuda ? torch::kCUDA : torch::kCPU;
}

}  // namespace

NetTrainee::NetTrainee(const NetSet& set, const std::string& module, const NetTrainOptions& options)
    : network_(untrained_network(set, module, options)),
      learner_(*network_, set.rows.examples, {set.features.task, options.network.loss},
               {options.minibatch, options.seed}, device_of(options.device)),
      minibatches_(RowDeal(static_cast<uint32_t>(set.rows.examples.size()), options.minibatch, options.seed)
                       .minibatches(options.epochs)),
      of_epoch_(double(set.rows.examples.size()) / options.minibatch) {}

NetTraining NetTrainee::result(const HybridReport& report) {
  const auto parameters = learner_.parameters();
  if (2 * report.n_skipped > report.steps) {
    throw NotFinite(std::to_string(report.n_skipped) + " of " + counted(report.steps, "minibatch", "minibatches") +
                    " had gradients that are no finite numbers");
  }
  if (!all_finite(parameters)) throw NotFinite("the training came to parameters that are no finite numbers");
  return {{parameters.begin(), parameters.end()},
          buffer_values(*network_),
          report,
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count()};
}

EpochNotes::EpochNotes(const NetTrainee& trainee, Progress& progress)
    : progress_(progress), of_all_(trainee.minibatches()), of_epoch_(trainee.minibatches_of_epoch()) {
  progress.stage("training", of_all_);
}

void EpochNotes::begin_epoch(uint64_t minibatches, const HybridReport& report) {
  epoch_ = static_cast<uint64_t>(double(minibatches) / of_epoch_) + 1;
  samples_ = report.samples;
  loss_ = report.loss;
}

void EpochNotes::resume_at(uint64_t minibatches, const HybridReport& report) {
  done_ = std::min(minibatches, of_all_);
  progress_.advance(done_);
  begin_epoch(done_, report);
}

void EpochNotes::at(uint64_t minibatches, const HybridReport& report) {
  minibatches = std::min(minibatches, of_all_);
  if (minibatches > done_) progress_.advance(minibatches - done_);
  done_ = std::max(done_, minibatches);
  // A worker that was left behind begins to count anew.
  if (report.samples < samples_) samples_ = 0, loss_ = 0;
  if (double(minibatches) < double(epoch_) * of_epoch_ && minibatches < of_all_) return;
  if (report.samples > samples_) {
    char text[96];
    std::snprintf(text, sizeof text, "epoch %.3g: loss %.4f", double(minibatches) / of_epoch_,
                  (report.loss - loss_) / static_cast<double>(report.samples - samples_));
    progress_.note(text);
  }
  begin_epoch(minibatches, report);
}

}  // namespace coppice
