// SPDX-License-Identifier: Apache-2.0
//
// For tests: one worker of a training, a process of its own, that is killed or stopped where the test wants it.
//   surviving_worker total=600 group=2 pause_ms=1 out=FOLDER checkpoints=FOLDER die=WORKER:WHERE:NUMBER
// WHERE: step, exchange, block, throw (at a block), checkpoint (the kernel kills it while it writes), full (its disk
// is), stop. What it comes to stands in FOLDER/WORKER.START.
#include <sys/resource.h>
#include <unistd.h>
#include <xxhash.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/dist/softmax_learner.h"
#include "coppice/dist/surviving_training.h"

namespace coppice {
namespace {

using Arguments = std::map<std::string, std::string>;

/// As the tests' learner, and slow.
class SlowSoftmax final : public Learner {
 public:
  explicit SlowSoftmax(int pause_ms) : pause_(pause_ms) {}
  std::span<float> parameters() noexcept override { return inner_.parameters(); }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    std::this_thread::sleep_for(pause_);
    return inner_.compute_gradient(minibatch, gradient);
  }
  double error_rate() { return inner_.error_rate(); }

 private:
  std::chrono::milliseconds pause_;
  testing_learner::Softmax inner_;
};

/// Does to this process what the test wants.
class Fault final : public HybridObserver {
 public:
  Fault(const std::string& wanted, const WorkerEnvironment& environment) {
    std::istringstream text(wanted);
    for (std::string one; std::getline(text, one, ',');) {
      std::istringstream parts(one);
      std::string worker, number;
      Place place;
      std::getline(parts, worker, ':'), std::getline(parts, place.where, ':'), std::getline(parts, number, ':');
      place.number = std::stoull(number);
      if (std::stoul(worker) == environment.worker && environment.start == 0) places_.push_back(place);
    }
  }

  void begin_step() noexcept override {
    ++steps_;
    strike("step", steps_, SIGKILL);
    strike("stop", steps_, SIGSTOP);
    for (const Place& place : places_) {
      if (place.number != steps_ || (place.where != "checkpoint" && place.where != "full")) continue;
      if (place.where == "full") std::signal(SIGXFSZ, SIG_IGN);
      const rlimit low{300, RLIM_INFINITY};
      setrlimit(RLIMIT_FSIZE, &low);
    }
  }
  void end_step() noexcept override { strike("exchange", steps_, SIGKILL); }
  void begin_block(const HybridState&, std::span<const std::string>) override {
    strike("block", ++blocks_, SIGKILL);
    for (const Place& place : places_) {
      if (place.where == "throw" && place.number == blocks_) throw std::runtime_error("no error of ours\nmore of it");
    }
  }
  void begin() const noexcept { strike("begin", 1, SIGKILL); }
  void conclude() const noexcept { strike("conclude", 1, SIGKILL); }

 private:
  struct Place {
    std::string where;
    uint64_t number = 0;
  };
  void strike(const char* where, uint64_t number, int signal) const noexcept {
    for (const Place& place : places_) {
      if (place.where == where && place.number == number) std::raise(signal);
    }
  }

  std::vector<Place> places_;
  uint64_t steps_ = 0, blocks_ = 0;
};

std::string number_or(const Arguments& arguments, const std::string& name, const std::string& otherwise) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? otherwise : found->second;
}

/// Tells of losses on standard error.
class Said final : public Progress {
 public:
  explicit Said(uint32_t worker) : worker_(worker) {}
  void note(std::string_view text) override {
    std::fprintf(stderr, "worker %u: %.*s\n", worker_, static_cast<int>(text.size()), text.data());
  }

 private:
  uint32_t worker_;
};

std::string train(const Arguments& arguments, const WorkerEnvironment& environment) {
  const auto number = [&](const char* name, const char* otherwise) {
    return std::stod(number_or(arguments, name, otherwise));
  };
  SlowSoftmax learner(static_cast<int>(number("pause_ms", "1")));
  Fault fault(number_or(arguments, "die", ""), environment);
  HybridOptions options;
  options.group_size = static_cast<uint32_t>(number("group", "2"));
  options.block_minibatches = static_cast<uint32_t>(number("block", "5"));
  options.compression.threshold = static_cast<float>(number("threshold", "0.5"));
  options.sgd.learning_rate = 0.05;
  options.sgd.momentum = number("momentum", "0");
  SurvivalOptions survival;
  survival.min_workers = static_cast<uint32_t>(number("min_workers", "1"));
  survival.beat_seconds = number("beat", "0.05");
  survival.detector.phi = number("phi", "30");
  survival.regroup_seconds = 20;
  survival.checkpoint.folder = number_or(arguments, "checkpoints", "");
  survival.checkpoint.every_blocks = static_cast<uint32_t>(number("every", "1"));
  survival.checkpoint.resumes = number("resume", "0") > 0 || (number("resume_one", "0") > 0 && environment.worker == 0);
  ConnectOptions connect;
  connect.address = "127.0.0.1";
  connect.connect_seconds = 20, connect.time_limit = 30;
  fault.begin();
  Said progress(environment.worker);
  SurvivingTraining training(environment, connect, survival,
                             {{learner, testing_learner::kMinibatch, options, &fault}, "points\n", "", progress});
  const TrainingEnd end = training.run(static_cast<uint64_t>(number("total", "400")));
  const bool wrote = end == TrainingEnd::finished && training.conclude([&] { fault.conclude(); });
  const uint64_t hash = XXH3_64bits(learner.parameters().data(), learner.parameters().size_bytes());
  const SurvivalReport& report = training.survival();
  std::ostringstream result;
  result << (end == TrainingEnd::finished ? "finished" : "without") << " model " << hash << " error "
         << learner.error_rate() << " steps " << training.report().steps << " generations " << report.generations
         << " lost " << report.n_lost << " joined " << report.n_joined << " rewound " << report.n_rewound
         << " checkpoints " << report.n_checkpoints << " first " << wrote << " regroup_seconds "
         << report.regroup_seconds << "\n";
  return result.str();
}

int run(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    if (equals != std::string::npos) arguments[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  const WorkerEnvironment environment = worker_environment().value();
  const std::string path = number_or(arguments, "out", ".") + "/" + std::to_string(environment.worker) + "." +
                           std::to_string(environment.start);
  std::ofstream(path + ".pid") << ::getpid() << "\n";
  std::string result;
  int code = 0;
  try {
    result = train(arguments, environment);
  } catch (const Error& error) {
    result = "error " + error.message() + "\n";
    code = exit_code(error.code());
  } catch (const std::exception& error) {
    result = std::string("error ") + error.what() + "\n";
    code = 1;
  }
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &unlimited);
  std::ofstream(path) << result;
  return code;
}

}  // namespace
}  // namespace coppice

int main(int argc, char** argv) {
  std::signal(SIGTERM, SIG_IGN);  // the launcher's, when another one has failed: this one ends by itself and says why
  return coppice::run(argc, argv);
}
