// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/worker_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using Variables = std::map<std::string, std::string>;

std::optional<WorkerEnvironment> of(const Variables& variables) {
  return worker_environment([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string refusal(const Variables& variables) {
  try {
    of(variables);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage);
    return error.message();
  }
  return "";
}

TEST(WorkerEnvironment, TheLaunchersNameOfARunIsThatOfTheJob) {
  const Variables mpi{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"PMIX_NAMESPACE", "77"}};
  EXPECT_EQ(of(mpi)->job, "mpi-77");
  Variables named = mpi;
  named["COPPICE_JOB"] = "own";
  EXPECT_EQ(of(named)->job, "own");
}

TEST(WorkerEnvironment, EachLauncherIsUnderstood) {
  for (const auto& [launcher, variables] :
       {std::pair{"torchrun", Variables{{"RANK", "3"}, {"WORLD_SIZE", "8"}}},
        {"mpirun", {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}}},
        {"mpirun", {{"PMI_RANK", "3"}, {"PMI_SIZE", "8"}}},
        {"srun", {{"SLURM_PROCID", "3"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_NTASKS", "16"}}}}) {
    const auto environment = of(variables);
    ASSERT_TRUE(environment) << launcher;
    EXPECT_EQ(environment->launcher, launcher);
    EXPECT_EQ(environment->worker, 3u);
    EXPECT_EQ(environment->n_workers, 8u);
    EXPECT_EQ(environment->store_host, "");
  }
}

TEST(WorkerEnvironment, OfLaunchersThatBindNobodyToCoresItIsKnownHowManyShareAMachine) {
  Variables torch{{"RANK", "3"},
                  {"WORLD_SIZE", "8"},
                  {"LOCAL_WORLD_SIZE", "4"},
                  {"TORCHELASTIC_RUN_ID", "x"},
                  {"TORCHELASTIC_RESTART_COUNT", "2"}};
  EXPECT_EQ(of(torch)->n_local, 4u);
  EXPECT_EQ(of(torch)->job, "torchrun-x.2") << "who is started again meets the others at another place";
  torch.insert({{"SLURM_JOB_ID", "9"}, {"SLURM_STEP_ID", "1"}, {"SLURM_PROCID", "0"}});
  EXPECT_EQ(of(torch)->job, "torchrun-x.2") << "also where Slurm has started torchrun";
  EXPECT_EQ(of({{"PMI_RANK", "3"}, {"PMI_SIZE", "8"}, {"LOCAL_WORLD_SIZE", "4"}})->n_local, 1u);
  torch["LOCAL_WORLD_SIZE"] = "many";
  EXPECT_THAT(refusal(torch), HasSubstr("LOCAL_WORLD_SIZE"));
}

TEST(WorkerEnvironment, WithoutALauncherThereIsNone) {
  EXPECT_FALSE(of({}));
  EXPECT_FALSE(of({{"RANK", "1"}})) << "of how many?";
  EXPECT_FALSE(of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})) << "a script is one process, whatever the job has";
}

TEST(WorkerEnvironment, TheStoreAndTheJobAreRead) {
  const Variables worker{{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  Variables more = worker;
  more["COPPICE_STORE"] = "node-1:29500";
  more["COPPICE_JOB"] = "tuesday";
  EXPECT_EQ(of(more)->store_host, "node-1");
  EXPECT_EQ(of(more)->store_port, 29500);
  EXPECT_EQ(of(more)->job, "tuesday");
  more["COPPICE_STORE"] = "::1:80";
  EXPECT_EQ(of(more)->store_host, "::1");
  EXPECT_EQ(
      of({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "1"}})->job,
      "slurm-77.1");
  // Slurm may have started mpirun; ranks of other machines would have a step, those of this one none.
  Variables mpi{{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"SLURM_JOB_ID", "77"}};
  EXPECT_EQ(of(mpi)->job, "slurm-77");
  mpi.insert({{"PMIX_NAMESPACE", "5"}, {"SLURM_STEP_ID", "1"}});
  EXPECT_EQ(of(mpi)->job, "mpi-5");
}

TEST(WorkerEnvironment, WhatCannotBeIsAnError) {
  EXPECT_THAT(refusal({{"RANK", "x"}, {"WORLD_SIZE", "2"}}), HasSubstr("the variable RANK is 'x'"));
  EXPECT_THAT(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), HasSubstr("below that of the workers"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "-1"}}), HasSubstr("WORLD_SIZE is '-1'"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"COPPICE_STORE", "node"}}),
              HasSubstr("expected host:port"));
  EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"COPPICE_STORE", "node:99999"}}), HasSubstr("up to 65535"));
}

}  // namespace
}  // namespace coppice
