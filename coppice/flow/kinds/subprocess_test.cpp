// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/subprocess.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

ErrorCode failure(const ProgramCall& call) {
  try {
    (void)run_program(call);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Subprocess, GivesInputAndTakesOutputOfAnySize) {
  ProgramCall call;
  call.command = {"cat"};
  call.input = std::string(3'000'000, 'x') + "end";
  EXPECT_EQ(run_program(call).output, call.input);
}

TEST(Subprocess, ArgumentsAreNotReadByAShell) {
  ProgramCall call;
  call.command = {"printf", "%s", "$(id); `id` && rm -rf \"x\""};
  EXPECT_EQ(run_program(call).output, call.command[2]);
}

TEST(Subprocess, TellsHowItEnded) {
  ProgramCall call;
  call.command = {"sh", "-c", "echo told >&2; exit 3"};
  const ProgramResult result = run_program(call);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.messages, "told\n");
  call.command = {"sh", "-c", "kill -9 $$"};
  EXPECT_EQ(run_program(call).exit_code, 137);
}

TEST(Subprocess, ReadsNoInputAndLeavesALargeOneUnread) {
  ProgramCall call;
  call.command = {"true"};
  call.input = std::string(1'000'000, 'x');
  EXPECT_EQ(run_program(call).exit_code, 0);
}

TEST(Subprocess, HasTheEnvironmentAndTheFolderThatItIsGiven) {
  ProgramCall call;
  call.command = {"sh", "-c", "echo $COPPICE_TEST_NAME; pwd"};
  call.environment = {{"COPPICE_TEST_NAME", "value of it"}};
  call.folder = "/";
  EXPECT_EQ(run_program(call).output, "value of it\n/\n");
}

TEST(Subprocess, OneThatCannotBeStartedIsAnError) {
  ProgramCall call;
  call.command = {"/no/such/program"};
  EXPECT_EQ(failure(call), ErrorCode::io);
  call.command = {"true"};
  call.folder = "/no/such/folder";
  EXPECT_EQ(failure(call), ErrorCode::io);
}

TEST(Subprocess, IsEndedWithItsChildrenPastItsDeadline) {
  ProgramCall call;
  call.command = {"sh", "-c", "sleep 100 & sleep 100"};
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(failure(call), ErrorCode::timeout);
}

TEST(Subprocess, IsEndedOnRequestAndWhenItWritesTooMuch) {
  ProgramCall call;
  call.command = {"sleep", "100"};
  call.is_cancelled = [] { return true; };
  EXPECT_EQ(failure(call), ErrorCode::cancelled);
  ProgramCall loud;
  loud.command = {"yes"};
  loud.max_output_bytes = 10'000;
  EXPECT_EQ(failure(loud), ErrorCode::data);
}

}  // namespace
}  // namespace coppice
