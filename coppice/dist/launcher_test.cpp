// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// Whoever should take note of its end may not be there.
bool is_zombie(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return text.find(") Z") != std::string::npos;
}

class Launch : public ::testing::Test {
 protected:
  Launch() { std::filesystem::create_directories(folder_); }
  ~Launch() override { std::filesystem::remove_all(folder_); }

  int run(const std::string& script, uint32_t n_workers, double grace_seconds = 5) {
    return run(script, LaunchOptions{n_workers, grace_seconds, 0, 0});
  }
  int run(const std::string& script, const LaunchOptions& options) {
    return launch_workers({"sh", "-c", "cd " + folder_.string() + "; " + script}, options, progress_).code;
  }
  std::string text(const std::string& name) const {
    std::ifstream file(folder_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has(const std::string& name) const { return std::filesystem::exists(folder_ / name); }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("coppice-launch-" + std::to_string(::getpid()));
  Progress progress_;
};

TEST_F(Launch, EachWorkerKnowsItsNumberAndTheStore) {
  EXPECT_EQ(run("echo $WORLD_SIZE $LOCAL_RANK $COPPICE_STORE $COPPICE_JOB $COPPICE_ADDRESS > said$RANK", 3), 0);
  for (const char* worker : {"0", "1", "2"}) {
    EXPECT_THAT(text(std::string("said") + worker), HasSubstr(std::string("3 ") + worker + " 127.0.0.1:"));
    EXPECT_THAT(text(std::string("said") + worker), HasSubstr("launch-" + std::to_string(::getpid()) + " 127.0.0.1"));
  }
}

TEST_F(Launch, WhenOneFailsTheOthersEndAndItsCodeIsReturned) {
  EXPECT_EQ(run("trap 'echo > ended$RANK; exit 0' TERM; echo > ready$RANK;"
                "if [ $RANK = 1 ]; then while [ ! -e ready0 ] || [ ! -e ready2 ]; do sleep 0.01; done; exit 7; fi;"
                "while :; do sleep 0.01; done",
                3),
            7);
  EXPECT_TRUE(has("ended0"));
  EXPECT_TRUE(has("ended2"));
}

TEST_F(Launch, AWorkerThatIsKilledCountsAsFailed) {
  EXPECT_EQ(run("[ $RANK = 0 ] && kill -9 $$; exec sleep 60", 2), 128 + 9);
}

TEST_F(Launch, AWorkerThatIsKilledIsStartedAgainAndKnowsIt) {
  EXPECT_EQ(run("echo x >> started$RANK; echo $COPPICE_JOB_START > start$RANK;"
                "[ $RANK = 1 ] && [ $(wc -l < started1) -lt 3 ] && kill -9 $$;"
                "while [ ! -e start1 ] || [ $(cat start1) != 2 ]; do sleep 0.01; done",
                {3, 5, 2, 0}),
            0);
  EXPECT_EQ(text("started1"), "x\nx\nx\n");
  EXPECT_EQ(text("start1"), "2\n");
  EXPECT_EQ(text("started0"), "x\n");
  EXPECT_EQ(run("[ $RANK = 0 ] && kill -9 $$; exec sleep 60", {2, 5, 2, 0}), 128 + 9) << "not for ever";
}

TEST_F(Launch, OneThatFailsByItselfIsNotStartedAgain) {
  EXPECT_EQ(run("echo x >> started$RANK; [ $RANK = 0 ] && exit 3; exec sleep 60", {2, 5, 5, 1}), 3);
  EXPECT_EQ(text("started0"), "x\n");
}

TEST_F(Launch, TheOthersGoOnWhileEnoughAreLeft) {
  const std::string script = "[ $RANK -gt 0 ] && kill -9 $$; sleep 0.2; echo > done$RANK";
  EXPECT_EQ(run(script, {3, 5, 0, 1}), 0);
  EXPECT_TRUE(has("done0"));
  EXPECT_EQ(run(script, {3, 5, 0, 2}), 128 + 9);
}

TEST_F(Launch, WhoDoesNotEndWhenAskedIsKilled) {
  EXPECT_EQ(run("[ $RANK = 0 ] && exit 3; trap '' TERM; while :; do sleep 0.05; done", 2, 0.2), 3);
}

TEST_F(Launch, WhatAWorkerHasStartedEndsWithIt) {
  EXPECT_EQ(run("if [ $RANK = 1 ]; then while [ ! -e child ]; do sleep 0.01; done; exit 3; fi;"
                "(trap 'echo > ended; exit 0' TERM; echo > child; while :; do sleep 0.01; done); true",
                2),
            3);
  for (int i = 0; i < 200 && !has("ended"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(has("ended"));
}

TEST_F(Launch, WhatAWorkerHasStartedIsKilledWhereItDoesNotEnd) {
  EXPECT_EQ(run("if [ $RANK = 1 ]; then while [ ! -e pid ]; do sleep 0.01; done; exit 7; fi;"
                "sh -c 'trap \"\" TERM; echo $$ > pid; while :; do sleep 0.05; done' & sleep 60",
                2, 0.3),
            7);
  const pid_t child = std::stoi(text("pid"));
  const auto is_there = [&] { return ::kill(child, 0) == 0 && !is_zombie(child); };
  for (int i = 0; i < 500 && is_there(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(is_there());
}

/// One that still works has not been done without.
TEST_F(Launch, WhatFollowsTheTrainingIsNotCutShort) {
  EXPECT_EQ(run("if [ $RANK = 1 ]; then sleep 1; echo > done; fi", 2, 0.1), 0);
  EXPECT_TRUE(has("done"));
}

TEST_F(Launch, StopsWhenItIsAskedTo) {
  std::jthread stop([&] {
    while (!has("started")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    progress_.request_stop();
  });
  try {
    run("echo > started; exec sleep 60", 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::cancelled);
  }
}

TEST_F(Launch, AProgramThatIsNotThereIsNamed) {
  try {
    launch_workers({"/no/such/program"}, {2, 1}, progress_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_THAT(error.message(), HasSubstr("/no/such/program"));
  }
}

}  // namespace
}  // namespace coppice
