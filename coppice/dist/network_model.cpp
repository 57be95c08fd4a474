// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/network_model.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/message_transport.h"

namespace coppice {
namespace {

constexpr uint64_t kNumberBytes = sizeof(uint64_t), kSealBytes = sizeof(MessageTransport::Seal);
constexpr uint64_t kHashBytes = 20;  // of a model, in digits

/// What everyone brings is with everyone after log2 rounds, in which it doubles.
NetworkLoad doubling(uint64_t n, uint64_t bytes) {
  const auto rounds = static_cast<double>(std::bit_width(n - 1));
  const auto sent = static_cast<double>((n - 1) * bytes);
  return {rounds, sent, static_cast<double>(n) * sent};
}

NetworkLoad all_reduce_load(uint64_t n, uint64_t bytes) {
  const uint64_t values = bytes / sizeof(float);
  NetworkLoad load;
  load.rounds = static_cast<double>(MessageTransport::reduction_rounds(values, static_cast<uint32_t>(n)));
  for (uint32_t rank = 0; rank < n; ++rank) {
    const auto sent = static_cast<double>(MessageTransport::reduced_bytes(values, rank, static_cast<uint32_t>(n)).sent);
    load.bytes = std::max(load.bytes, sent);
    load.all_bytes += sent;
  }
  return load;
}

NetworkLoad all_gather_load(uint64_t n, uint64_t bytes) {
  NetworkLoad load = doubling(n, kNumberBytes + kSealBytes);
  if (MessageTransport::gathers_at_once(bytes, static_cast<uint32_t>(n))) {
    load += doubling(n, bytes + kSealBytes);
    return load;
  }
  const auto sent = static_cast<double>((n - 1) * (bytes + kSealBytes));
  load += {static_cast<double>(n - 1), sent, static_cast<double>(n) * sent};
  return load;
}

/// The last member has the last segment after those before it, and n - 1 links further on; the seal comes right behind.
NetworkLoad broadcast_load(uint64_t n, uint64_t bytes) {
  const uint64_t segment = std::min<uint64_t>(bytes, MessageTransport::kSegmentBytes);
  return {static_cast<double>(n - 1), static_cast<double>(bytes + (n - 2) * segment + kSealBytes),
          static_cast<double>((n - 1) * (bytes + kSealBytes))};
}

NetworkLoad load_of_one(const NetworkOperation& operation) {
  const uint64_t n = operation.workers;
  if (n < 2) return {};
  if (operation.collective == Collective::barrier) return doubling(n, kNumberBytes + kSealBytes);
  if (operation.bytes == 0 && operation.collective != Collective::all_gather) return {};
  if (operation.collective == Collective::all_reduce) return all_reduce_load(n, operation.bytes);
  if (operation.collective == Collective::all_gather) return all_gather_load(n, operation.bytes);
  return broadcast_load(n, operation.bytes);
}

uint32_t fragments_of(const StepCosts& costs) {
  return costs.overlap.minibatches == 0 ? 1 : std::clamp(costs.overlap.fragments, 1U, costs.block_minibatches);
}

/// What the end of a block asks for, of one fragment: see BlockSync, HybridTraining and OverlappedSync.
NetworkLoad block_load(const StepCosts& costs) {
  const uint64_t model_bytes = costs.model_bytes / fragments_of(costs);
  const uint32_t members = costs.group_size, groups = costs.workers / members;
  NetworkLoad load;
  const auto add = [&](Collective collective, uint32_t workers, uint64_t bytes, uint32_t at_a_time) {
    load += load_of({collective, workers, bytes, at_a_time});
  };
  add(Collective::all_gather, members, kNumberBytes, groups);  // of samples
  add(Collective::all_gather, groups, kNumberBytes, members);
  if (costs.exchange == BlockExchange::sharded) {
    const uint64_t shard = model_bytes / members;
    add(Collective::all_reduce, groups, shard, members);
    add(Collective::all_gather, members, shard, groups);
  } else {
    add(Collective::all_reduce, groups, model_bytes, 1);
    add(Collective::broadcast, members, model_bytes, groups);
  }
  add(Collective::all_gather, costs.workers, kHashBytes, 1);
  return load;
}

/// Of a block, what the busiest worker sends: member 0 of the representatives, which sums and then begins the chain.
double block_bytes(const StepCosts& costs) {
  const uint32_t members = costs.group_size, groups = costs.workers / members;
  const bool is_sharded = costs.exchange == BlockExchange::sharded;
  const uint64_t own = is_sharded ? costs.model_bytes / members : costs.model_bytes;
  const uint64_t values = own / sizeof(float);
  double bytes = groups < 2 ? 0 : static_cast<double>(MessageTransport::reduced_bytes(values, 0, groups).sent);
  if (members > 1) bytes += static_cast<double>(is_sharded ? (members - 1) * own : own);
  return bytes;
}

/// How badly a latency and a rate explain what was measured: squares of small logarithmic errors, the size of large
/// ones. A logarithm, so that half as long and twice as long are as wrong.
double misfit(std::span<const NetworkSample> samples, std::span<const NetworkLoad> loads, const NetworkModel& network) {
  constexpr double kFar = 0.1;
  double sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double error = std::abs(std::log(seconds_of(loads[i], network) / samples[i].seconds));
    sum += error < kFar ? error * error / 2 : kFar * (error - kFar / 2);
  }
  return sum;
}

}  // namespace

NetworkLoad& NetworkLoad::operator+=(const NetworkLoad& other) noexcept {
  rounds += other.rounds;
  bytes += other.bytes;
  all_bytes += other.all_bytes;
  return *this;
}

NetworkLoad load_of(const NetworkOperation& operation) noexcept {
  NetworkLoad load = load_of_one(operation);
  load.all_bytes *= operation.at_a_time;
  return load;
}

double seconds_of(const NetworkLoad& load, const NetworkModel& network) noexcept {
  const double shared = network.shared_bytes_per_second > 0 ? load.all_bytes / network.shared_bytes_per_second : 0;
  return network.latency_seconds * load.rounds + std::max(load.bytes / network.bytes_per_second, shared);
}

double seconds_of(const NetworkOperation& operation, const NetworkModel& network) noexcept {
  return seconds_of(load_of(operation), network);
}

std::vector<NetworkSample> samples_of(std::span<const LinkTiming> timings, uint32_t n_workers) {
  std::vector<NetworkSample> samples;
  for (const LinkTiming& timing : timings) {
    NetworkOperation operation{Collective::barrier, n_workers, timing.bytes, 1};
    if (timing.operation == "all_reduce") operation.collective = Collective::all_reduce;
    if (timing.operation == "all_gather") operation.collective = Collective::all_gather;
    if (timing.operation == "broadcast") operation.collective = Collective::broadcast;
    samples.push_back({operation, timing.seconds});
  }
  return samples;
}

// Two numbers: the best of a coarse grid, then of finer and finer ones around it.
NetworkModel fit_network(std::span<const NetworkSample> samples) {
  std::vector<NetworkSample> known;
  std::vector<NetworkLoad> loads;
  std::set<double> bytes_per_round;
  for (const NetworkSample& sample : samples) {
    const NetworkLoad load = load_of(sample.operation);
    if (!(sample.seconds > 0) || !(load.rounds > 0)) continue;
    known.push_back(sample);
    loads.push_back(load);
    bytes_per_round.insert(load.bytes / load.rounds);
  }
  if (bytes_per_round.size() < 2) {
    throw Error(ErrorCode::data, "these measurements do not tell latency and rate of the network apart", {},
                "measure operations of few bytes and of many");
  }
  constexpr int kReach = 8;
  double latency = 1e-4, rate = 1e8, step = 3, least = INFINITY;  // step: a factor
  while (step > 1 + 1e-9) {
    const double middle_latency = latency, middle_rate = rate;
    for (int i = -kReach; i <= kReach; ++i) {
      for (int k = -kReach; k <= kReach; ++k) {
        const NetworkModel tried{middle_latency * std::pow(step, i), middle_rate * std::pow(step, k), 0};
        const double found = misfit(known, loads, tried);
        if (found < least) least = found, latency = tried.latency_seconds, rate = tried.bytes_per_second;
      }
    }
    step = 1 + (step - 1) / 2;
  }
  return {latency, rate, 0};
}

StepPrediction predict_step(const StepCosts& costs, const NetworkModel& network) noexcept {
  const uint32_t members = std::max(costs.group_size, 1U), groups = costs.workers / members;
  StepPrediction step;
  step.compute_seconds = costs.compute_seconds;
  if (members > 1) {
    const bool is_compressed = costs.message_bytes > 0;
    if (is_compressed) step.code_seconds = costs.encode_seconds + members * costs.decode_seconds;
    const NetworkOperation exchange{is_compressed ? Collective::all_gather : Collective::all_reduce, members,
                                    is_compressed ? costs.message_bytes : costs.model_bytes, groups};
    step.gradient_seconds = seconds_of(exchange, network);
  }
  if (groups > 1) {
    const double fragments = fragments_of(costs), block = costs.block_minibatches;
    const double exchange_seconds = seconds_of(block_load(costs), network);
    const double minibatches = std::min<double>(costs.overlap.minibatches, block / fragments);
    const double hidden_seconds = std::min(exchange_seconds, minibatches * (step.compute_seconds + step.code_seconds));
    step.hidden_seconds = hidden_seconds * fragments / block;
    step.block_seconds = (exchange_seconds - hidden_seconds) * fragments / block;
    step.block_bytes_per_link = block_bytes(costs);
  }
  step.seconds = step.compute_seconds + step.code_seconds + step.gradient_seconds + step.block_seconds;
  step.speed_up = step.seconds > 0 ? costs.workers * costs.compute_seconds / step.seconds : 0;
  return step;
}

CompressionConditions conditions_of(const StepCosts& costs, const NetworkModel& network) noexcept {
  const auto group = static_cast<double>(costs.group_size), message = static_cast<double>(costs.message_bytes);
  const auto dense = 2 * static_cast<double>(costs.model_bytes);  // there and back, times (g - 1) / g
  const double at_a_time = network.bytes_per_second * costs.compute_seconds;
  constexpr double kMost = UINT32_MAX;
  CompressionConditions conditions;
  conditions.share_of_dense = dense > 0 ? group * message / dense : 0;
  conditions.receive_share = at_a_time > 0 ? (group - 1) * message / at_a_time : 0;
  if (message <= 0) return conditions;
  conditions.largest_fewer = static_cast<uint32_t>(std::min(kMost, std::floor(dense / message)));
  conditions.largest_faster = static_cast<uint32_t>(std::min(kMost, std::floor(1 + at_a_time / message)));
  return conditions;
}

std::string text_of(const CompressionConditions& conditions) {
  const auto percent = [](double share) { return std::to_string(std::lround(100 * share)) + " %"; };
  return "Compressed gradients are " + percent(conditions.share_of_dense) +
         " of the bytes of gradients as they are; they are fewer in groups of up to " +
         std::to_string(conditions.largest_fewer) + " workers. To receive them takes " +
         percent(conditions.receive_share) + " of the time to compute; it takes less than that in groups of up to " +
         std::to_string(conditions.largest_faster) + ".";
}

}  // namespace coppice
