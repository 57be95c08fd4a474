// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/transport.h"
#include "coppice/net/net_input.h"
#include "coppice/net/net_model.h"

namespace coppice {

enum class NetDevice : uint8_t { cpu, cuda };

/// How a network is trained.
struct NetTrainOptions {
  NetworkOptions network;
  uint32_t minibatch = 32;  ///< rows, of each worker
  double epochs = 10;
  uint64_t seed = 1;
  NetDevice device = NetDevice::cpu;
  HybridOptions hybrid;
};
void describe(OptionTable& table, NetTrainOptions& options);

/// What training came to.
struct NetTraining {
  std::vector<float> parameters;
  std::vector<float> buffers;  ///< of worker 0
  HybridReport report;         ///< of this worker
  double seconds = 0;
};

/// Who looks at a model while it is trained.
class TrainingWatcher {
 public:
  virtual ~TrainingWatcher() = default;
  /// After each step: the share of the training that is done, and the parameters of this worker. Between the ends of
  /// blocks they are those of its group. `learner`: what else there is of its network, its own state.
  virtual void trained(double share, std::span<const float> parameters, Learner& learner) = 0;
};

/// Trains a network as one of the workers of `transport`, all of whom call this with the same set and options.
///
/// `module`: the bytes of a user's TorchScript file that takes the place of our layers, or "". Who listens to
/// `progress` hears of the loss once an epoch. Throws `ErrorCode::data`, naming the worker, where workers have
/// different sets or options; as `HybridTraining`; `ErrorCode::cancelled` on request. When it throws, the others are
/// told. Determinism: the same parameters to the bit for the same set, options and number of workers, on one kind of
/// processor, whether workers are threads or processes.
NetTraining train_network(Transport& transport, const NetSet& set, const std::string& module,
                          const NetTrainOptions& options, Progress& progress, TrainingWatcher* watcher = nullptr);

/// What a training depends on beside its length and the number of its workers, a line each.
std::string training_facts(const NetSet& set, const std::string& module, const NetTrainOptions& options);

/// The model of what was trained.
NetModel make_net_model(const NetSet& set, const NetTraining& training, const std::string& module,
                        const NetTrainOptions& options);

}  // namespace coppice
