// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/background_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "coppice/core/error.h"
#include "coppice/dist/in_process.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr uint32_t kWorkers = 3;
const std::vector<uint32_t> all_ranks = {0, 1, 2};

float sum_of(Transport& transport, float own) {
  std::vector<float> values{own};
  transport.all_reduce(values);
  return values[0];
}

TEST(BackgroundWork, PiecesAreDoneInOrderWhileTheWorkerTalksToOthersItself) {
  for (const size_t cores : {1, 8}) {
    run_workers(kWorkers, cores, [](Transport& transport) {
      const auto beside = transport.subgroup(all_ranks);
      std::vector<float> sums;
      BackgroundWork work(transport, "worker");
      for (int i = 0; i < 3; ++i) {
        work.add([&, i] { sums.push_back(sum_of(*beside, static_cast<float>(i))); });
        EXPECT_EQ(sum_of(transport, 10), 30);
      }
      work.wait_for(3);
      EXPECT_THAT(sums, ElementsAre(0, 3, 6));
    });
  }
}

TEST(BackgroundWork, EndsWithItsLastPiece) {
  std::atomic<int> done = 0;
  run_workers(kWorkers, 1, [&](Transport& transport) {
    const auto beside = transport.subgroup(all_ranks);
    BackgroundWork work(transport, "worker");
    for (int i = 0; i < 4; ++i) {
      work.add([&] {
        sum_of(*beside, 1);
        ++done;
      });
    }
  });
  EXPECT_EQ(done, 12);
}

/// The message of the error that workers end with.
std::string failure_of(const std::function<void(Transport&)>& work) {
  try {
    run_workers(kWorkers, 2, work);
  } catch (const Error& error) {
    return error.message();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

TEST(BackgroundWork, WhatAPieceThrowsEndsAllWorkersAndReachesTheirThreads) {
  std::atomic<int> told = 0;
  const std::string failure = failure_of([&](Transport& transport) {
    const auto beside = transport.subgroup(all_ranks);
    BackgroundWork work(transport, "worker " + std::to_string(transport.rank()));
    work.add([&] {
      if (transport.rank() == 1) throw Error(ErrorCode::internal, "the models differ");
      sum_of(*beside, 1);
    });
    work.add([&] { sum_of(*beside, 1); });
    try {
      work.wait_for(2);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(transport.rank() == 1 ? "the models differ" : "worker 1: the models differ"));
      EXPECT_THROW(work.expect_going_on(), Error);
      if (transport.rank() == 1) {
        EXPECT_THROW(work.throw_reason(), Error);
      } else {
        EXPECT_NO_THROW(work.throw_reason());
      }
      ++told;
      throw;
    }
  });
  EXPECT_EQ(told, 3);
  EXPECT_THAT(failure, HasSubstr("the models differ"));
}

TEST(BackgroundWork, AWorkerThatEndsByAnErrorLeavesNobodyWaiting) {
  const std::string failure = failure_of([&](Transport& transport) {
    const auto beside = transport.subgroup(all_ranks);
    BackgroundWork work(transport, "worker " + std::to_string(transport.rank()));
    if (transport.rank() < 2) work.wait_for(work.add([&] { sum_of(*beside, 1); }));
    throw std::runtime_error("no Error of ours");
  });
  EXPECT_THAT(failure, HasSubstr("no Error of ours"));
}

}  // namespace
}  // namespace coppice
