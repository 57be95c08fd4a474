// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace coppice {
namespace {

TEST(ThreadPool, RunsEachPartOnceForAnyNumberOfThreads) {
  for (const size_t threads : {1u, 2u, 7u}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 20; ++round) {
      std::vector<std::atomic<int>> hits(1000);
      pool.run(hits.size(), [&](size_t part, size_t worker) {
        EXPECT_LT(worker, threads);
        ++hits[part];
      });
      for (const auto& hit : hits) EXPECT_EQ(hit, 1);
    }
  }
}

TEST(ThreadPool, RethrowsAnExceptionAndWorksOn) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.run(100,
                        [](size_t part, size_t) {
                          if (part == 42) throw std::runtime_error("part 42");
                        }),
               std::runtime_error);
  std::atomic<int> sum{0};
  pool.run(10, [&](size_t part, size_t) { sum += static_cast<int>(part); });
  EXPECT_EQ(sum, 45);
}

TEST(ThreadPool, RunsANestedLoopInlineAsTheSameWorker) {
  ThreadPool pool(4);
  std::atomic<int> count{0};
  pool.run(8, [&](size_t, size_t worker) {
    pool.run(5, [&](size_t, size_t inner) {
      EXPECT_EQ(inner, worker);
      ++count;
    });
  });
  EXPECT_EQ(count, 40);
}

TEST(ThreadPool, RangesCoverEverythingWithoutOverlap) {
  ThreadPool pool(2);
  std::vector<std::atomic<int>> hits(1003);
  pool.for_ranges(hits.size(), 100, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) ++hits[i];
  });
  for (const auto& hit : hits) EXPECT_EQ(hit, 1);
}

}  // namespace
}  // namespace coppice
