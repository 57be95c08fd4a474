// SPDX-License-Identifier: Apache-2.0
//
// mpi_test_worker SCENARIO FOLDER, started by mpirun from tests/cli/mpi_test.py: each worker writes what it met to
// FOLDER/NUMBER, and goes on only when all have.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/mpi_link.h"
#include "coppice/dist/softmax_learner.h"

namespace coppice {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

/// What the operations give: of whole groups and parts of them.
std::vector<float> results_of(Transport& transport) {
  Random random(transport.rank() + 1);
  std::vector<float> values(100'001);
  for (float& value : values) value = static_cast<float>(random.uniform() - 0.3);
  transport.all_reduce(values);
  const auto own = std::as_bytes(std::span(values));
  for (const auto& bytes : transport.all_gather(own.first(40 * transport.rank()))) {
    values.push_back(static_cast<float>(bytes.size()));
  }
  const uint32_t half = transport.rank() % 2;
  const auto group = transport.subgroup(half == 0 ? std::vector<uint32_t>{0, 2} : std::vector<uint32_t>{1, 3});
  values.resize(values.size() + 10, 0.1F * static_cast<float>(transport.rank()));
  group->all_reduce(std::span(values).last(10));
  transport.broadcast(std::as_writable_bytes(std::span(values)).first(4000), 3);
  return values;
}

/// Two threads of each worker are at work with others at a time.
std::vector<float> overlapped_training(Transport& transport) {
  testing_learner::Softmax learner;
  HybridOptions options;
  options.group_size = 2, options.block_minibatches = 4;
  options.overlap = {3, 4};
  options.compression.threshold = 0.5;
  HybridTraining training(transport, learner, testing_learner::kMinibatch, options);
  training.run(21);
  training.finish();
  return {learner.parameters().begin(), learner.parameters().end()};
}

std::string compare_bits(Transport& transport, std::vector<float> (*work)(Transport&)) {
  std::vector<std::vector<float>> expected(transport.size());
  run_workers(transport.size(), 1, [&](Transport& of_process) { expected[of_process.rank()] = work(of_process); });
  return work(transport) == expected[transport.rank()] ? "the same bits" : "other bits";
}

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

std::string wait_for_a_slow_one(Transport& transport) {
  transport.set_time_limit(0.3);
  if (transport.rank() == 1) sleep_for(2);
  std::vector<float> values(1'000'000);
  transport.all_reduce(values);
  return "nobody is late";
}

std::string give_up(Transport& transport) {
  if (transport.rank() == 1) transport.abort("the disk is full");
  std::vector<float> values(1'000'000);
  transport.all_reduce(values);
  return "nobody gave up";
}

/// While it waits in an operation itself.
std::string give_up_from_a_thread(Transport& transport) {
  transport.barrier();
  if (transport.rank() == 1) sleep_for(1);
  std::jthread other([&] {
    sleep_for(0.2);
    if (transport.rank() == 0) transport.abort("a signal came");
  });
  transport.barrier();
  return "nobody gave up";
}

std::string result_of(const std::string& scenario, Transport& transport) {
  if (scenario == "bits") return compare_bits(transport, results_of);
  if (scenario == "overlap") return compare_bits(transport, overlapped_training);
  if (scenario == "late") return wait_for_a_slow_one(transport);
  if (scenario == "abort") return give_up(transport);
  if (scenario == "thread") return give_up_from_a_thread(transport);
  return "no such scenario";
}

void run(const std::string& scenario, const std::filesystem::path& folder) {
  MessageTransport transport(connect_by_mpi());
  std::string result;
  try {
    result = result_of(scenario, transport);
  } catch (const Error& error) {
    result = std::string(name(error.code())) + ": " + error.what();
  }
  const std::string own = std::to_string(transport.rank());
  std::ofstream(folder / (own + ".part")) << result;
  std::filesystem::rename(folder / (own + ".part"), folder / own);
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (uint32_t other = 0; other < transport.size(); ++other) {
    while (!std::filesystem::exists(folder / std::to_string(other)) && std::chrono::steady_clock::now() < end) {
      sleep_for(0.01);
    }
  }
}

}  // namespace
}  // namespace coppice

int main(int, char** values) {
  coppice::run(values[1], values[2]);
}
