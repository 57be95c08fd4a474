// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks_predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"
#include "coppice/dist/in_process.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

/// Predictions that tell of which row they are: row r has r mod 3 labels.
Predictions predictions_of(size_t first_row, size_t n_rows) {
  Predictions part;
  part.top_k = 2;
  for (size_t row = first_row; row < first_row + n_rows; ++row) {
    part.counts.push_back(static_cast<uint32_t>(row % 3));
    part.labels.insert(part.labels.end(), 2, static_cast<uint32_t>(row));
    part.scores.insert(part.scores.end(), 2, static_cast<float>(row) / 2);
  }
  return part;
}

TEST(PredictionTurns, TheFirstWorkerGetsAllBlocksInTheirOrder) {
  constexpr size_t kBlocks = 7, kRows = 10;
  for (const uint32_t n_workers : {1, 2, 3, 8}) {
    std::vector<Predictions> got;
    std::vector<size_t> n_own(n_workers);
    run_workers_by_messages(n_workers, [&](Transport& transport) {
      Progress progress;
      PredictionTurns turns(&transport, progress);
      EXPECT_EQ(turns.is_first(), transport.rank() == 0);
      for (size_t block = 0; block < kBlocks; ++block) {
        const auto parts = turns.next(kRows, [&] {
          ++n_own[transport.rank()];
          return std::vector{predictions_of(block * kRows, 4), predictions_of(block * kRows + 4, 6)};
        });
        EXPECT_TRUE(transport.rank() == 0 || parts.empty());
        if (transport.rank() == 0) got.insert(got.end(), parts.begin(), parts.end());
      }
    });
    ASSERT_EQ(got.size(), 2 * kBlocks) << n_workers;
    for (size_t i = 0; i < got.size(); ++i) {
      const Predictions expected = predictions_of(i / 2 * kRows + (i % 2 == 0 ? 0 : 4), i % 2 == 0 ? 4 : 6);
      EXPECT_EQ(got[i].top_k, expected.top_k);
      EXPECT_EQ(got[i].labels, expected.labels);
      EXPECT_EQ(got[i].scores, expected.scores);
      EXPECT_EQ(got[i].counts, expected.counts);
    }
    for (uint32_t worker = 0; worker < n_workers; ++worker) {
      EXPECT_EQ(n_own[worker], (kBlocks + n_workers - 1 - worker) / n_workers) << worker;
    }
  }
}

TEST(PredictionTurns, AloneThereIsNothingToWaitFor) {
  Progress progress;
  PredictionTurns turns(nullptr, progress);
  EXPECT_TRUE(turns.is_first());
  EXPECT_EQ(turns.next(5, [] { return std::vector{predictions_of(0, 5)}; }).front().counts.size(), 5u);
}

TEST(PredictionTurns, AWorkerWithOtherRowsIsNamed) {
  try {
    run_workers(2, 0, [](Transport& transport) {
      Progress progress;
      PredictionTurns turns(&transport, progress);
      const size_t n_rows = transport.rank() == 0 ? 5 : 4;
      for (int block = 0; block < 2; ++block)
        turns.next(n_rows, [&] { return std::vector{predictions_of(0, n_rows)}; });
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_THAT(error.what(), HasSubstr("worker 1 has 4 rows where worker 0 has 5"));
  }
}

TEST(PredictionTurns, WhoIsToldToStopWhileItWaitsStops) {
  ErrorCode code = ErrorCode::internal;
  run_workers_by_messages(2, [&](Transport& transport) {
    Progress progress;
    if (transport.rank() == 1) {
      try {
        transport.receive(0);  // which says nothing
      } catch (const Error&) {
        return;
      }
    }
    PredictionTurns turns(&transport, progress);
    turns.next(1, [] { return std::vector{predictions_of(0, 1)}; });
    progress.request_stop();
    try {
      turns.next(1, [] { return std::vector{predictions_of(0, 1)}; });
    } catch (const Error& error) {
      code = error.code();
    }
  });
  EXPECT_EQ(code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace coppice
