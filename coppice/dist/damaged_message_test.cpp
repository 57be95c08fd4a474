// SPDX-License-Identifier: Apache-2.0
//
// Messages that are changed on their way: whatever is sent, in whatever operation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/softmax_learner.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using namespace testing_learner;

constexpr uint32_t kWorkers = 4;
constexpr uint64_t kMessagesOfTheLastWord = 2 * kWorkers * 2;  // sizes and words, in two rounds each

/// Flips a bit of the message of one number, of all that workers send.
class Damaging final : public MessageLink {
 public:
  Damaging(std::shared_ptr<MessageLink> inner, std::atomic<uint64_t>& n_sent, uint64_t damaged)
      : inner_(std::move(inner)), n_sent_(n_sent), damaged_(damaged) {}

  uint32_t worker() const noexcept override { return inner_->worker(); }
  uint32_t n_workers() const noexcept override { return inner_->n_workers(); }
  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    std::vector<std::vector<std::byte>> copies;
    std::vector<Outgoing> sent(out.begin(), out.end());
    for (Outgoing& message : sent) {
      if (message.bytes.empty() || n_sent_++ != damaged_) continue;
      Random random(damaged_);
      copies.emplace_back(message.bytes.begin(), message.bytes.end());
      copies.back()[random.below(static_cast<uint32_t>(copies.back().size()))] ^= std::byte(1U << random.below(8));
      message.bytes = copies.back();
    }
    inner_->exchange(sent, in, channel, deadline);
  }
  void abort(const std::string& why) noexcept override { inner_->abort(why); }

 private:
  std::shared_ptr<MessageLink> inner_;
  std::atomic<uint64_t>& n_sent_;
  uint64_t damaged_;
};

struct Outcome {
  uint64_t n_messages = 0;
  std::string failure;
  int n_failed = 0;
};

/// `work` with one message damaged; none of a number that is not reached.
Outcome run_damaged(const std::function<void(Transport&)>& work, uint64_t damaged) {
  Outcome run;
  std::atomic<uint64_t> n_sent = 0;
  std::atomic<int> n_failed = 0;
  try {
    run_workers_over_links(
        kWorkers,
        [&](std::shared_ptr<MessageLink> link) { return std::make_shared<Damaging>(std::move(link), n_sent, damaged); },
        [&](Transport& transport) {
          transport.set_time_limit(5);
          try {
            work(transport);
          } catch (const Error& error) {
            ++n_failed;
            transport.abort(error.what());
            throw;
          }
        });
  } catch (const Error& error) {
    run.failure = error.what();
  }
  run.n_messages = n_sent, run.n_failed = n_failed;
  return run;
}

TEST(DamagedMessages, AreFoundInEachOperation) {
  const std::map<std::string, std::function<void(Transport&)>> operations{
      {"a sum of few",
       [](Transport& t) {
         std::vector<float> values(50, 1);
         t.all_reduce(values);
       }},
      {"a sum",
       [](Transport& t) {
         std::vector<float> values(50'000, 1);
         t.all_reduce(values);
       }},
      {"short messages", [](Transport& t) { t.all_gather(std::vector<std::byte>(10 * t.rank())); }},
      {"long messages", [](Transport& t) { t.all_gather(std::vector<std::byte>(50'000 + t.rank())); }},
      {"a broadcast",
       [](Transport& t) {
         std::vector<std::byte> bytes(200'000);
         t.broadcast(bytes, 1);
       }},
      {"a barrier", [](Transport& t) { t.barrier(); }},
      {"a message", [](Transport& t) {
         if (t.rank() == 0) t.send(std::vector<std::byte>(99), 3);
         if (t.rank() == 3) t.receive(0);
         t.barrier();
       }}};
  for (const auto& [name, work] : operations) {
    const Outcome whole = run_damaged(work, ~uint64_t{0});
    EXPECT_EQ(whole.failure, "") << name;
    EXPECT_GT(whole.n_messages, 2U) << name;
    for (uint64_t damaged = 0; damaged < whole.n_messages; ++damaged) {
      const Outcome run = run_damaged(work, damaged);
      EXPECT_THAT(run.failure, HasSubstr("was changed on its way")) << name << ", message " << damaged;
    }
  }
}

TEST(DamagedMessages, EndEachTrainingOnAllWorkers) {
  for (const auto& [group_size, threshold] : {std::pair(0, 0.0F), {0, 0.5F}, {1, 0.0F}, {2, 0.5F}}) {
    HybridOptions options;
    options.group_size = static_cast<uint32_t>(group_size);
    options.block_minibatches = 3;
    options.compression.threshold = threshold;
    const auto work = [&](Transport& transport) {
      Softmax learner;
      HybridTraining training(transport, learner, kMinibatch, options);
      training.run(6);
      training.finish();
    };
    const uint64_t n_messages = run_damaged(work, ~uint64_t{0}).n_messages;
    for (uint64_t damaged = 0; damaged < n_messages; damaged += 5) {
      const Outcome run = run_damaged(work, damaged);
      EXPECT_THAT(run.failure, HasSubstr("was changed on its way")) << "message " << damaged << " of " << n_messages;
      // Who has heard in the end that all have the same model is done.
      if (damaged + kMessagesOfTheLastWord >= n_messages) continue;
      EXPECT_EQ(run.n_failed, int{kWorkers}) << "message " << damaged;
    }
  }
}

}  // namespace
}  // namespace coppice
