// SPDX-License-Identifier: Apache-2.0
//
// Trainings that go on: where they stopped, with fewer workers, with others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "coppice/core/error.h"
#include "coppice/dist/hybrid_fixture.h"

namespace coppice {
namespace {

using namespace testing_learner;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Keeps what each worker has at the beginning of each block.
class Keeper final : public HybridObserver {
 public:
  std::string word() override { return own_word; }
  void begin_block(const HybridState& state, std::span<const std::string> words) override {
    states.push_back(state);
    heard.assign(words.begin(), words.end());
  }

  std::string own_word;
  std::vector<HybridState> states;
  std::vector<std::string> heard;
};

struct Trained {
  std::vector<Model> models;          ///< by rank, in the end
  std::vector<Keeper> kept;           ///< likewise
  std::vector<HybridReport> reports;  ///< likewise
  std::vector<std::string> losses;    ///< as worker 0 heard of them
};

/// Trains to so many minibatches of all, from what each worker brings.
Trained run_from(std::vector<HybridProgress> from, const HybridOptions& options, uint64_t minibatches_of_all) {
  const auto n = static_cast<uint32_t>(from.size());
  Trained run{std::vector<Model>(n), std::vector<Keeper>(n), std::vector<HybridReport>(n), {}};
  run_workers(n, 2, [&](Transport& transport) {
    const uint32_t rank = transport.rank();
    Softmax learner;
    HybridTraining training(transport, {learner, kMinibatch, options, &run.kept[rank]}, std::move(from[rank]));
    training.run_to(minibatches_of_all);
    training.finish();
    run.models[rank].assign(learner.parameters().begin(), learner.parameters().end());
    run.reports[rank] = training.report();
    if (rank == 0) run.losses = training.losses();
  });
  for (const Model& model : run.models) EXPECT_EQ(model, run.models[0]);
  return run;
}

std::vector<HybridProgress> fresh(uint32_t n_workers) {
  std::vector<HybridProgress> from(n_workers);
  for (uint32_t worker = 0; worker < n_workers; ++worker) from[worker].worker = worker;
  return from;
}

/// What these workers had at the beginning of a block.
std::vector<HybridProgress> at_block(const Trained& run, size_t block, const std::vector<uint32_t>& workers) {
  std::vector<HybridProgress> from;
  for (const uint32_t worker : workers) {
    from.emplace_back();
    from.back().worker = worker;
    if (worker < run.kept.size()) from.back().start = run.kept[worker].states.at(block);
  }
  return from;
}

std::map<std::string, HybridOptions> all_strategies() {
  std::map<std::string, HybridOptions> all = strategies();
  all["representative"] = all["hybrid"];
  all["representative"].exchange = BlockExchange::representative;
  return all;
}

TEST(HybridResume, AnObserverChangesNothing) {
  for (const auto& [name, options] : all_strategies()) {
    std::vector<Model> models(4);
    run_workers(4, 2, [&, &options = options](Transport& transport) {
      Softmax learner;
      HybridTraining training(transport, learner, kMinibatch, options);
      training.run(27);
      training.finish();
      models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
    });
    EXPECT_EQ(run_from(fresh(4), options, 108).models, models) << name;
  }
}

TEST(HybridResume, FromTheBeginningOfEachBlockTheBitsAreThose) {
  for (const auto& [name, options] : all_strategies()) {
    const Trained whole = run_from(fresh(4), options, 108);
    ASSERT_GE(whole.kept[0].states.size(), 5u) << name;
    for (size_t block = 0; block < whole.kept[0].states.size(); ++block) {
      const Trained rest = run_from(at_block(whole, block, {0, 1, 2, 3}), options, 108);
      EXPECT_EQ(rest.models, whole.models) << name << ", block " << block;
      EXPECT_EQ(rest.reports[2].samples, whole.reports[2].samples);
      EXPECT_EQ(rest.reports[2].in_group.bytes_sent, whole.reports[2].in_group.bytes_sent);
      EXPECT_THAT(rest.losses, SizeIs(0)) << name;
    }
  }
}

TEST(HybridResume, WithFewerWorkersAllOfThemHaveOneModelAndItLearns) {
  Softmax judged;
  for (const auto& [name, options] : all_strategies()) {
    const Trained whole = run_from(fresh(4), options, 108);
    // Groups of 2 and 1; one group; each worker alone.
    for (const std::vector<uint32_t>& left : {std::vector<uint32_t>{0, 1, 3}, {0, 1}, {1, 2}, {3}}) {
      const Trained rest = run_from(at_block(whole, 3, left), options, 600);
      std::copy(rest.models[0].begin(), rest.models[0].end(), judged.parameters().begin());
      EXPECT_LT(judged.error_rate(), 0.35) << name << " with " << left.size();
    }
  }
}

TEST(HybridResume, UnequalGroupsExchangeBothWaysWithTheSameBits) {
  HybridOptions options = with_momentum(4, 0.5F);
  const Trained whole = run_from(fresh(8), options, 120);
  const auto rest = [&] { return run_from(at_block(whole, 1, {0, 1, 2, 4, 7}), options, 200).models[0]; };
  const Model sharded = rest();
  options.exchange = BlockExchange::representative;
  EXPECT_EQ(rest(), sharded);
}

TEST(HybridResume, WhoJoinsIsGivenWhatTheOthersHave) {
  for (const auto& [name, options] : all_strategies()) {
    const Trained whole = run_from(fresh(4), options, 108);
    std::vector<HybridProgress> from = at_block(whole, 3, {0, 1, 2, 3});
    from[1].start.reset();
    const Trained joined = run_from(from, options, 108);
    EXPECT_EQ(joined.reports[1].steps, 27u) << name;
    if (options.compression.threshold == 0 && options.compression.density == 0 && options.group_size != 1) {
      EXPECT_EQ(joined.models, whole.models) << name << " has no residual that could be lost";
    }
    // The whole of a group that joins has its momentum from nobody.
    from[0].start.reset();
    if (options.group_size == 2) {
      EXPECT_THAT(run_from(from, options, 108).losses,
                  ::testing::ElementsAre(HasSubstr("the momentum of the group of worker 0 begins at 0")));
    }
  }
}

/// Counts the minibatches behind its own state.
class Counting final : public Learner {
 public:
  std::span<float> parameters() noexcept override { return inner_.parameters(); }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override {
    ++count_;
    return inner_.compute_gradient(minibatch, gradient);
  }
  std::vector<float> own_state() override { return {count_}; }
  void restore_own_state(std::span<const float> state) override { count_ = state[0]; }

 private:
  Softmax inner_;
  float count_ = 0;
};

TEST(HybridResume, WhoJoinsTakesTheStateOfAnothersLearner) {
  std::vector<Keeper> kept(3);
  const auto train = [&](std::vector<HybridProgress> from, uint64_t minibatches_of_all) {
    run_workers(static_cast<uint32_t>(from.size()), 2, [&](Transport& transport) {
      Counting learner;
      const uint32_t rank = transport.rank();
      HybridTraining training(transport, {learner, kMinibatch, with_momentum(1, 0), &kept[rank]}, from[rank]);
      training.run_to(minibatches_of_all);
      EXPECT_EQ(learner.own_state()[0], float(training.report().steps));
    });
  };
  train(fresh(2), 20);
  std::vector<HybridProgress> from = fresh(3);
  for (uint32_t worker = 0; worker < 2; ++worker) from[worker].start = kept[worker].states.back();
  train(std::move(from), 50);
}

TEST(HybridResume, BlockMomentumThatNobodyHasAnyMoreIsNamed) {
  const HybridOptions options = with_momentum(2, 0.5F);
  const Trained whole = run_from(fresh(4), options, 108);
  // Workers 1 and 3 have kept the second shard.
  const Trained rest = run_from(at_block(whole, 3, {0, 2}), options, 108);
  EXPECT_THAT(rest.losses, ::testing::ElementsAre(HasSubstr("the block momentum of parameters 52 to 104")));
}

TEST(HybridResume, WorkersAtDifferentPlacesAgreeOnTheLastBlockThatAllHave) {
  const HybridOptions options = with_momentum(2, 0.5F);
  const Trained whole = run_from(fresh(4), options, 108);
  // Worker 2 knows that all have come to block 3; the others have come there and do not know it.
  std::vector<HybridProgress> from = at_block(whole, 2, {0, 1, 2, 3});
  for (uint32_t worker = 0; worker < 4; ++worker) from[worker].next = whole.kept[worker].states[3];
  from[2].start = *from[2].next, from[2].next.reset();
  EXPECT_EQ(run_from(from, options, 108).models, whole.models);
  // Worker 1 has not: all train block 2 again.
  from = at_block(whole, 2, {0, 1, 2, 3});
  for (const uint32_t worker : {0, 2, 3}) from[worker].next = whole.kept[worker].states[3];
  EXPECT_EQ(run_from(from, options, 108).models, whole.models);
}

/// Breaks off one worker's training where it waits for the others the `at`-th time.
class Breaking final : public HybridObserver {
 public:
  void begin_step() noexcept override { ++steps; }
  std::string word() override {
    if (++words == breaks_at_word) throw Error(ErrorCode::remote, "broken off");
    return {};
  }
  uint64_t steps = 0, words = 0, breaks_at_word = 0;
};

TEST(HybridResume, AGroupThatHasEndedItsBlockDoesNotTrainItAgain) {
  const HybridOptions options = with_momentum(1, 0);
  const Trained whole = run_from(fresh(4), options, 108);
  // All break off at the end of the third block, before any knows that the others have the next one.
  std::vector<HybridProgress> from(4);
  const auto break_off = [&](Transport& transport) {
    Softmax learner;
    Breaking observer;
    observer.breaks_at_word = 3;
    HybridTraining training(transport, {learner, kMinibatch, options, &observer}, {transport.rank(), {}, {}, {}, {}});
    EXPECT_THROW(training.run_to(108), Error);
    from[transport.rank()] = training.take_progress();
    EXPECT_TRUE(from[transport.rank()].end && from[transport.rank()].next);
  };
  run_workers(4, 2, break_off);
  EXPECT_EQ(run_from(from, options, 108).models, whole.models) << "all have the next block";
  from[1].next.reset();
  EXPECT_EQ(run_from(from, options, 108).models, whole.models) << "all have ended this one";
  std::vector<HybridProgress> three = from;
  three.erase(three.begin() + 2);
  std::vector<uint64_t> steps(3);
  run_workers(3, 2, [&](Transport& transport) {
    Softmax learner;
    Breaking observer;
    HybridTraining training(transport, {learner, kMinibatch, options, &observer}, three[transport.rank()]);
    training.run_to(60);
    EXPECT_EQ(observer.steps, 0u) << "60 were dealt, and worker 2's are lost";
    EXPECT_EQ(training.report().steps, 15u);
    training.finish();
  });
}

TEST(HybridResume, AllHearWhatEachSays) {
  run_workers(3, 2, [&](Transport& transport) {
    Softmax learner;
    Keeper observer;
    observer.own_word = "word of " + std::to_string(transport.rank());
    HybridTraining training(transport, {learner, kMinibatch, with_momentum(1, 0), &observer},
                            {transport.rank(), {}, {}, {}, {}});
    training.run_to(15);
    EXPECT_THAT(observer.heard, ::testing::ElementsAre("word of 0", "word of 1", "word of 2"));
  });
}

TEST(HybridResume, StatesThatDoNotFitAreRefusedByName) {
  const HybridOptions options = with_momentum(2, 0.5F);
  const Trained whole = run_from(fresh(4), options, 108);
  const auto refusal = [&](const std::function<void(std::vector<HybridProgress>&)>& change) -> std::string {
    std::vector<HybridProgress> from = at_block(whole, 2, {0, 1, 2, 3});
    change(from);
    try {
      run_from(from, options, 108);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      return error.message();
    }
    return "";
  };
  EXPECT_THAT(refusal([](auto& from) { from[2].start->parameters[5] += 1; }),
              HasSubstr("worker 2 has another model than worker 0 at step 15"));
  EXPECT_THAT(refusal([&](auto& from) { from[1].start = whole.kept[1].states[1]; }),
              HasSubstr("worker 1 is at step 10, others are at step 15"));
  EXPECT_THAT(refusal([](auto& from) { from[3].start->parameters.pop_back(); }),
              HasSubstr("a training to go on with has 104 parameters, expected 105"));
  EXPECT_THAT(refusal([](auto& from) { from[3].start->velocity.clear(); }), HasSubstr("0 elements of momentum"));
}

}  // namespace
}  // namespace coppice
