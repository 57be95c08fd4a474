// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/hybrid_facts.h"
#include "coppice/dist/in_process.h"

namespace coppice {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<float> random_values(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random.uniform());
  return values;
}

std::string facts_with(uint32_t block, uint32_t group_size, size_t n_parameters = 20) {
  HybridOptions options;
  options.block_minibatches = block, options.group_size = group_size;
  return hybrid_facts(options, 8, n_parameters);
}

/// Of one of two workers, at some step.
TrainingCheckpoint example(uint32_t worker, uint64_t steps, size_t n = 20) {
  TrainingCheckpoint checkpoint;
  HybridState& state = checkpoint.state;
  state.next_minibatch = 2 * steps;
  state.parameters = random_values(n, steps);
  state.velocity = random_values(n, 2);
  state.residual = random_values(n, 10 + worker);
  state.part_begin = worker * n / 2;
  state.model = random_values(n / 2, 3), state.delta = random_values(n / 2, 4);
  state.learner = random_values(3, 5);
  state.report.steps = steps, state.report.samples = 77, state.report.loss = 0.5;
  state.report.in_group.bytes_sent = 1234;
  checkpoint.workers = {0, 1};
  checkpoint.facts = facts_with(50, 0, n);
  return checkpoint;
}

void expect_equal(const HybridState& a, const HybridState& b) {
  EXPECT_EQ(a.next_minibatch, b.next_minibatch);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.velocity, b.velocity);
  EXPECT_EQ(a.learner, b.learner);
  EXPECT_EQ(a.residual, b.residual);
  EXPECT_EQ(a.part_begin, b.part_begin);
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.delta, b.delta);
  EXPECT_EQ(std::memcmp(&a.report, &b.report, sizeof a.report), 0);
}

class Checkpoints : public ::testing::Test {
 protected:
  Checkpoints() { std::filesystem::create_directories(folder_); }
  ~Checkpoints() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string bytes_of(const std::string& at) const {
    std::ifstream file(at, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& at, const std::string& bytes) const { std::ofstream(at, std::ios::binary) << bytes; }

  /// What two workers agree on; each has its own folder. The message of what they throw.
  std::string agree(const std::string& facts = example(0, 0).facts, uint32_t n_workers = 2) {
    agreed_.assign(n_workers, {});
    try {
      run_workers(n_workers, 2, [&](Transport& transport) {
        const uint32_t worker = transport.rank();
        agreed_[worker] = agree_on_checkpoint(transport, folder_of(worker), worker, facts);
      });
    } catch (const Error& error) {
      code_ = error.code();
      return error.message();
    }
    return "";
  }
  CheckpointFolder folder_of(uint32_t worker) const {
    return {(folder_ / ("of" + std::to_string(worker))).string(), worker};
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("coppice-checkpoints-" + std::to_string(::getpid()));
  std::vector<AgreedCheckpoint> agreed_;
  ErrorCode code_ = ErrorCode::internal;
};

TEST_F(Checkpoints, WhatIsWrittenIsRead) {
  const TrainingCheckpoint checkpoint = example(1, 50);
  write_checkpoint(path("a"), checkpoint);
  const TrainingCheckpoint read = read_checkpoint(path("a"));
  expect_equal(read.state, checkpoint.state);
  EXPECT_EQ(read.workers, checkpoint.workers);
  EXPECT_EQ(read.facts, checkpoint.facts);
}

TEST_F(Checkpoints, CutOffAtAnyByteItIsRefusedByName) {
  write_checkpoint(path("whole"), example(0, 50, 4));
  const std::string bytes = bytes_of(path("whole"));
  for (size_t n = 0; n < bytes.size(); n += n < 300 ? 1 : 17) {
    write(path("cut"), bytes.substr(0, n));
    try {
      read_checkpoint(path("cut"));
      FAIL() << n;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      EXPECT_EQ(error.where(), path("cut"));
    }
  }
  write(path("cut"), bytes + "x");
  EXPECT_THROW(read_checkpoint(path("cut")), Error);
}

TEST_F(Checkpoints, AFlippedBitAnywhereIsFound) {
  write_checkpoint(path("whole"), example(0, 50, 4));
  const std::string bytes = bytes_of(path("whole"));
  Random random(5);
  for (int trial = 0; trial < 500; ++trial) {
    std::string flipped = bytes;
    const size_t at = trial < 224 ? static_cast<size_t>(trial) : random.below(static_cast<uint32_t>(bytes.size()));
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.below(8)));
    write(path("flipped"), flipped);
    EXPECT_THROW(read_checkpoint(path("flipped")), Error) << at;
  }
}

TEST_F(Checkpoints, TheLastTwoStay) {
  CheckpointFolder folder = folder_of(0);
  for (const uint64_t steps : {50, 100, 150, 200}) folder.save(example(0, steps));
  EXPECT_THAT(folder.steps(), ElementsAre(200u, 150u));
  folder.forget_after(150);
  EXPECT_THAT(folder.steps(), ElementsAre(150u));
}

TEST_F(Checkpoints, WithoutAnyTrainingBegins) {
  EXPECT_EQ(agree(), "");
  for (const AgreedCheckpoint& agreed : agreed_) {
    EXPECT_FALSE(agreed.state);
    EXPECT_THAT(agreed.notes, SizeIs(0));
  }
}

TEST_F(Checkpoints, TheNewestThatIsWholeOnAllIsTakenAndTheOthersAreNamed) {
  for (uint32_t worker = 0; worker < 2; ++worker) {
    for (const uint64_t steps : {50, 100}) folder_of(worker).save(example(worker, steps));
  }
  folder_of(1).save(example(1, 150));  // and worker 0 was killed before it had
  EXPECT_EQ(agree(), "");
  for (uint32_t worker = 0; worker < 2; ++worker) {
    expect_equal(*agreed_[worker].state, example(worker, 100).state);
    EXPECT_THAT(agreed_[worker].notes, ElementsAre(HasSubstr("step 150 is left out: worker 0 has none")));
  }
  const std::string damaged = folder_of(1).path_of(100);
  write(damaged, bytes_of(damaged).substr(0, 500));
  folder_of(0).save(example(0, 50));
  folder_of(1).save(example(1, 50));
  EXPECT_EQ(agree(), "");
  expect_equal(*agreed_[0].state, example(0, 50).state);
  EXPECT_THAT(agreed_[0].notes, ElementsAre(HasSubstr(damaged), HasSubstr("step 150"), HasSubstr("step 100")));
}

TEST_F(Checkpoints, WhereADiskWasLostTheOneThatTheFewestLackIsTaken) {
  for (const uint64_t step : {50, 100}) folder_of(0).save(example(0, step));
  EXPECT_EQ(agree(), "");
  EXPECT_EQ(agreed_[0].state->report.steps, 100u);
  EXPECT_FALSE(agreed_[1].state);
  EXPECT_THAT(agreed_[1].notes,
              ElementsAre(HasSubstr("step 100 is left out: worker 1 has none"), HasSubstr("step 50 is left out"),
                          HasSubstr("the one that the fewest lack is taken, of step 100"),
                          HasSubstr("worker 1 has no file of that checkpoint")));
  // Worker 2 has neither; step 50 is worker 0's and worker 1's.
  folder_of(1).save(example(1, 50));
  EXPECT_EQ(agree(example(0, 0).facts, 3), "");
  EXPECT_EQ(agreed_[0].state->report.steps, 50u);
  EXPECT_TRUE(agreed_[1].state);
}

TEST_F(Checkpoints, OfTwoTrainingsThatWentOnFromOnePointTheWholeOneIsTaken) {
  // Step 100 was lost by worker 0, which went on alone from 50 and came to another model at step 100.
  folder_of(1).save(example(1, 100));
  TrainingCheckpoint alone = example(0, 100);
  alone.workers = {0};
  alone.state.parameters[3] += 1;
  folder_of(0).save(alone);
  EXPECT_EQ(agree(), "");
  expect_equal(*agreed_[0].state, alone.state);
  EXPECT_FALSE(agreed_[1].state);
  EXPECT_THAT(agreed_[0].notes, Contains(HasSubstr("worker 1 is new")));
}

TEST_F(Checkpoints, WhenNoneIsWholeThatIsAnErrorAndNotANewBeginning) {
  folder_of(0).save(example(0, 50));
  write(folder_of(0).path_of(50), "something else");
  EXPECT_THAT(agree(), AllOf(HasSubstr("no checkpoint is whole on any worker"),
                             HasSubstr(folder_of(0).path_of(50) + ": this is no checkpoint")));
  EXPECT_EQ(code_, ErrorCode::data);
}

TEST_F(Checkpoints, OfOtherOptionsOrSizeItIsRefusedByName) {
  for (uint32_t worker = 0; worker < 2; ++worker) folder_of(worker).save(example(worker, 50));
  EXPECT_THAT(agree(facts_with(9, 0)), HasSubstr("has 'block 50', this training has 'block 9'"));
  EXPECT_EQ(code_, ErrorCode::usage);
  EXPECT_THAT(agree(facts_with(50, 0, 21)), HasSubstr("has 'parameters 20', this training has 'parameters 21'"));
}

TEST_F(Checkpoints, AnotherNumberOfWorkersOrGroupsIsAllowedAndItsLossesAreNamed) {
  for (uint32_t worker = 0; worker < 2; ++worker) folder_of(worker).save(example(worker, 50));
  EXPECT_EQ(agree(facts_with(50, 3), 3), "");
  EXPECT_TRUE(agreed_[1].state);
  EXPECT_FALSE(agreed_[2].state);
  EXPECT_THAT(agreed_[0].notes, ElementsAre(HasSubstr("worker 2 is new"), HasSubstr("group_size was 0 and is 3")));
  EXPECT_EQ(agree(example(0, 0).facts, 1), "");
  EXPECT_THAT(agreed_[0].notes, ElementsAre(HasSubstr("worker 1 of the checkpoint is not here")));
}

TEST_F(Checkpoints, AFullDiskLeavesTheEarlierOne) {
  CheckpointFolder folder = folder_of(0);
  folder.save(example(0, 50, 5000));
  // A file may not grow beyond so much: to the program as a full disk.
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit low{20'000, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  std::string message;
  try {
    folder.save(example(0, 100, 5000));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    message = error.message();
  }
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  EXPECT_THAT(message, HasSubstr(folder.path_of(100)));
  EXPECT_THAT(folder.steps(), ElementsAre(50u));
  expect_equal(read_checkpoint(folder.path_of(50)).state, example(0, 50, 5000).state);
  size_t n_files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "of0")) n_files += entry.is_regular_file();
  EXPECT_EQ(n_files, 1u) << "nothing half written is left";
}

}  // namespace
}  // namespace coppice
