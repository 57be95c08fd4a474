// SPDX-License-Identifier: Apache-2.0
//
// Trainings of several processes, of which some are killed or stopped. The workers are surviving_worker.cpp.
#include "coppice/dist/surviving_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <xxhash.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/dist/checkpoint.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/launcher.h"
#include "coppice/dist/softmax_learner.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// What a worker says it came to, by names: "model" -> "123".
struct Result {
  std::string text;
  std::map<std::string, std::string> values;
  bool finished() const { return text.starts_with("finished"); }
  double number(const std::string& name) const { return std::stod(values.at(name)); }
};

class Surviving : public ::testing::Test {
 protected:
  Surviving() { std::filesystem::create_directories(folder_ / "checkpoints"); }
  ~Surviving() override { std::filesystem::remove_all(folder_); }

  /// Four workers, or as many as said; `arguments` as the worker takes them. Its exit code.
  int run(const std::vector<std::string>& arguments, LaunchOptions options = {4, 5, 0, 1}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      if (entry.is_regular_file()) std::filesystem::remove(entry);
    }
    std::vector<std::string> command{COPPICE_TEST_SURVIVING_WORKER, "out=" + folder_.string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return launch_workers(command, options, progress_).code;
  }

  std::string text_of(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Result result_of(uint32_t worker, int start = 0) const {
    Result result{text_of(std::to_string(worker) + "." + std::to_string(start)), {}};
    std::istringstream words(result.text);
    std::string name, value;
    words >> name;
    while (words >> name >> value) result.values[name] = value;
    return result;
  }

  /// These have finished with one model that has learned.
  void expect_finished(const std::vector<uint32_t>& workers, double lost, double joined = 0) {
    for (const uint32_t worker : workers) {
      const Result result = result_of(worker);
      ASSERT_TRUE(result.finished()) << worker << ": " << result.text;
      EXPECT_EQ(result.values.at("model"), result_of(workers[0]).values.at("model"));
      EXPECT_LT(result.number("error"), 0.35);
      EXPECT_EQ(result.number("lost"), lost) << worker;
      EXPECT_EQ(result.number("joined"), joined) << worker;
      EXPECT_EQ(result.number("first"), worker == workers[0]);
    }
  }

  std::string checkpoints() const { return "checkpoints=" + (folder_ / "checkpoints").string(); }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("coppice-surviving-" + std::to_string(::getpid()));
  Progress progress_;
};

TEST_F(Surviving, WithoutLossesTheBitsAreThoseOfOneProcess) {
  Result expected;
  run_workers(4, 2, [&](Transport& transport) {
    testing_learner::Softmax learner;
    HybridOptions options;
    options.group_size = 2, options.block_minibatches = 5;
    options.compression.threshold = 0.5F, options.sgd.learning_rate = 0.05;
    HybridTraining training(transport, learner, testing_learner::kMinibatch, options);
    training.run(25);
    training.finish();
    if (transport.rank() != 0) return;
    const auto model = learner.parameters();
    expected.values["model"] = std::to_string(XXH3_64bits(model.data(), model.size_bytes()));
  });
  EXPECT_EQ(run({"total=100", checkpoints()}), 0);
  expect_finished({0, 1, 2, 3}, 0);
  EXPECT_EQ(result_of(2).values.at("model"), expected.values.at("model"));
  EXPECT_EQ(result_of(2).number("checkpoints"), 5);
}

TEST_F(Surviving, AWorkerKilledAnywhereIsDoneWithout) {
  for (const char* where : {"step:23", "exchange:25", "exchange:23", "block:4", "checkpoint:20"}) {
    std::filesystem::remove_all(folder_ / "checkpoints");
    EXPECT_EQ(run({"total=200", std::string("die=2:") + where, checkpoints()}), 0) << where;
    expect_finished({0, 1, 3}, 1);
    EXPECT_LE(result_of(3).number("rewound"), 5) << where;
  }
}

TEST_F(Surviving, EachStrategySurvives) {
  for (const char* group : {"group=0", "group=1", "group=4"}) {
    EXPECT_EQ(run({"total=200", "die=1:step:23", group, "momentum=0.5"}), 0) << group;
    expect_finished({0, 2, 3}, 1);
  }
}

TEST_F(Surviving, GroupsOfOneDoNotTrainABlockAgain) {
  EXPECT_EQ(run({"total=200", "die=1:step:23", "group=1"}), 0);
  for (const uint32_t worker : {0U, 2U, 3U}) EXPECT_EQ(result_of(worker).number("rewound"), 0) << worker;
}

TEST_F(Surviving, TheFirstWorkerMayBeLostToo) {
  EXPECT_EQ(run({"total=200", "die=0:exchange:23"}), 0);
  expect_finished({1, 2, 3}, 1);
}

TEST_F(Surviving, TwoAtATime) {
  EXPECT_EQ(run({"total=200", "die=0:step:23,3:step:23"}), 0);
  for (const uint32_t worker : {1U, 2U}) EXPECT_TRUE(result_of(worker).finished());
  EXPECT_EQ(result_of(1).values.at("model"), result_of(2).values.at("model"));
  EXPECT_EQ(run({"total=200", "die=0:step:23,1:step:23"}), 0) << "a whole group";
  expect_finished({2, 3}, 2);
}

TEST_F(Surviving, WhereTheOneWhoWritesTheResultIsLostTheNextOneDoes) {
  EXPECT_EQ(run({"total=100", "die=0:conclude:1"}), 0);
  expect_finished({1, 2, 3}, 0);
  EXPECT_NE(run({"total=100", "die=0:conclude:1,1:conclude:1,2:conclude:1,3:conclude:1"}), 0) << "nobody is left";
}

TEST_F(Surviving, WhereAllWhoHadTheResultAreLostThatIsAnErrorAlsoForOneWhoIsStartedAgain) {
  EXPECT_NE(run({"total=100", "die=0:conclude:1,1:conclude:1"}, {2, 5, 5, 1}), 0);
  EXPECT_THAT(result_of(0, 1).text + result_of(1, 1).text, HasSubstr("all workers that had the result are lost"));
}

TEST_F(Surviving, WhereAllAreLostThoseThatAreStartedAgainTrain) {
  EXPECT_EQ(run({"total=100", "die=0:step:23,1:step:23"}, {2, 5, 5, 1}), 0);
  EXPECT_TRUE(result_of(0, 1).finished()) << result_of(0, 1).text;
  EXPECT_EQ(result_of(0, 1).values.at("model"), result_of(1, 1).values.at("model"));
}

TEST_F(Surviving, AWorkerThatIsLostBeforeItComesIsDoneWithout) {
  EXPECT_EQ(run({"total=100", "group=1", "die=1:begin:1"}, {3, 5, 0, 2}), 0);
  for (const uint32_t worker : {0U, 2U}) EXPECT_TRUE(result_of(worker).finished()) << result_of(worker).text;
}

TEST_F(Surviving, WorkersOfWhichOneAloneIsToResumeAreRefused) {
  EXPECT_NE(run({"total=100", checkpoints(), "resume_one=1"}), 0);
  for (const uint32_t worker : {0U, 1U, 2U, 3U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("worker 1 has resume 0, worker 0 has resume 1"));
  }
}

TEST_F(Surviving, OneAfterTheOtherUntilOneIsLeft) {
  EXPECT_EQ(run({"total=120", "die=0:step:8,2:step:13,3:step:17"}), 0);
  expect_finished({1}, 3);
}

TEST_F(Surviving, AWorkerThatIsStartedAgainJoins) {
  EXPECT_EQ(run({"total=600", "die=2:step:23"}, {4, 5, 1, 1}), 0);
  expect_finished({0, 1, 3}, 1, 1);
  EXPECT_TRUE(result_of(2, 1).finished()) << result_of(2, 1).text;
  EXPECT_EQ(result_of(2, 1).values.at("model"), result_of(0).values.at("model"));
}

/// Whether a signal has stopped a process of this number.
bool is_stopped(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string stat((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat.substr(name_end + 2, 1) == "T";
}

TEST_F(Surviving, AWorkerThatHangsIsLeftBehindAndJoinsAgain) {
  // However late it hangs, it does so for some seconds.
  std::jthread wake([&](const std::stop_token& stop) {
    auto begin = std::chrono::steady_clock::now();
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const std::string process = text_of("2.0.pid");
      const auto now = std::chrono::steady_clock::now();
      if (process.empty() || !is_stopped(std::stoi(process))) begin = now;
      if (now - begin < std::chrono::milliseconds(2500)) continue;
      ::kill(std::stoi(process), SIGCONT);
      return;
    }
  });
  EXPECT_EQ(run({"total=4000", "die=2:stop:23", "block=20", "phi=8"}), 0);
  for (const uint32_t worker : {0U, 1U, 3U}) {
    ASSERT_TRUE(result_of(worker).finished()) << result_of(worker).text;
    EXPECT_GE(result_of(worker).number("lost"), 1);
    EXPECT_GE(result_of(worker).number("joined"), 1);
  }
  EXPECT_TRUE(result_of(2).finished()) << result_of(2).text;
  EXPECT_EQ(result_of(2).values.at("model"), result_of(0).values.at("model"));
}

TEST_F(Surviving, BelowMinWorkersItEndsAndLeavesACheckpoint) {
  EXPECT_NE(run({"total=200", "die=2:step:23,3:step:23", "min_workers=3", checkpoints(), "every=1000"}), 0);
  for (const uint32_t worker : {0U, 1U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("2 are left, fewer than min_workers, 3"));
  }
  EXPECT_EQ(run({"total=200", checkpoints(), "resume=1"}), 0);
  expect_finished({0, 1, 2, 3}, 0);
  EXPECT_EQ(result_of(0).number("steps"), 50) << "of all, those before the checkpoint too";
}

TEST_F(Surviving, AFullDiskEndsAllWithItsReasonAndTheEarlierCheckpointIsGoneOnFrom) {
  EXPECT_EQ(run({"total=200"}), 0);
  const std::string undisturbed = result_of(0).values.at("model");
  EXPECT_NE(run({"total=200", "die=1:full:23", checkpoints()}, {4, 20, 0, 1}), 0);
  for (const uint32_t worker : {0U, 1U, 2U, 3U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("worker-1-step-25.checkpoint: cannot write the file")) << worker;
  }
  EXPECT_EQ(CheckpointFolder((folder_ / "checkpoints").string(), 1).steps()[0], 20u);
  EXPECT_EQ(run({"total=200", checkpoints(), "resume=1"}), 0);
  expect_finished({0, 1, 2, 3}, 0);
  EXPECT_EQ(result_of(0).values.at("model"), undisturbed);
}

TEST_F(Surviving, AnErrorThatIsNotOursEndsAllWithItsFirstLine) {
  EXPECT_NE(run({"total=200", "die=1:throw:3"}, {4, 20, 0, 1}), 0);
  for (const uint32_t worker : {0U, 2U, 3U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("another worker gave up: worker 1: no error of ours\n")) << worker;
  }
}

TEST_F(Surviving, WhereItStoppedItGoesOnWithTheSameBits) {
  EXPECT_EQ(run({"total=200", "momentum=0.5"}), 0);
  const std::string whole = result_of(0).values.at("model");
  EXPECT_EQ(run({"total=100", "momentum=0.5", checkpoints()}), 0);
  EXPECT_EQ(run({"total=200", "momentum=0.5", checkpoints(), "resume=1"}), 0);
  EXPECT_EQ(result_of(3).values.at("model"), whole);
}

TEST_F(Surviving, ATrainingThatIsShorterThanItsCheckpointIsRefused) {
  EXPECT_EQ(run({"total=200", checkpoints()}), 0);
  EXPECT_NE(run({"total=100", checkpoints(), "resume=1"}), 0);
  for (const uint32_t worker : {0U, 3U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("beyond the end of this training, 100")) << worker;
  }
  EXPECT_EQ(run({"total=200", checkpoints(), "resume=1"}), 0) << "one that has ended may be asked for its model";
  expect_finished({0, 1, 2, 3}, 0);
}

TEST_F(Surviving, OneThatHasEndedIsNotRefusedWhereItsLastStepWasOfMoreWorkers) {
  EXPECT_EQ(run({"total=201", "group=1", "die=2:step:51", checkpoints()}, {4, 20, 0, 1}), 0);
  EXPECT_EQ(run({"total=201", "group=1", checkpoints(), "resume=1"}), 0) << result_of(0).text;
  EXPECT_EQ(run({"total=201", "group=1", checkpoints(), "resume=1"}, {3, 20, 0, 1}), 0) << result_of(0).text;
}

TEST_F(Surviving, AWorkerThatHangsForGoodIsEndedOnceTheOthersAreDone) {
  EXPECT_EQ(run({"total=200", "die=2:stop:23", "phi=8"}, {4, 0.5, 0, 1}), 0);
  expect_finished({0, 1, 3}, 1);
  EXPECT_EQ(result_of(2).text, "");
}

TEST_F(Surviving, MoreWorkersThanThereAreCannotBeNeeded) {
  EXPECT_NE(run({"total=200", "min_workers=5"}), 0);
  EXPECT_THAT(result_of(0).text, HasSubstr("min_workers is 5, and there are 4 workers"));
}

TEST_F(Surviving, WorkersThatDifferAreRefusedOnAll) {
  EXPECT_EQ(run({"total=100", "momentum=0.5", checkpoints()}), 0);
  EXPECT_NE(run({"total=200", "momentum=0.25", checkpoints(), "resume=1"}), 0);
  for (const uint32_t worker : {0U, 1U, 2U, 3U}) {
    EXPECT_THAT(result_of(worker).text, HasSubstr("has 'momentum 0.5', this training has 'momentum 0.25'"));
  }
}

}  // namespace
}  // namespace coppice
