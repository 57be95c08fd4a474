// SPDX-License-Identifier: Apache-2.0
// coppice_bench_faults: a training of several processes that someone else kills (faults.py), and what it came to; or
// signs of life as busy processes see them, for the failure detector. It starts itself again for each worker.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/flags.h"
#include "bench/intent_learner.h"
#include "coppice/core/error.h"
#include "coppice/dist/launcher.h"
#include "coppice/dist/store.h"
#include "coppice/dist/surviving_training.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

enum class Stage : uint8_t { train, beats };

struct Arguments {
  Stage stage = Stage::train;
  std::string data, notes;
  LaunchOptions launch{8, 5, 0, 1};
  uint32_t epochs = 10;
  uint32_t minibatch = 16;
  double seconds = 30;
  uint64_t seed = 1;
  HybridOptions hybrid;
  SurvivalOptions survival;
  ConnectOptions connect;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("stage", arguments.stage, {{Stage::train, "train"}, {Stage::beats, "beats"}}, "What the workers do.");
  table.add("data", arguments.data, "A folder with trn.tsv and tst.tsv: a row `intent<TAB>text` each.");
  table.add("notes", arguments.notes, "A folder for what each worker has to say: WORKER.START.pid and .json.");
  table.add("workers", arguments.launch.n_workers, 1, 256, "Processes.");
  table.add("restarts", arguments.launch.restarts, 0, 1000, "As of coppice dist launch.");
  table.add("epochs", arguments.epochs, 1, 10000, "Over the training rows, by all workers together.");
  table.add("minibatch", arguments.minibatch, 1, 10000, "Rows of a worker's minibatch.");
  table.add("seed", arguments.seed, 0, ~uint64_t{0} >> 1, "Of the first parameters and of the order of rows.");
  table.add("seconds", arguments.seconds, 1, 3600, "That signs of life are listened to.");
}

/// How long this worker did no step, at most.
class PauseWatch final : public HybridObserver {
 public:
  void end_step() noexcept override {
    const Clock::time_point now = Clock::now();
    longest_ = std::max(longest_, std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }
  void begin_step() noexcept override {
    if (last_ == Clock::time_point()) last_ = Clock::now();
  }
  double longest_seconds() const noexcept { return longest_; }

 private:
  Clock::time_point last_;
  double longest_ = 0;
};

std::string note_path(const Arguments& arguments, const WorkerEnvironment& environment, const char* suffix) {
  return arguments.notes + "/" + std::to_string(environment.worker) + "." + std::to_string(environment.start) + suffix;
}

void write_whole(const std::string& path, const std::string& text) {
  std::ofstream(path + ".partial") << text;
  std::filesystem::rename(path + ".partial", path);
}

ordered_json train(const Arguments& arguments, const WorkerEnvironment& environment) {
  std::vector<std::string> names;
  const IntentRows rows = read_intents(arguments.data + "/trn.tsv", names);
  const IntentRows test = read_intents(arguments.data + "/tst.tsv", names);
  IntentLearner learner(rows, {static_cast<uint32_t>(names.size()), arguments.minibatch, arguments.seed});
  PauseWatch pauses;
  Progress progress;
  SurvivingTraining training(
      environment, arguments.connect, arguments.survival,
      {{learner, arguments.minibatch, arguments.hybrid, &pauses}, arguments.data + "\n", "", progress});
  write_whole(note_path(arguments, environment, ".pid"), std::to_string(::getpid()));
  const Clock::time_point begin = Clock::now();
  const TrainingEnd end = training.run(arguments.epochs * learner.minibatches_of_epoch());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (end == TrainingEnd::finished) training.conclude([] {});
  const SurvivalReport& survival = training.survival();
  return {{"finished", end == TrainingEnd::finished},
          {"error", learner.error_rate(test)},
          {"loss", training.report().loss},
          {"steps", training.report().steps},
          {"seconds", seconds},
          {"generations", survival.generations},
          {"lost", survival.n_lost},
          {"joined", survival.n_joined},
          {"rewound", survival.n_rewound},
          {"regroup_seconds", survival.regroup_seconds},
          {"bound_seconds", survival.bound_seconds},
          {"checkpoints", survival.n_checkpoints},
          {"checkpoint_seconds", survival.checkpoint_seconds},
          {"longest_pause_seconds", pauses.longest_seconds()}};
}

/// Beats while another thread keeps a core busy, and notes when it saw the others' beats.
ordered_json listen(const Arguments& arguments, const WorkerEnvironment& environment) {
  std::vector<std::string> names;
  const IntentRows rows = read_intents(arguments.data + "/trn.tsv", names);
  std::jthread busy([&](const std::stop_token& stop) {
    IntentLearner learner(rows, {static_cast<uint32_t>(names.size()), arguments.minibatch, arguments.seed});
    std::vector<float> gradient(learner.parameters().size());
    for (uint64_t i = 0; !stop.stop_requested(); ++i) learner.compute_gradient(i, gradient);
  });
  const auto limit = [] { return Clock::now() + std::chrono::seconds(20); };
  StoreClient store(environment.store_host, environment.store_port, limit());
  const std::chrono::duration<double> pause(arguments.survival.beat_seconds);
  std::map<std::string, std::pair<std::string, Clock::time_point>> last;
  std::map<std::string, std::vector<double>> intervals;
  uint64_t beats = 0;
  for (const Clock::time_point begin = Clock::now();
       std::chrono::duration<double>(Clock::now() - begin).count() < arguments.seconds;) {
    store.set("beat/" + std::to_string(environment.worker), std::to_string(++beats), limit());
    for (const auto& [key, value] : store.list("beat/", limit())) {
      const Clock::time_point now = Clock::now();
      const auto found = last.find(key);
      if (found != last.end() && found->second.first == value) continue;
      if (found != last.end()) {
        intervals[key].push_back(std::chrono::duration<double>(now - found->second.second).count());
      }
      last[key] = {value, now};
    }
    std::this_thread::sleep_for(pause);
  }
  intervals.erase("beat/" + std::to_string(environment.worker));
  return {{"intervals", intervals}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  arguments.connect.address = "127.0.0.1";
  arguments.hybrid.group_size = 4;
  OptionTable own, hybrid, survival, connect;
  describe(own, arguments);
  describe(hybrid, arguments.hybrid);
  describe(survival, arguments.survival);
  describe(connect, arguments.connect);
  Flags flags;
  flags.add("bench_", std::move(own));
  flags.add("hybrid_", std::move(hybrid));
  flags.add("survival_", std::move(survival));
  flags.add("connect_", std::move(connect));
  if (!flags.parse(argc, argv)) return;
  const std::optional<WorkerEnvironment> environment = worker_environment();
  if (!environment) {
    Progress progress;
    const std::vector<std::string> command(argv, argv + argc);
    const int code = launch_workers(command, arguments.launch, progress).code;
    if (code != 0) throw Error(ErrorCode::remote, "a worker ended with " + std::to_string(code));
    return;
  }
  const ordered_json result =
      arguments.stage == Stage::train ? train(arguments, *environment) : listen(arguments, *environment);
  write_whole(note_path(arguments, *environment, ".json"), result.dump(1) + "\n");
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
