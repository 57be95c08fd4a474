// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"

namespace coppice {

/// What goes into a network.
enum class NetTask : uint8_t {
  speech,    ///< recordings, as log-mel frames
  text,      ///< texts, as the sparse features of a vectorizer
  features,  ///< rows of numbers
};
std::string_view name(NetTask task) noexcept;

enum class Architecture : uint8_t { feed_forward, lstm };

enum class NetLoss : uint8_t {
  cross_entropy,  ///< of softmax and the labels' shares of a row: one answer
  logistic,       ///< of each label by itself: any number of answers
  squared,        ///< of scores and relevances
};

/// The layers of a network, and what its scores are judged by.
struct NetworkOptions {
  Architecture architecture = Architecture::feed_forward;
  std::vector<uint32_t> hidden{256};
  uint32_t embedding = 128;
  uint32_t context = 5;
  double dropout = 0;
  NetLoss loss = NetLoss::cross_entropy;
};
void describe(OptionTable& table, NetworkOptions& options);

/// What a network is trained for.
struct NetAim {
  NetTask task = NetTask::text;
  NetLoss loss = NetLoss::cross_entropy;
};

/// A network without its parameters.
struct NetworkShape {
  NetTask task = NetTask::text;
  NetworkOptions options;
  uint32_t n_inputs = 0;   ///< bands or features
  uint32_t n_outputs = 0;  ///< labels
};

/// How many parameters a network of ours has. Throws `ErrorCode::usage` for an LSTM without layers.
uint64_t count_parameters(const NetworkShape& shape);

}  // namespace coppice
