// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coppice/dist/block_sync.h"
#include "coppice/dist/link_check.h"

namespace coppice {

/// A network as two numbers, and a third where all workers share a link.
struct NetworkModel {
  double latency_seconds = 0;          ///< alpha: of a message, from one worker to another
  double bytes_per_second = 1e9;       ///< 1 / beta: of each worker's link, in either direction
  double shared_bytes_per_second = 0;  ///< of all workers together, as of one switch's uplink; 0: nothing is shared
};

enum class Collective : uint8_t { all_reduce, all_gather, broadcast, barrier };

/// An operation of a Transport, of some of the workers, as many groups doing it at the same time.
struct NetworkOperation {
  Collective collective = Collective::all_reduce;
  uint32_t workers = 1;
  uint64_t bytes = 0;      ///< that each brings
  uint32_t at_a_time = 1;  ///< groups of so many workers
};

/// What an operation asks of the network.
struct NetworkLoad {
  double rounds = 0;     ///< messages that wait for one another
  double bytes = 0;      ///< that pass the busiest link one after the other
  double all_bytes = 0;  ///< that are sent in all

  NetworkLoad& operator+=(const NetworkLoad& other) noexcept;
};

/// As `MessageTransport` does it, whose messages this counts. Cost: none to speak of.
NetworkLoad load_of(const NetworkOperation& operation) noexcept;

/// alpha rounds + bytes / rate, or what the shared link takes, where that is longer.
/// Source: the alpha-beta model, Hockney 1994; Thakur, Rabenseifner and Gropp, "Optimization of collective
/// communication operations in MPICH", 2005.
double seconds_of(const NetworkLoad& load, const NetworkModel& network) noexcept;
double seconds_of(const NetworkOperation& operation, const NetworkModel& network) noexcept;

/// What was measured.
struct NetworkSample {
  NetworkOperation operation;
  double seconds = 0;
};
std::vector<NetworkSample> samples_of(std::span<const LinkTiming> timings, uint32_t n_workers);

/// The latency and the rate that explain the samples best: least squares of logarithmic errors, in which samples far
/// off count by their size alone (Huber). A shared link is not found; give its rate where there is one. Throws
/// `ErrorCode::data` for samples that do not tell the two apart.
NetworkModel fit_network(std::span<const NetworkSample> samples);

/// What a worker does in training; of times the mean.
struct StepCosts {
  uint32_t workers = 1;
  uint32_t group_size = 1;  ///< `workers`: gradients alone; 1: block momentum alone
  uint32_t block_minibatches = 50;
  BlockExchange exchange = BlockExchange::sharded;
  OverlapOptions overlap;  ///< of the exchange of models with computing
  uint64_t model_bytes = 0;
  uint64_t message_bytes = 0;  ///< of a compressed gradient; 0: gradients go as they are
  double compute_seconds =
      0;  ///< for the gradient of a minibatch; a study leaves out the step of SGD, as one worker has it, too
  double encode_seconds = 0;  ///< of a message
  double decode_seconds = 0;  ///< of a message, of those of a group
};

/// Seconds of a minibatch, and where they go.
struct StepPrediction {
  double compute_seconds = 0;
  double code_seconds = 0;      ///< encoding and decoding
  double gradient_seconds = 0;  ///< the exchange inside the group
  double block_seconds = 0;     ///< the exchange of models, by minibatch: what is waited for
  double hidden_seconds = 0;    ///< the rest of it, with overlap: while computing
  double seconds = 0;
  double speed_up = 0;              ///< in samples a second, against one worker that sends nothing
  double block_bytes_per_link = 0;  ///< that the busiest worker sends at the end of a block
};
/// With overlap, a fragment of the model has the time until its result counts, or until the next one's turn, where that
/// is sooner. Of that, it has the network for as long as is computed; what it sends beside gradients holds these up as
/// long.
StepPrediction predict_step(const StepCosts& costs, const NetworkModel& network) noexcept;

/// When compressed gradients pay inside a group, whatever else.
struct CompressionConditions {
  double share_of_dense = 0;    ///< bytes sent, of what gradients as they are take: below 1 where there are fewer
  double receive_share = 0;     ///< time on the link, of the time to compute: above 1 the network decides
  uint32_t largest_fewer = 0;   ///< group in which messages are fewer bytes than gradients as they are
  uint32_t largest_faster = 0;  ///< group in which messages are received in the time of computing
};
CompressionConditions conditions_of(const StepCosts& costs, const NetworkModel& network) noexcept;
/// Two sentences.
std::string text_of(const CompressionConditions& conditions);

}  // namespace coppice
