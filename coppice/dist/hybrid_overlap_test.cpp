// SPDX-License-Identifier: Apache-2.0
//
// Trainings whose groups go on while their models are exchanged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/dist/hybrid_fixture.h"

namespace coppice {
namespace {

using namespace testing_learner;
using ::testing::HasSubstr;

const Runner runners[] = {in_memory, run_workers_by_messages};

HybridOptions overlapping(uint32_t group_size, float threshold, OverlapOptions overlap) {
  HybridOptions options = with(group_size, threshold);
  options.overlap = overlap;
  return options;
}

/// Groups of one with overlap, in one loop, without a transport.
class Reference {
 public:
  Reference(uint32_t n, const HybridOptions& options) : options_(options), workers_(n) {
    const size_t n_fragments = options.overlap.fragments;
    for (size_t f = 0; f < n_fragments; ++f) {
      const size_t begin = kParameters * f / n_fragments, end = kParameters * (f + 1) / n_fragments;
      fragments_.push_back({begin, end, options.block_minibatches * (f + 1) / n_fragments,
                            BlockMomentum(std::vector<float>(end - begin), n, options.block), 0});
    }
  }

  Model train(uint64_t steps) {
    for (uint64_t step = 1; step <= steps; ++step) {
      for (size_t k = 0; k < workers_.size(); ++k) descend(workers_[k], (step - 1) * workers_.size() + k);
      for (Fragment& fragment : fragments_) {
        if (fragment.begun_at > 0 && fragment.begun_at + options_.overlap.minibatches == step) apply(fragment);
      }
      for (Fragment& fragment : fragments_) {
        if (step % options_.block_minibatches == fragment.offset % options_.block_minibatches) end(fragment, step);
      }
    }
    for (Fragment& fragment : fragments_) {
      if (fragment.begun_at + options_.overlap.minibatches > steps) apply(fragment);
      if (fragment.begun_at < steps) end(fragment, steps);
    }
    Model model;
    for (const Fragment& fragment : fragments_) {
      model.insert(model.end(), fragment.filter.model().begin(), fragment.filter.model().end());
    }
    return model;
  }

 private:
  struct Worker {
    Softmax learner;
    Model velocity = Model(kParameters), before = Model(kParameters);
  };
  struct Fragment {
    size_t begin, end;
    uint64_t offset;
    BlockMomentum filter;
    uint64_t begun_at;
  };

  void descend(Worker& worker, uint64_t minibatch) {
    Model gradient(kParameters);
    worker.learner.compute_gradient(minibatch, gradient);
    const auto momentum = static_cast<float>(options_.sgd.momentum);
    for (size_t i = 0; i < kParameters; ++i) {
      worker.velocity[i] = momentum * worker.velocity[i] + gradient[i];
      worker.learner.parameters()[i] -= static_cast<float>(0.05 / kMinibatch) * worker.velocity[i];
    }
  }
  void apply(Fragment& fragment) {
    for (Worker& worker : workers_) {
      for (size_t i = fragment.begin; i < fragment.end; ++i) {
        worker.learner.parameters()[i] += fragment.filter.start()[i - fragment.begin] - worker.before[i];
        if (!options_.keeps_momentum) worker.velocity[i] = 0;
      }
    }
  }
  void end(Fragment& fragment, uint64_t step) {
    Model mean(fragment.end - fragment.begin);
    for (Worker& worker : workers_) {
      for (size_t i = fragment.begin; i < fragment.end; ++i) {
        worker.before[i] = worker.learner.parameters()[i];
        mean[i - fragment.begin] += worker.before[i] / static_cast<float>(workers_.size());
      }
    }
    fragment.filter.update(mean);
    fragment.begun_at = step;
  }

  HybridOptions options_;
  std::vector<Worker> workers_;
  std::vector<Fragment> fragments_;
};

TEST(HybridOverlap, IsBlockMomentumWhoseResultArrivesLater) {
  for (const BlockVariant variant : {BlockVariant::classical, BlockVariant::nesterov, BlockVariant::cntk}) {
    for (const OverlapOptions overlap : {OverlapOptions{1, 1}, OverlapOptions{3, 4}, OverlapOptions{10, 2}}) {
      HybridOptions options = overlapping(1, 0, overlap);
      options.block.variant = variant;
      for (const uint64_t steps : {7, 30, 44}) {
        EXPECT_EQ(model_of(4, options, steps), Reference(4, options).train(steps))
            << overlap.minibatches << " of " << overlap.fragments << ", " << steps;
      }
    }
  }
}

TEST(HybridOverlap, TheMomentumOfWhatBecameAResultGoesOnOrDoesNot) {
  HybridOptions options = overlapping(1, 0, {2, 4});
  options.sgd.momentum = 0.5;
  const Model keeps = model_of(4, options, 35);
  EXPECT_EQ(keeps, Reference(4, options).train(35));
  options.keeps_momentum = false;
  EXPECT_EQ(model_of(4, options, 35), Reference(4, options).train(35));
  EXPECT_NE(model_of(4, options, 35), keeps);
  HybridOptions compressed = overlapping(2, 0.5F, {2, 4});
  const Model keeps_residual = model_of(4, compressed, 35);
  compressed.keeps_residual = false;
  EXPECT_NE(model_of(4, compressed, 35), keeps_residual);
}

TEST(HybridOverlap, WhereverTrainingEndsAllHaveTheSameModel) {
  for (uint64_t minibatches = 0; minibatches <= 22; ++minibatches) {
    model_of(4, overlapping(2, 0.5F, {4, 3}), minibatches);
    model_of(4, overlapping(2, 0.5F, {10, 1}), minibatches);
  }
}

TEST(HybridOverlap, TheSameBitsHoweverWorkersTalkAndHoweverManyRun) {
  for (const uint32_t group_size : {1, 2, 3}) {
    HybridOptions options = overlapping(group_size, 0.5F, {3, 4});
    options.sgd.momentum = 0.5;
    const Model expected = model_of(6, options, 36);
    for (const size_t cores : {1, 7}) {
      EXPECT_EQ(model_of(6, options, 36, [&](uint32_t n, const auto& work) { run_workers(n, cores, work); }), expected);
    }
    EXPECT_EQ(model_of(6, options, 36, run_workers_by_messages), expected);
    options.exchange = BlockExchange::representative;
    EXPECT_EQ(model_of(6, options, 36), expected);
  }
}

/// Workers of a job that some have left: groups of one, of two and of one.
Model of_unequal_groups(BlockExchange exchange) {
  const std::vector<uint32_t> numbers = {0, 2, 3, 5};
  HybridOptions options = overlapping(2, 0.5F, {3, 4});
  options.exchange = exchange;
  std::vector<Model> models(4);
  run_workers(4, 2, [&](Transport& transport) {
    Softmax learner;
    HybridProgress from;
    from.worker = numbers[transport.rank()];
    HybridTraining training(transport, {learner, kMinibatch, options}, from);
    training.run(36);
    training.finish();
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  for (const Model& model : models) EXPECT_EQ(model, models[0]);
  return models[0];
}

TEST(HybridOverlap, GroupsNeedNotBeOfOneSize) {
  EXPECT_EQ(of_unequal_groups(BlockExchange::sharded), of_unequal_groups(BlockExchange::representative));
}

TEST(HybridOverlap, MembersOfAGroupHaveOneModelInEachStep) {
  std::vector<std::vector<Model>> models(4);
  run_workers(4, 2, [&](Transport& transport) {
    Softmax learner;
    HybridTraining training(transport, learner, kMinibatch, overlapping(2, 0.5F, {4, 3}));
    for (int step = 0; step < 25; ++step) {
      training.run(1);
      models[transport.rank()].emplace_back(learner.parameters().begin(), learner.parameters().end());
    }
  });
  EXPECT_EQ(models[0], models[1]);
  EXPECT_EQ(models[2], models[3]);
  for (size_t step = 0; step < 25; ++step) EXPECT_NE(models[0][step], models[2][step]) << step;
}

TEST(HybridOverlap, AWarmStartComesFirst) {
  HybridOptions options = overlapping(2, 0.5F, {3, 4});
  options.warm_start = 20;
  EXPECT_EQ(trained(4, options, 20), trained(4, with(0, 0), 20));
  EXPECT_NE(model_of(4, options, 40), model_of(4, with(0, 0), 40));
  // Workers with more samples in the warm start count for no more after it.
  HybridOptions groups_of_one = overlapping(1, 0, {3, 1});
  groups_of_one.warm_start = 10;
  groups_of_one.block.momentum = 0;
  std::vector<Model> own(2), models(2);
  run_workers(2, 2, [&](Transport& transport) {
    Softmax learner(transport.rank() == 0 ? 8 : 24);
    HybridTraining training(transport, learner, kMinibatch, groups_of_one);
    training.run(10);
    learner = Softmax(8);
    training.run(10);
    own[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
    training.finish();
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  for (size_t i = 0; i < kParameters; ++i) EXPECT_FLOAT_EQ(models[0][i], 0.5F * own[0][i] + 0.5F * own[1][i]);
}

TEST(HybridOverlap, LearnsAsWell) {
  Softmax judged;
  const auto error_of = [&](const HybridOptions& options) {
    const Model model = model_of(8, options, 200);
    std::copy(model.begin(), model.end(), judged.parameters().begin());
    return judged.error_rate();
  };
  for (const uint32_t group_size : {1, 4}) {
    const double without = error_of(with(group_size, 2));
    EXPECT_LT(without, 0.25);
    for (const OverlapOptions overlap : {OverlapOptions{1, 4}, OverlapOptions{5, 4}, OverlapOptions{10, 1}}) {
      EXPECT_LT(error_of(overlapping(group_size, 2, overlap)), without + 0.02)
          << group_size << ", " << overlap.minibatches;
    }
  }
}

TEST(HybridOverlap, SendsNoMoreModelsThanWithout) {
  const auto sent_by = [](OverlapOptions overlap) {
    std::vector<uint64_t> sent(4);
    run_workers(4, 2, [&](Transport& transport) {
      Softmax learner;
      HybridTraining training(transport, learner, kMinibatch, overlapping(2, 0.5F, overlap));
      training.run(40);
      training.finish();
      sent[transport.rank()] = training.report().blocks.bytes_sent;
      EXPECT_GE(training.block_wait_seconds(), 0);
    });
    return sent;
  };
  EXPECT_EQ(sent_by({5, 1}), sent_by({0, 1}));
}

/// The error that a training of four workers ends with.
std::optional<Error> failure_of(const Runner& runner, const std::function<void(Transport&)>& work) {
  try {
    runner(4, work);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

void expect_usage(const HybridOptions& options, HybridObserver* observer, const char* what) {
  const auto failure = failure_of(in_memory, [&](Transport& transport) {
    Softmax learner;
    HybridProgress from;
    from.worker = transport.rank();
    HybridTraining(transport, {learner, kMinibatch, options, observer}, from);
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), ErrorCode::usage);
  EXPECT_THAT(failure->what(), HasSubstr(what));
}

TEST(HybridOverlap, IsRefusedWhereItLeavesNothingToGoOnWith) {
  HybridObserver observer;
  expect_usage(overlapping(2, 0.5F, {3, 4}), &observer, "no model of all workers before the end");
  expect_usage(overlapping(2, 0.5F, {11, 4}), nullptr, "block_overlap is 11, block is 10");
  const auto kept = failure_of(in_memory, [&](Transport& transport) {
    Softmax learner;
    HybridProgress from;
    from.worker = transport.rank();
    from.start.emplace();
    from.start->parameters.resize(kParameters);
    from.start->residual.resize(kParameters);
    HybridTraining(transport, {learner, kMinibatch, overlapping(2, 0.5F, {3, 4})}, std::move(from));
  });
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->code(), ErrorCode::usage);
}

TEST(HybridOverlap, OneGroupHasNothingToOverlap) {
  HybridObserver observer;
  std::vector<Model> models(4);
  run_workers(4, 2, [&](Transport& transport) {
    Softmax learner;
    HybridProgress from;
    from.worker = transport.rank();
    HybridTraining training(transport, {learner, kMinibatch, overlapping(0, 0.5F, {3, 4}), &observer}, std::move(from));
    training.run(20);
    models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
  });
  EXPECT_EQ(models[0], model_of(4, with(0, 0.5F), 20));
}

TEST(HybridOverlap, AnErrorWhileModelsAreUnderWayEndsAllWorkers) {
  for (const Runner& runner : runners) {
    for (const uint32_t group_size : {1, 2}) {
      const auto failure = failure_of(runner, [&](Transport& transport) {
        Softmax learner;
        if (transport.rank() == 1) learner.broken_at = 12 * 4 + 1;
        HybridTraining training(transport, learner, kMinibatch, overlapping(group_size, 0.5F, {5, 2}));
        training.run(40);
        ADD_FAILURE() << "it went on";
      });
      ASSERT_TRUE(failure);
      EXPECT_THAT(failure->message(), HasSubstr("step 12: a gradient is no finite number"));
    }
  }
}

/// Has other parameters than those of its group from some minibatch on.
class Astray final : public Learner {
 public:
  explicit Astray(uint64_t from) : from_(from) {}
  std::span<float> parameters() noexcept override { return learner_.parameters(); }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    if (minibatch == from_) learner_.parameters()[30] += 1;
    return learner_.compute_gradient(minibatch, gradient);
  }

 private:
  Softmax learner_;
  uint64_t from_;
};

TEST(HybridOverlap, AWorkerWithAnotherModelThanItsGroupIsNamed) {
  for (const Runner& runner : runners) {
    const auto failure = failure_of(runner, [&](Transport& transport) {
      Astray learner(transport.rank() == 3 ? 7 * 4 + 3 : ~uint64_t{0});
      HybridTraining training(transport, learner, kMinibatch, overlapping(2, 0, {2, 1}));
      training.run(100);
      ADD_FAILURE() << "it went on";
    });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->code(), ErrorCode::internal);
    EXPECT_THAT(failure->what(), HasSubstr("worker 3 has another model than worker 2 after step 10"));
  }
}

/// Waits in one minibatch until something has happened to others.
class Late final : public Learner {
 public:
  Late(uint64_t at, const std::atomic<bool>& has_happened) : at_(at), has_happened_(has_happened) {}
  std::span<float> parameters() noexcept override { return learner_.parameters(); }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    if (minibatch == at_) has_happened_.wait(false);
    return learner_.compute_gradient(minibatch, gradient);
  }

 private:
  Softmax learner_;
  uint64_t at_;
  const std::atomic<bool>& has_happened_;
};

TEST(HybridOverlap, AnExchangeThatTakesTooLongNamesWhoDoesNotCome) {
  for (const Runner& runner : runners) {
    std::atomic<bool> has_happened = false;
    std::atomic<int> told = 0;
    const auto failure = failure_of(runner, [&](Transport& transport) {
      transport.set_time_limit(transport.rank() == 1 ? 1000 : 0.1);
      Late learner(transport.rank() == 1 ? 9 * 4 + 1 : ~uint64_t{0}, has_happened);
      try {
        HybridTraining training(transport, learner, kMinibatch, overlapping(1, 0, {5, 1}));
        training.run(40);
        ADD_FAILURE() << "it went on";
      } catch (const Error& error) {
        if (transport.rank() != 1 && error.code() == ErrorCode::timeout) ++told;
        has_happened = true;
        has_happened.notify_all();
        throw;
      }
    });
    ASSERT_TRUE(failure);
    EXPECT_GE(told, 1);
    EXPECT_EQ(failure->code(), ErrorCode::timeout);
    // By messages, a worker waits for one who waits itself.
    const bool names_it = &runner == &runners[0];
    EXPECT_THAT(failure->what(), HasSubstr(names_it ? "did not come in time: 1" : "did not come in time"));
  }
}

}  // namespace
}  // namespace coppice
