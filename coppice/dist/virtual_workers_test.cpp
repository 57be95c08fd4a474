// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/virtual_workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "coppice/core/error.h"
#include "coppice/dist/hybrid_fixture.h"

namespace coppice {
namespace {

using namespace testing_learner;
using ::testing::HasSubstr;

struct Trained {
  std::vector<float> model;
  HybridReport report;  ///< of worker 0
};

Trained by_workers(uint32_t n_workers, const HybridOptions& options, uint64_t minibatches_of_all,
                   uint64_t broken_at = ~uint64_t{0}) {
  Trained trained;
  run_workers(n_workers, 2, [&](Transport& transport) {
    Softmax learner;
    learner.broken_at = broken_at;
    HybridTraining training(transport, learner, kMinibatch, options);
    training.run_to(minibatches_of_all);
    training.finish();
    if (transport.rank() == 0) {
      trained = {{learner.parameters().begin(), learner.parameters().end()}, training.report()};
    }
  });
  return trained;
}

struct VirtuallyTrained {
  std::vector<float> model;
  VirtualReport report;
};

VirtuallyTrained by_virtual_workers(uint32_t n_workers, const HybridOptions& options, uint64_t minibatches_of_all,
                                    size_t threads, const VirtualWatch& watch = {}, uint64_t broken_at = ~uint64_t{0}) {
  ThreadPool pool(threads);
  std::vector<Softmax> learners(threads);
  VirtualJob job{n_workers, kMinibatch, options, {}};
  for (Softmax& learner : learners) {
    learner.broken_at = broken_at;
    job.learners.push_back(&learner);
  }
  const VirtualReport report = train_virtual_workers(job, minibatches_of_all, pool, watch);
  return {{learners[0].parameters().begin(), learners[0].parameters().end()}, report};
}

/// What virtual workers do otherwise than the others.
std::map<std::string, HybridOptions> all_strategies() {
  std::map<std::string, HybridOptions> all = strategies();
  all["dense groups"] = with_momentum(3, 0);
  all["warm alone"] = all["warm start"];
  all["warm alone"].warm_start = 1000;
  all["decay"] = all["hybrid"];
  all["decay"].sgd.decay = 20;
  return all;
}

TEST(VirtualWorkers, GiveTheBitsOfWorkersThatAreThere) {
  for (const auto& [name, options] : all_strategies()) {
    for (const uint64_t minibatches : {162, 160, 7, 1}) {  // the last step may have less than a minibatch for each
      const Trained real = by_workers(6, options, minibatches);
      for (const size_t threads : {1, 2, 4}) {
        const VirtuallyTrained own = by_virtual_workers(6, options, minibatches, threads);
        EXPECT_EQ(own.model, real.model) << name << ", " << minibatches << " minibatches, " << threads << " threads";
        EXPECT_EQ(own.report.steps, real.report.steps);
        EXPECT_EQ(own.report.samples, 6 * real.report.samples);
      }
    }
  }
}

TEST(VirtualWorkers, OneWorkerIsStochasticGradientDescent) {
  EXPECT_EQ(by_virtual_workers(1, with_momentum(0, 0), 33, 1).model, by_workers(1, with_momentum(0, 0), 33).model);
}

TEST(VirtualWorkers, MessagesAreThoseOfWorkersThatAreThere) {
  const HybridOptions options = with_momentum(3, 0.5F);
  const Trained real = by_workers(6, options, 162);
  const VirtualReport own = by_virtual_workers(6, options, 162, 2).report;
  EXPECT_GT(own.density, 0);
  EXPECT_GT(own.message_bytes, 32);
  EXPECT_NEAR(own.density, real.report.density, 0.1 * real.report.density);
  const double received =
      double(real.report.in_group.bytes_received) / double(real.report.steps) / 2 - 24;  // its size, and seals
  EXPECT_NEAR(own.message_bytes, received, 0.15 * received);
  EXPECT_GT(own.compute_seconds, 0);
  EXPECT_GT(own.encode_seconds, 0);
  EXPECT_GT(own.decode_seconds, 0);
  HybridOptions warm = options;
  warm.warm_start = 13;  // no message has been sent then, and none counts
  EXPECT_NEAR(by_virtual_workers(6, warm, 162, 2).report.message_bytes, own.message_bytes, 0.3 * own.message_bytes);
}

TEST(VirtualWorkers, WhoWatchesSeesEachStepOfTheFirstGroup) {
  for (const uint32_t group_size : {0, 1, 2}) {
    std::vector<uint64_t> seen;
    std::vector<float> last;
    const auto watch = [&](uint64_t minibatches, std::span<const float> parameters) {
      seen.push_back(minibatches);
      last.assign(parameters.begin(), parameters.end());
    };
    const VirtuallyTrained trained = by_virtual_workers(4, with_momentum(group_size, 0.5F), 45, 2, watch);
    std::vector<uint64_t> expected;
    for (uint64_t step = 1; step <= 11; ++step) expected.push_back(4 * step);
    expected.push_back(45);
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(last, trained.model);
  }
}

TEST(VirtualWorkers, AGradientThatIsNoNumberEndsTheTrainingOrIsLeftOut) {
  for (const uint32_t group_size : {0, 1, 2}) {
    HybridOptions options = with_momentum(group_size, 0.5F);
    try {
      by_virtual_workers(4, options, 100, 2, {}, 42);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      EXPECT_THAT(error.what(), HasSubstr("step 10: a gradient is no finite number"));
    }
    options.skips_not_finite = true;
    const VirtuallyTrained own = by_virtual_workers(4, options, 100, 2, {}, 42);
    EXPECT_EQ(own.report.n_skipped, 1u);
    EXPECT_EQ(own.model, by_workers(4, options, 100, 42).model);
  }
}

TEST(VirtualWorkers, GroupsThatWorkersDoNotFillAreRefused) {
  EXPECT_THROW(by_virtual_workers(5, with_momentum(2, 0.5F), 10, 1), Error);
}

}  // namespace
}  // namespace coppice
