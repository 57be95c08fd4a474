// SPDX-License-Identifier: Apache-2.0
//
// The formulas against the messages that MessageTransport really sends, whose times are added up event by event.
#include "coppice/dist/network_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/message_transport.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

struct Message {
  uint32_t other;
  uint64_t bytes;
};
/// One call of exchange.
struct Exchange {
  std::vector<Message> out, in;
};

/// Writes down what one worker exchanges.
class RecordingLink final : public MessageLink {
 public:
  RecordingLink(std::shared_ptr<MessageLink> inner, std::vector<Exchange>& exchanges)
      : inner_(std::move(inner)), exchanges_(exchanges) {}

  uint32_t worker() const noexcept override { return inner_->worker(); }
  uint32_t n_workers() const noexcept override { return inner_->n_workers(); }
  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    Exchange& exchange = exchanges_.emplace_back();
    for (const Outgoing& message : out) exchange.out.push_back({message.to, message.bytes.size()});
    for (const Incoming& message : in) exchange.in.push_back({message.from, message.bytes.size()});
    inner_->exchange(out, in, channel, deadline);
  }
  void abort(const std::string& why) noexcept override { inner_->abort(why); }

 private:
  std::shared_ptr<MessageLink> inner_;
  std::vector<Exchange>& exchanges_;
};

std::vector<std::vector<Exchange>> exchanges_of(const NetworkOperation& operation) {
  std::vector<std::vector<Exchange>> all(operation.workers);
  const auto record = [&](std::shared_ptr<MessageLink> link) {
    std::vector<Exchange>& own = all[link->worker()];
    return std::make_shared<RecordingLink>(std::move(link), own);
  };
  run_workers_over_links(operation.workers, record, [&](Transport& transport) {
    std::vector<float> values(operation.bytes / sizeof(float));
    const std::span<std::byte> bytes = std::as_writable_bytes(std::span(values));
    if (operation.collective == Collective::all_reduce) transport.all_reduce(values);
    if (operation.collective == Collective::all_gather) transport.all_gather(bytes);
    if (operation.collective == Collective::broadcast) transport.broadcast(bytes, 0);
    if (operation.collective == Collective::barrier) transport.barrier();
  });
  return all;
}

/// Every worker has a link out and a link in of this rate, on which messages follow one another, and a message is
/// there a latency after its last byte has gone. A worker begins its next exchange when all of the last has come in.
class Simulation {
 public:
  Simulation(std::vector<std::vector<Exchange>> exchanges, const NetworkModel& network)
      : exchanges_(std::move(exchanges)), network_(network), workers_(exchanges_.size()) {}

  double run() {
    bool goes_on = true;
    while (goes_on) {
      goes_on = false;
      for (uint32_t worker = 0; worker < workers_.size(); ++worker) goes_on = step(worker) || goes_on;
    }
    double end = 0;
    for (uint32_t worker = 0; worker < workers_.size(); ++worker) {
      EXPECT_EQ(workers_[worker].next, exchanges_[worker].size()) << "a message that never came";
      end = std::max(end, workers_[worker].time);
    }
    return end;
  }

 private:
  struct Worker {
    size_t next = 0;
    bool has_sent = false;
    double time = 0, out_free = 0, in_free = 0;
  };

  bool step(uint32_t number) {
    Worker& worker = workers_[number];
    if (worker.next == exchanges_[number].size()) return false;
    const Exchange& exchange = exchanges_[number][worker.next];
    const bool sends = !worker.has_sent;
    if (sends) send(number, exchange);
    for (const Message& message : exchange.in) {
      if (message.bytes > 0 && queue(message.other, number).empty()) return sends;
    }
    std::vector<double> sent_at;
    for (const Message& message : exchange.in) {
      if (message.bytes == 0) continue;
      auto& messages = queue(message.other, number);
      sent_at.push_back(messages.front());
      messages.pop_front();
    }
    receive(worker, exchange, sent_at);
    worker.has_sent = false;
    ++worker.next;
    return true;
  }

  void send(uint32_t number, const Exchange& exchange) {
    Worker& worker = workers_[number];
    for (const Message& message : exchange.out) {
      if (message.bytes == 0) continue;
      worker.out_free = std::max(worker.out_free, worker.time) + seconds(message.bytes);
      queue(number, message.other).push_back(worker.out_free);
    }
    worker.has_sent = true;
  }

  void receive(Worker& worker, const Exchange& exchange, const std::vector<double>& sent_at) {
    for (size_t i = 0; i < sent_at.size(); ++i) {
      const double lasts = seconds(exchange.in[i].bytes);
      worker.in_free = std::max(worker.in_free, sent_at[i] - lasts) + lasts;
      worker.time = std::max(worker.time, worker.in_free + network_.latency_seconds);
    }
  }

  double seconds(uint64_t bytes) const { return static_cast<double>(bytes) / network_.bytes_per_second; }
  std::deque<double>& queue(uint32_t from, uint32_t to) { return queues_[{from, to}]; }

  std::vector<std::vector<Exchange>> exchanges_;
  NetworkModel network_;
  std::vector<Worker> workers_;
  std::map<std::pair<uint32_t, uint32_t>, std::deque<double>> queues_;  ///< when each was sent
};

constexpr NetworkModel kOffice{100e-6, 125e6, 0};

TEST(NetworkModel, FormulasAreWhatTheMessagesOfTheTransportTake) {
  for (const auto collective :
       {Collective::all_reduce, Collective::all_gather, Collective::broadcast, Collective::barrier}) {
    for (const uint32_t n : {2U, 3U, 8U, 13U, 32U}) {
      for (const uint64_t bytes : {4ULL, 400ULL, 40'000ULL, 400'000ULL}) {
        const NetworkOperation operation{collective, n, bytes, 1};
        const double simulated = Simulation(exchanges_of(operation), kOffice).run();
        EXPECT_NEAR(seconds_of(operation, kOffice) / simulated, 1, 0.03)
            << static_cast<int>(collective) << ", " << n << " workers, " << bytes << " bytes";
      }
    }
  }
}

TEST(NetworkModel, BytesAreThoseThatTheTransportCounts) {
  for (const uint32_t n : {2U, 5U, 16U}) {
    const NetworkOperation operation{Collective::all_reduce, n, 4'000'004, 1};
    double most = 0, all = 0;
    for (const auto& worker : exchanges_of(operation)) {
      double sent = 0;
      for (const Exchange& exchange : worker) {
        for (const Message& message : exchange.out) sent += static_cast<double>(message.bytes);
      }
      most = std::max(most, sent);
      all += sent;
    }
    EXPECT_EQ(load_of(operation).bytes, most);
    EXPECT_EQ(load_of(operation).all_bytes, all);
  }
}

TEST(NetworkModel, SumsTakeTheBytesOfARing) {
  const double bytes = load_of({Collective::all_reduce, 16, 16'000'000, 1}).bytes;
  EXPECT_NEAR(bytes, 2.0 * 16'000'000 * 15 / 16, 1000);
}

TEST(NetworkModel, ALinkThatAllShareCarriesTheBytesOfAllGroups) {
  NetworkModel shared = kOffice;
  shared.shared_bytes_per_second = 125e6;
  const NetworkOperation one{Collective::all_reduce, 8, 8'000'000, 1}, four{Collective::all_reduce, 8, 8'000'000, 4};
  EXPECT_EQ(seconds_of(one, kOffice), seconds_of(four, kOffice));
  const double latency = shared.latency_seconds * load_of(one).rounds;
  EXPECT_NEAR(seconds_of(one, shared) - latency, 8 * 2 * 7.0 / 8 * 8'000'000 / 125e6, 1e-3);
  EXPECT_NEAR(seconds_of(four, shared) - latency, 4 * (seconds_of(one, shared) - latency), 1e-9);
}

std::vector<NetworkSample> samples_with(double noise, uint64_t seed) {
  Random random(seed);
  std::vector<NetworkSample> samples;
  for (const auto collective : {Collective::all_reduce, Collective::all_gather, Collective::broadcast}) {
    for (const uint32_t n : {2U, 4U, 8U, 16U}) {
      for (const uint64_t bytes : {4ULL, 16'384ULL, 1'000'000ULL}) {
        const NetworkOperation operation{collective, n, bytes, 1};
        samples.push_back({operation, seconds_of(operation, kOffice) * std::exp(noise * (2 * random.uniform() - 1))});
      }
    }
  }
  return samples;
}

TEST(NetworkModel, TheNetworkIsFoundFromWhatItTakes) {
  const NetworkModel exact = fit_network(samples_with(0, 1));
  EXPECT_NEAR(exact.latency_seconds / kOffice.latency_seconds, 1, 1e-6);
  EXPECT_NEAR(exact.bytes_per_second / kOffice.bytes_per_second, 1, 1e-6);
  const NetworkModel noisy = fit_network(samples_with(0.2, 2));
  EXPECT_NEAR(noisy.latency_seconds / kOffice.latency_seconds, 1, 0.15);
  EXPECT_NEAR(noisy.bytes_per_second / kOffice.bytes_per_second, 1, 0.15);
}

TEST(NetworkModel, SomeMeasurementsFarOffDoNotMoveIt) {
  std::vector<NetworkSample> samples = samples_with(0.02, 3);
  for (size_t i = 0; i < samples.size(); i += 9) samples[i].seconds *= 10;
  const NetworkModel found = fit_network(samples);
  EXPECT_NEAR(found.latency_seconds / kOffice.latency_seconds, 1, 0.1);
  EXPECT_NEAR(found.bytes_per_second / kOffice.bytes_per_second, 1, 0.1);
}

TEST(NetworkModel, MeasurementsThatSayNothingOfTheRateAreRefused) {
  const NetworkSample one{{Collective::all_reduce, 1, 4, 1}, 1e-4};
  EXPECT_THROW(fit_network({}), Error);
  EXPECT_THROW(fit_network({&one, 1}), Error);
}

StepCosts costs_of(uint32_t workers, uint32_t group_size, uint64_t message_bytes) {
  StepCosts costs;
  costs.workers = workers, costs.group_size = group_size;
  costs.model_bytes = 58'400'000, costs.message_bytes = message_bytes;
  costs.compute_seconds = 0.5, costs.encode_seconds = 0.006, costs.decode_seconds = 0.0002;
  return costs;
}

TEST(NetworkModel, AStepIsTheSumOfItsParts) {
  const StepPrediction alone = predict_step(costs_of(1, 1, 0), kOffice);
  EXPECT_EQ(alone.seconds, 0.5);
  EXPECT_EQ(alone.speed_up, 1);
  const StepPrediction sync = predict_step(costs_of(16, 16, 0), kOffice);
  EXPECT_NEAR(sync.gradient_seconds, seconds_of({Collective::all_reduce, 16, 58'400'000, 1}, kOffice), 1e-12);
  EXPECT_EQ(sync.block_seconds, 0);
  EXPECT_EQ(sync.code_seconds, 0);
  const StepPrediction gtc = predict_step(costs_of(16, 16, 50'000), kOffice);
  EXPECT_NEAR(gtc.code_seconds, 0.006 + 16 * 0.0002, 1e-12);
  EXPECT_NEAR(gtc.gradient_seconds, seconds_of({Collective::all_gather, 16, 50'000, 1}, kOffice), 1e-12);
  const StepPrediction bmuf = predict_step(costs_of(16, 1, 50'000), kOffice);
  EXPECT_EQ(bmuf.gradient_seconds, 0);
  EXPECT_GT(bmuf.block_seconds, seconds_of({Collective::all_reduce, 16, 58'400'000, 1}, kOffice) / 50);
  for (const StepPrediction& step : {alone, sync, gtc, bmuf}) {
    EXPECT_NEAR(step.seconds, step.compute_seconds + step.code_seconds + step.gradient_seconds + step.block_seconds,
                1e-12);
  }
}

TEST(NetworkModel, OverlapHidesTheExchangeOfModelsWhileItComputes) {
  StepCosts costs = costs_of(16, 8, 50'000);
  costs.compute_seconds = 0.1;
  const StepPrediction without = predict_step(costs, kOffice);
  EXPECT_EQ(without.hidden_seconds, 0);
  // Of the whole model some 0.47 s in 50 minibatches; one computes for 0.11 s.
  const double exchange = 50 * without.block_seconds;
  const double computing = without.compute_seconds + without.code_seconds;
  costs.overlap = {1, 1};
  const StepPrediction one = predict_step(costs, kOffice);
  EXPECT_NEAR(one.block_seconds, (exchange - computing) / 50, 1e-9);
  EXPECT_NEAR(one.hidden_seconds, computing / 50, 1e-9);
  costs.overlap = {5, 1};
  EXPECT_EQ(predict_step(costs, kOffice).block_seconds, 0);
  EXPECT_NEAR(predict_step(costs, kOffice).hidden_seconds, without.block_seconds, 1e-9);
  // A fragment of it needs one minibatch alone; each has some more messages that wait for one another.
  costs.overlap = {1, 5};
  const StepPrediction fragments = predict_step(costs, kOffice);
  EXPECT_EQ(fragments.block_seconds, 0);
  EXPECT_GT(fragments.hidden_seconds, without.block_seconds);
  EXPECT_LT(fragments.hidden_seconds, 1.1 * without.block_seconds);
  EXPECT_EQ(fragments.seconds, fragments.compute_seconds + fragments.code_seconds + fragments.gradient_seconds);
}

TEST(NetworkModel, OverlapHidesNoMoreThanABlockComputes) {
  StepCosts costs = costs_of(16, 1, 0);
  costs.block_minibatches = 10, costs.compute_seconds = 0.01;
  const StepPrediction without = predict_step(costs, kOffice);
  for (const OverlapOptions overlap : {OverlapOptions{10, 1}, OverlapOptions{10, 5}, OverlapOptions{2, 5}}) {
    costs.overlap = overlap;
    const StepPrediction step = predict_step(costs, kOffice);
    EXPECT_NEAR(step.hidden_seconds, 0.01, 1e-9) << overlap.minibatches << " of " << overlap.fragments;
    EXPECT_NEAR(step.seconds, without.seconds - 0.01, 0.002) << "messages of fragments wait for one another, too";
  }
  costs.overlap = {1, 5};
  EXPECT_NEAR(predict_step(costs, kOffice).hidden_seconds, 0.005, 1e-9) << "half of the minibatches have none";
}

TEST(NetworkModel, ShardsTakeLessThanHalfTheBytesOfARepresentative) {
  StepCosts costs = costs_of(128, 8, 50'000);
  const StepPrediction sharded = predict_step(costs, kOffice);
  costs.exchange = BlockExchange::representative;
  const StepPrediction representative = predict_step(costs, kOffice);
  EXPECT_GT(representative.block_bytes_per_link, 2 * sharded.block_bytes_per_link);
  EXPECT_GT(representative.block_seconds, 1.5 * sharded.block_seconds);
}

TEST(NetworkModel, SaysInWhichGroupsCompressionPays) {
  const CompressionConditions few = conditions_of(costs_of(16, 16, 50'000), kOffice);
  EXPECT_NEAR(few.share_of_dense, 16 * 50'000 / (2 * 58.4e6), 1e-9);
  EXPECT_NEAR(few.receive_share, 15 * 50'000 / 125e6 / 0.5, 1e-9);
  EXPECT_EQ(few.largest_fewer, 2336u);
  EXPECT_EQ(few.largest_faster, 1251u);
  EXPECT_THAT(text_of(few), HasSubstr("groups of up to 2336 workers"));
  EXPECT_GT(conditions_of(costs_of(4096, 4096, 50'000), kOffice).share_of_dense, 1);
  EXPECT_EQ(conditions_of(costs_of(16, 16, 0), kOffice).largest_fewer, 0u);
}

}  // namespace
}  // namespace coppice
