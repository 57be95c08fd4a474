// SPDX-License-Identifier: Apache-2.0
// coppice_bench_network: a worker for bench/network.py. It measures operations between workers; or trains a model of
// random gradients with them, asleep where it would compute; or says what the network model makes of measurements.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/random.h"
#include "coppice/dist/connect.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/network_model.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

enum class Mode : uint8_t { measure, train, predict };

struct Arguments {
  Mode mode = Mode::measure;
  uint32_t repeats = 3;
  uint32_t parameters = 250'000;
  double compute_seconds = 0.3;
  uint32_t steps = 40;
  std::string input;
  ConnectOptions connect;
  HybridOptions hybrid;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("mode", arguments.mode, {{Mode::measure, "measure"}, {Mode::train, "train"}, {Mode::predict, "predict"}},
            "What to do.");
  table.add("repeats", arguments.repeats, 1, 1000, "measure: the median of so many counts.");
  table.add("parameters", arguments.parameters, 1, 1U << 30, "train: of the model.");
  table.add("compute_seconds", arguments.compute_seconds, 0, 3600, "train: that a minibatch sleeps.");
  table.add("steps", arguments.steps, 1, 1U << 30, "train: minibatches, after one block more.");
  table.add("input", arguments.input, "predict: a JSON file of measurements and of what to predict.");
  describe(table, arguments.connect);
  describe(table, arguments.hybrid);
}

const std::vector<std::pair<std::string, Collective>> kCollectives = {{"barrier", Collective::barrier},
                                                                      {"all_reduce", Collective::all_reduce},
                                                                      {"all_gather", Collective::all_gather},
                                                                      {"broadcast", Collective::broadcast}};

Collective collective_of(const std::string& name) {
  for (const auto& [own, collective] : kCollectives) {
    if (own == name) return collective;
  }
  throw Error(ErrorCode::usage, "there is no operation " + name);
}

double most_of(Transport& transport, double own) {
  double most = own;
  for (const auto& bytes : transport.all_gather(std::as_bytes(std::span(&own, 1)))) {
    double number = 0;
    std::memcpy(&number, bytes.data(), std::min(bytes.size(), sizeof number));
    most = std::max(most, number);
  }
  return most;
}

void do_operation(Transport& transport, Collective collective, std::span<float> values) {
  const auto bytes = std::as_writable_bytes(values);
  switch (collective) {
    case Collective::barrier:
      return transport.barrier();
    case Collective::all_reduce:
      return transport.all_reduce(values);
    case Collective::all_gather:
      return void(transport.all_gather(bytes));
    case Collective::broadcast:
      return transport.broadcast(bytes, 0);
  }
}

ordered_json measure(Transport& transport, const Arguments& arguments) {
  constexpr size_t kMostBytes = 2'200'000;  // that all bring together: some seconds on slow links
  ordered_json samples = ordered_json::array();
  for (const auto& [name, collective] : kCollectives) {
    for (const size_t bytes : {4, 8'192, 65'536, 262'144}) {
      if (collective == Collective::barrier && bytes > 4) continue;
      if (bytes * transport.size() > kMostBytes) continue;
      std::vector<float> values(bytes / sizeof(float));
      std::vector<double> seconds;
      for (uint32_t repeat = 0; repeat <= arguments.repeats; ++repeat) {
        transport.barrier();
        const Stopwatch watch;
        do_operation(transport, collective, values);
        const double most = most_of(transport, watch.spent().wall_seconds);
        if (repeat > 0) seconds.push_back(most);
      }
      std::nth_element(seconds.begin(), seconds.begin() + std::ptrdiff_t(seconds.size() / 2), seconds.end());
      samples.push_back({{"workers", transport.size()},
                         {"operation", name},
                         {"bytes", bytes},
                         {"seconds", seconds[seconds.size() / 2]}});
    }
  }
  return {{"samples", samples}};
}

/// Sleeps in place of computing: workers that sleep do not fight for the cores of the one machine they are on.
class Sleeper final : public Learner {
 public:
  Sleeper(const Arguments& arguments, uint32_t worker)
      : compute_(arguments.compute_seconds), parameters_(arguments.parameters) {
    Random random(worker + 1);
    for (auto& gradient : gradients_) {
      gradient.resize(parameters_.size());
      for (float& value : gradient) {
        const double u = random.uniform() - 0.5;  // Laplace distributed, as gradients are, more or less
        value = static_cast<float>(std::copysign(-std::log(1 - 2 * std::abs(u)), u));
      }
    }
  }

  std::span<float> parameters() noexcept override { return parameters_; }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    const auto end = std::chrono::steady_clock::now() + compute_;
    const std::vector<float>& own = gradients_[minibatch % std::size(gradients_)];
    std::copy(own.begin(), own.end(), gradient.begin());
    std::this_thread::sleep_until(end);
    return {1, 0};
  }

 private:
  std::chrono::duration<double> compute_;
  std::vector<float> parameters_;
  std::vector<float> gradients_[3];
};

ordered_json train(Transport& transport, const Arguments& arguments) {
  Sleeper learner(arguments, transport.rank());
  HybridTraining training(transport, learner, 1, arguments.hybrid);
  training.run(arguments.hybrid.block_minibatches);
  const HybridReport before = training.report();
  const double waited_before = training.block_wait_seconds();
  transport.barrier();
  const Stopwatch watch;
  training.run(arguments.steps);
  transport.barrier();
  const double seconds = watch.spent().wall_seconds;
  const HybridReport& report = training.report();
  const uint32_t all = transport.size();
  const uint32_t members = arguments.hybrid.group_size == 0 ? all : arguments.hybrid.group_size;
  const auto of_step = [&](double after, double begin) { return (after - begin) / arguments.steps; };
  const auto sent = static_cast<double>(report.in_group.bytes_sent - before.in_group.bytes_sent);
  return {{"workers", all},
          {"group_size", members},
          {"seconds", of_step(most_of(transport, seconds), 0)},
          {"compute_seconds", of_step(report.compute_seconds, before.compute_seconds)},
          {"encode_seconds", of_step(report.encode_seconds, before.encode_seconds)},
          {"decode_seconds", of_step(report.decode_seconds, before.decode_seconds) / members},
          {"gradient_seconds", of_step(report.in_group.seconds, before.in_group.seconds)},
          {"block_seconds", of_step(report.blocks.seconds, before.blocks.seconds)},
          {"block_wait_seconds", of_step(training.block_wait_seconds(), waited_before)},
          {"sent_bytes", members > 1 ? sent / arguments.steps / (members - 1) : 0},
          {"density", report.density}};
}

StepCosts costs_of(const ordered_json& given) {
  StepCosts costs;
  costs.workers = given["workers"], costs.group_size = given["group_size"];
  costs.block_minibatches = given["block_minibatches"];
  costs.exchange = given["exchange"] == "sharded" ? BlockExchange::sharded : BlockExchange::representative;
  costs.overlap = {given["block_overlap"], given["block_fragments"]};
  costs.model_bytes = given["model_bytes"], costs.message_bytes = given["message_bytes"];
  costs.compute_seconds = given["compute_seconds"];
  costs.encode_seconds = given["encode_seconds"], costs.decode_seconds = given["decode_seconds"];
  return costs;
}

ordered_json predict(const std::string& path) {
  const MappedFile file(path);
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  const ordered_json given = ordered_json::parse(text, text + file.bytes().size());
  const auto operation_of = [](const ordered_json& sample) {
    return NetworkOperation{collective_of(sample["operation"]), sample["workers"], sample["bytes"], 1};
  };
  std::vector<NetworkSample> samples;
  for (const ordered_json& sample : given["samples"]) samples.push_back({operation_of(sample), sample["seconds"]});
  const NetworkModel network = fit_network(samples);
  ordered_json result{{"latency_seconds", network.latency_seconds}, {"bytes_per_second", network.bytes_per_second}};
  for (const ordered_json& operation : given["operations"]) {
    result["operations"].push_back(seconds_of(operation_of(operation), network));
  }
  for (const ordered_json& step : given["steps"]) {
    const StepPrediction predicted = predict_step(costs_of(step), network);
    result["steps"].push_back({{"seconds", predicted.seconds},
                               {"gradient_seconds", predicted.gradient_seconds},
                               {"block_seconds", predicted.block_seconds},
                               {"hidden_seconds", predicted.hidden_seconds},
                               {"code_seconds", predicted.code_seconds},
                               {"speed_up", predicted.speed_up}});
  }
  return result;
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  if (arguments.mode == Mode::predict) return fmt::print("{}\n", predict(arguments.input).dump(1));
  const auto environment = worker_environment();
  if (!environment) throw Error(ErrorCode::usage, "no launcher has started this");
  const auto transport = connect_workers(*environment, arguments.connect);
  const bool measures = arguments.mode == Mode::measure;
  const ordered_json report = measures ? measure(*transport, arguments) : train(*transport, arguments);
  if (transport->rank() == 0) fmt::print("{}\n", report.dump(1));
  transport->barrier();
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
