// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/hybrid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "coppice/core/error.h"
#include "coppice/dist/hybrid_fixture.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

using namespace testing_learner;

TEST(Hybrid, OneWorkerIsStochasticGradientDescent) {
  Softmax learner;
  std::vector<float> gradient(kParameters);
  for (uint64_t step = 0; step < 25; ++step) {
    learner.compute_gradient(step, gradient);
    const float rate = static_cast<float>(0.05 / kMinibatch);
    for (size_t i = 0; i < kParameters; ++i) learner.parameters()[i] -= rate * gradient[i];
  }
  const std::vector<float> expected(learner.parameters().begin(), learner.parameters().end());
  EXPECT_EQ(model_of(1, with(0, 0), 25), expected);
  EXPECT_EQ(model_of(1, with(1, 0.5F), 25), expected) << "a group of one has nobody to send to";
}

/// All workers' learners in one loop, without a transport.
struct Reference {
  explicit Reference(uint32_t n) : learners(n) {}
  std::vector<float> gradient_of(uint32_t worker, uint64_t step) {
    std::vector<float> gradient(kParameters);
    learners[worker].compute_gradient(step * learners.size() + worker, gradient);
    return gradient;
  }
  static void descend(Softmax& learner, std::span<const float> sum) {
    for (size_t i = 0; i < kParameters; ++i) {
      learner.parameters()[i] -= static_cast<float>(0.05 / kMinibatch) * sum[i];
    }
  }
  std::vector<float> model(uint32_t worker) {
    return {learners[worker].parameters().begin(), learners[worker].parameters().end()};
  }
  std::vector<Softmax> learners;
};

TEST(Hybrid, OneGroupWithoutAThresholdIsSynchronousSgd) {
  Reference reference(3);
  for (uint64_t step = 0; step < 25; ++step) {
    std::vector<float> sum = reference.gradient_of(0, step);
    for (uint32_t worker = 1; worker < 3; ++worker) {
      const std::vector<float> more = reference.gradient_of(worker, step);
      for (size_t i = 0; i < kParameters; ++i) sum[i] += more[i];
    }
    for (Softmax& learner : reference.learners) Reference::descend(learner, sum);
  }
  EXPECT_EQ(model_of(3, with(0, 0), 25), reference.model(0));
}

TEST(Hybrid, OneGroupIsGradientThresholdCompression) {
  Reference reference(4);
  std::vector<std::vector<float>> residuals(4, std::vector<float>(kParameters));
  constexpr float kThreshold = 0.75F;
  for (uint64_t step = 0; step < 25; ++step) {
    std::vector<float> sum(kParameters);
    for (uint32_t worker = 0; worker < 4; ++worker) {
      const std::vector<float> gradient = reference.gradient_of(worker, step);
      for (size_t i = 0; i < kParameters; ++i) {
        float& residual = residuals[worker][i];
        residual += gradient[i];
        const float sent = residual > kThreshold ? kThreshold : residual < -kThreshold ? -kThreshold : 0;
        residual -= sent;
        sum[i] += sent;
      }
    }
    for (Softmax& learner : reference.learners) Reference::descend(learner, sum);
  }
  EXPECT_EQ(model_of(4, with(4, kThreshold), 25), reference.model(0));
}

TEST(Hybrid, GroupsOfOneAreBlockMomentum) {
  for (const BlockVariant variant : {BlockVariant::classical, BlockVariant::nesterov, BlockVariant::cntk}) {
    Reference reference(4);
    BlockMomentum filter(reference.model(0), 4, {.variant = variant});
    for (uint64_t step = 0; step < 30; ++step) {
      for (uint32_t worker = 0; worker < 4; ++worker) {
        Reference::descend(reference.learners[worker], reference.gradient_of(worker, step));
      }
      if (step % 10 != 9) continue;
      std::vector<float> mean(kParameters);
      for (uint32_t worker = 0; worker < 4; ++worker) {
        for (size_t i = 0; i < kParameters; ++i) mean[i] += 0.25F * reference.learners[worker].parameters()[i];
      }
      filter.update(mean);
      for (Softmax& learner : reference.learners) {
        std::copy(filter.start().begin(), filter.start().end(), learner.parameters().begin());
      }
    }
    HybridOptions options = with(1, 0.5F);
    options.block.variant = variant;
    const auto models = trained(4, options, 30);
    for (const auto& model : models) EXPECT_EQ(model, std::vector<float>(filter.model().begin(), filter.model().end()));
  }
}

TEST(Hybrid, ShardedAndRepresentativeExchangeGiveTheSameBits) {
  for (const uint32_t group_size : {1, 2, 4}) {
    HybridOptions options = with(group_size, 0.5F, 7);
    options.sgd.momentum = 0.5;
    const std::vector<float> sharded = model_of(8, options, 33);
    options.exchange = BlockExchange::representative;
    EXPECT_EQ(model_of(8, options, 33), sharded) << group_size;
  }
}

TEST(Hybrid, TheSameBitsHoweverWorkersTalkAndHoweverManyRun) {
  const HybridOptions options = with(2, 0.5F, 7);
  const std::vector<float> expected = model_of(6, options, 30);
  for (const size_t cores : {1, 7}) {
    EXPECT_EQ(model_of(6, options, 30, [&](uint32_t n, const auto& work) { run_workers(n, cores, work); }), expected);
  }
  EXPECT_EQ(model_of(6, options, 30, run_workers_by_messages), expected);
}

TEST(Hybrid, GroupsHaveTheirOwnModelsBetweenTheEndsOfBlocks) {
  std::vector<std::vector<float>> models(4);
  run_workers(4, 2, [&](Transport& transport) {
    Softmax learner;
    HybridTraining training(transport, learner, kMinibatch, with(2, 0.5F));
    training.run(5);
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  EXPECT_EQ(models[0], models[1]);
  EXPECT_EQ(models[2], models[3]);
  EXPECT_NE(models[0], models[2]);
}

TEST(Hybrid, EachWayOfTrainingLearns) {
  Softmax untrained;
  const double chance = untrained.error_rate();
  struct Case {
    const char* name;
    uint32_t workers;
    HybridOptions options;
  };
  HybridOptions by_density = with(8, 0);
  by_density.compression.density = 0.1;
  for (const Case& one : {Case{"one", 1, with(0, 0)}, Case{"sync", 8, with(0, 0)}, Case{"gtc", 8, with(8, 2)},
                          Case{"density", 8, by_density}, Case{"bmuf", 8, with(1, 0)}, Case{"hybrid", 8, with(4, 2)}}) {
    Softmax judged;
    const std::vector<float> model = model_of(one.workers, one.options, 1600 / one.workers);
    std::copy(model.begin(), model.end(), judged.parameters().begin());
    EXPECT_LT(judged.error_rate(), 0.25) << one.name;
    EXPECT_GT(chance, 0.5);
  }
}

TEST(Hybrid, AWarmStartIsSynchronousSgd) {
  HybridOptions options = with(2, 0.5F);
  options.warm_start = 20;
  EXPECT_EQ(trained(4, options, 20), trained(4, with(0, 0), 20));
  EXPECT_NE(trained(4, options, 40), trained(4, with(0, 0), 40));
}

/// The message of the error that training ends with.
std::string refusal(const std::function<void(Transport&)>& work, ErrorCode code) {
  try {
    run_workers(4, 2, work);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.message();
  }
  return "";
}

TEST(Hybrid, WorkersThatDifferAreRefusedByName) {
  EXPECT_THAT(refusal(
                  [](Transport& transport) {
                    Softmax learner;
                    HybridTraining(transport, learner, kMinibatch, with(2, 0.5F, transport.rank() == 2 ? 9 : 10));
                  },
                  ErrorCode::usage),
              HasSubstr("worker 2 has block 9, worker 0 has block 10"));
  EXPECT_THAT(refusal(
                  [](Transport& transport) {
                    Softmax learner;
                    learner.parameters()[3] = transport.rank() == 3 ? 1 : 0;
                    HybridTraining(transport, learner, kMinibatch, with(2, 0.5F));
                  },
                  ErrorCode::usage),
              HasSubstr("worker 3 has hash of the parameters"));
  EXPECT_THAT(refusal(
                  [](Transport& transport) {
                    Softmax learner;
                    HybridTraining(transport, learner, kMinibatch, with(3, 0.5F));
                  },
                  ErrorCode::usage),
              HasSubstr("4 workers do not fill groups of 3"));
}

TEST(Hybrid, AReplicaThatBecameAnotherOneIsFoundAtTheEndOfTheBlock) {
  for (const HybridOptions& options : {with(0, 0), with(0, 0.5F)}) {
    try {
      run_workers(3, 2, [&](Transport& transport) {
        Softmax learner;
        HybridTraining training(transport, learner, kMinibatch, options);
        training.run(14);
        if (transport.rank() == 2) learner.parameters()[3] += 1;
        training.run(6);
      });
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("worker 2 has another model than worker 0 after step 20"));
    }
  }
}

TEST(Hybrid, AGradientThatIsNoNumberEndsTheTrainingOrIsLeftOut) {
  for (const uint32_t group_size : {1, 2, 4}) {
    const auto work = [&](bool skips) {
      return [group_size, skips](Transport& transport) {
        Softmax learner;
        if (transport.rank() == 1) learner.broken_at = 3 * 4 + 1;
        HybridOptions options = with(group_size, 0.5F);
        options.skips_not_finite = skips;
        HybridTraining training(transport, learner, kMinibatch, options);
        training.run(20);
        EXPECT_EQ(training.report().n_skipped, transport.rank() == 1 ? 1u : 0u);
        EXPECT_TRUE(std::isfinite(learner.parameters()[7]));
      };
    };
    EXPECT_THAT(refusal(work(false), ErrorCode::data), HasSubstr("step 3: a gradient is no finite number"));
    EXPECT_EQ(refusal(work(true), ErrorCode::data), "");
  }
}

TEST(Hybrid, AGroupCountsAsItsSamplesDo) {
  // Worker 1 has three times the samples of worker 0; without momentum their mean stands for both.
  std::vector<std::vector<float>> models(2);
  std::vector<float> own[2];
  run_workers(2, 2, [&](Transport& transport) {
    const uint32_t samples = transport.rank() == 0 ? 8 : 24;
    Softmax alone(samples), learner(samples);
    HybridOptions options = with(1, 0, 5);
    options.block.momentum = 0;
    std::vector<float> gradient(kParameters);
    for (uint64_t step = 0; step < 5; ++step) {
      alone.compute_gradient(2 * step + transport.rank(), gradient);
      Reference::descend(alone, gradient);
    }
    own[transport.rank()].assign(alone.parameters().begin(), alone.parameters().end());
    HybridTraining training(transport, learner, kMinibatch, options);
    training.run(5);
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  for (size_t i = 0; i < kParameters; ++i) EXPECT_EQ(models[0][i], 0.25F * own[0][i] + 0.75F * own[1][i]);
}

/// Of a size that counts, and which stays as it is.
class Still final : public Learner {
 public:
  std::span<float> parameters() noexcept override { return parameters_; }
  BatchResult compute_gradient(uint64_t, std::span<float>) override { return {1, 0}; }

 private:
  std::vector<float> parameters_ = std::vector<float>(100'000);
};

TEST(Hybrid, ShardsTakeFewerBytesThanARepresentative) {
  const auto most_sent = [](BlockExchange exchange) {
    std::vector<uint64_t> sent(128);
    run_workers(128, 2, [&](Transport& transport) {
      Still learner;
      HybridOptions options = with(8, 1, 2);
      options.exchange = exchange;
      HybridTraining training(transport, learner, kMinibatch, options);
      training.run(2);
      sent[transport.rank()] = training.report().blocks.bytes_sent;
    });
    return *std::max_element(sent.begin(), sent.end());
  };
  EXPECT_GT(most_sent(BlockExchange::representative), 2 * most_sent(BlockExchange::sharded));
}

}  // namespace
}  // namespace coppice
