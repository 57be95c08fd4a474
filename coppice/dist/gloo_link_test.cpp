// SPDX-License-Identifier: Apache-2.0
//
// The operations between processes, on the loopback interface.
#include "coppice/dist/gloo_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/hybrid.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/softmax_learner.h"
#include "coppice/dist/store.h"

namespace coppice {
namespace {

using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::Eq;
using ::testing::HasSubstr;

/// Whether it comes to that before a minute is over.
bool in_time(const std::function<bool()>& is_so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!is_so() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return is_so();
}

void expect_time_out(const std::function<void()>& work, const std::string& words) {
  try {
    work();
    ADD_FAILURE() << "no time-out, though " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), EndsWith(words));
  }
}

/// Workers that are threads here and know nothing of it.
void run_by_gloo(uint32_t n_workers, const std::function<void(Transport&)>& work) {
  const StoreServer store("127.0.0.1", 0);
  std::mutex mutex;
  std::exception_ptr first;
  {
    std::vector<std::jthread> threads;
    for (uint32_t worker = 0; worker < n_workers; ++worker) {
      threads.emplace_back([&, worker] {
        try {
          GlooOptions options;
          options.store_host = "127.0.0.1", options.store_port = store.port(), options.address = "127.0.0.1";
          options.seconds = 20;
          MessageTransport transport(connect_by_gloo(worker, n_workers, options));
          transport.set_time_limit(20);
          work(transport);
          transport.barrier();  // who leaves first must not look dead
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (!first) first = std::current_exception();
        }
      });
    }
  }
  if (first) std::rethrow_exception(first);
}

/// They do not meet in the end.
void run_until_one_fails(uint32_t n_workers, const std::function<void(Transport&)>& work) {
  try {
    run_by_gloo(n_workers, work);
  } catch (const Error&) {
  }
}

TEST(Gloo, OperationsGiveTheBitsOfOneProcess) {
  const auto results_of = [](const auto& run) {
    std::vector<std::vector<float>> results(5);
    run(5, [&](Transport& transport) {
      Random random(transport.rank() + 1);
      std::vector<float> values(100'001);
      for (float& value : values) value = static_cast<float>(random.uniform() - 0.3);
      transport.all_reduce(values);
      const auto gathered = transport.all_gather(std::as_bytes(std::span(values)).first(40 * transport.rank()));
      for (const auto& bytes : gathered) values.push_back(static_cast<float>(bytes.size()));
      const uint32_t own = transport.rank() % 2;
      const auto group = transport.subgroup(own == 0 ? std::vector<uint32_t>{0, 2, 4} : std::vector<uint32_t>{1, 3});
      values.resize(values.size() + 10, 0.1F * float(transport.rank()));
      group->all_reduce(std::span(values).last(10));
      transport.broadcast(std::as_writable_bytes(std::span(values).first(1000 + 1000 * own)).first(4000), 3);
      results[transport.rank()] = values;
    });
    return results;
  };
  const auto in_memory = [](uint32_t n, const auto& work) { run_workers(n, 2, work); };
  EXPECT_EQ(results_of(run_by_gloo), results_of(in_memory));
}

/// Two threads of each worker are at work with others at a time.
TEST(Gloo, TrainingThatOverlapsWithTheExchangeOfModelsGivesTheBitsOfOneProcess) {
  using namespace testing_learner;
  const auto models_of = [](const auto& run) {
    std::vector<std::vector<float>> models(6);
    run(6, [&](Transport& transport) {
      Softmax learner;
      HybridOptions options;
      options.group_size = 3, options.block_minibatches = 4;
      options.overlap = {3, 4};
      options.compression.threshold = 0.5;
      HybridTraining training(transport, learner, kMinibatch, options);
      training.run(21);
      training.finish();
      models[transport.rank()].assign(learner.parameters().begin(), learner.parameters().end());
    });
    return models;
  };
  const auto in_memory = [](uint32_t n, const auto& work) { run_workers(n, 2, work); };
  const auto models = models_of(run_by_gloo);
  EXPECT_EQ(models, models_of(in_memory));
  EXPECT_EQ(models[0], models[5]);
}

TEST(Gloo, WhenModelsAreUnderWayAWorkerThatFailsEndsBothThreadsOfTheOthers) {
  using namespace testing_learner;
  std::atomic<int> told = 0;
  try {
    run_by_gloo(4, [&](Transport& transport) {
      Softmax learner;
      if (transport.rank() == 1) learner.broken_at = 9 * 4 + 1;
      HybridOptions options;
      options.group_size = 2, options.block_minibatches = 4;
      options.overlap = {4, 4};
      HybridTraining training(transport, learner, kMinibatch, options);
      try {
        training.run(100);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("a gradient is no finite number"));
        ++told;
        throw;
      }
    });
  } catch (const Error&) {
  }
  EXPECT_EQ(told, 4);
}

TEST(Gloo, AWorkerThatGivesUpEndsTheOthersAndSaysWhy) {
  std::atomic<int> told = 0;
  try {
    run_by_gloo(3, [&](Transport& transport) {
      if (transport.rank() == 1) {
        transport.abort("the disk is full");
        throw Error(ErrorCode::io, "the disk is full");
      }
      try {
        transport.barrier();
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::remote);
        EXPECT_THAT(error.what(), HasSubstr("the disk is full"));
        ++told;
        throw;
      }
    });
    FAIL();
  } catch (const Error&) {
  }
  EXPECT_EQ(told, 2);
}

TEST(Gloo, AnotherThreadEndsTheWait) {
  std::atomic<int> ended = 0;
  try {
    run_by_gloo(2, [&](Transport& transport) {
      if (transport.rank() == 1) {
        in_time([&] { return ended > 0; });
        throw Error(ErrorCode::remote, "over");
      }
      std::jthread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        transport.abort("worker 1 gives no sign of life");
      });
      try {
        std::vector<float> values(10);
        transport.all_reduce(values);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::remote);
        EXPECT_THAT(error.what(), HasSubstr("worker 1 gives no sign of life"));
        ++ended;
        throw;
      }
    });
  } catch (const Error&) {
  }
  EXPECT_EQ(ended, 1);
}

TEST(Gloo, AWorkerThatDoesNotComeIsNamed) {
  const StoreServer store("127.0.0.1", 0);
  GlooOptions options;
  options.store_host = "127.0.0.1", options.store_port = store.port(), options.address = "127.0.0.1";
  options.seconds = 0.2;
  try {
    connect_by_gloo(0, 2, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr("workers that did not come in time: 1"));
  }
}

/// By all, also by those that wait for one who waits for it; and it hears of that itself, when it comes.
void expect_slow_one_named(uint32_t n_workers) {
  std::atomic<uint32_t> late = 0;
  run_until_one_fails(n_workers, [&](Transport& transport) {
    transport.barrier();
    transport.set_time_limit(0.5);
    std::vector<float> values(10);
    const auto work = [&] { transport.all_reduce(values); };
    if (transport.rank() != 1) {
      expect_time_out(work, "workers that did not come in time: 1");
      ++late;
    } else if (in_time([&] { return late + 1 == n_workers; })) {
      expect_time_out(work, "the other workers gave up waiting for this one");
    }
  });
  EXPECT_EQ(late + 1, n_workers);
}

TEST(Gloo, AWorkerThatIsSlowIsNamed) {
  expect_slow_one_named(2);
  expect_slow_one_named(7);
}

TEST(Gloo, WhoHasNoPartInWhatIsLateIsNotNamed) {
  std::atomic<uint32_t> late = 0;
  run_until_one_fails(4, [&](Transport& transport) {
    transport.barrier();
    transport.set_time_limit(0.5);
    if (transport.rank() == 0) {
      expect_time_out([&] { transport.receive(1); }, "workers that did not come in time: 1");
      ++late;
    } else {
      EXPECT_TRUE(in_time([&] { return late == 1; }));
    }
  });
}

TEST(Gloo, ALostConnectionEndsTheWaitOfAllThreads) {
  std::atomic<int> ended = 0;
  try {
    run_by_gloo(3, [&](Transport& transport) {
      const auto beside = transport.duplicate();
      if (transport.rank() == 2) throw Error(ErrorCode::remote, "this one goes without a word");
      if (transport.rank() == 1) {
        in_time([&] { return ended == 2; });
        return;
      }
      const auto begin = std::chrono::steady_clock::now();
      const auto wait_for = [&](Transport& by, uint32_t from) {
        EXPECT_THROW(by.receive(from), Error);
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
        ++ended;
      };
      const std::jthread other([&] { wait_for(*beside, 1); });  // who is there, and says nothing
      wait_for(transport, 2);
    });
  } catch (const Error&) {
  }
  EXPECT_EQ(ended, 2);
}

TEST(Gloo, AnAddressThatIsNotKnownIsNamed) {
  const StoreServer store("127.0.0.1", 0);
  GlooOptions options;
  options.store_host = "127.0.0.1", options.store_port = store.port(), options.address = "no such host";
  EXPECT_THAT([&] { connect_by_gloo(0, 1, options); },
              testing::ThrowsMessage<Error>(HasSubstr("the address 'no such host' is not known")));
}

TEST(Gloo, WorkersThatDoNotAgreeHowManyTheyAreAreNamed) {
  const StoreServer store("127.0.0.1", 0);
  std::jthread other;
  std::atomic<int> refused = 0;
  const auto connect = [&](uint32_t worker, uint32_t n_workers) {
    GlooOptions options;
    options.store_host = "127.0.0.1", options.store_port = store.port(), options.address = "127.0.0.1";
    options.seconds = 20;
    try {
      connect_by_gloo(worker, n_workers, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(std::string(error.what()), AnyOf(Eq("worker 0 is one of 2, worker 1 is one of 3"),
                                                   Eq("worker 1 is one of 3, worker 0 is one of 2")));
      ++refused;
    }
  };
  other = std::jthread([&] { connect(1, 3); });
  connect(0, 2);
  other.join();
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace coppice
