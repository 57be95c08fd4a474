// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/dist/in_process.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using Work = std::function<void(Transport&)>;

/// Both ways to run workers in one process.
struct Way {
  const char* name;
  void (*run)(uint32_t n_workers, const Work& work);
};
void PrintTo(const Way& way, std::ostream* out) {
  *out << way.name;
}
const Way kWays[] = {{"shared_memory", [](uint32_t n, const Work& work) { run_workers(n, 2, work); }},
                     {"messages", [](uint32_t n, const Work& work) { run_workers_by_messages(n, work); }}};

class TransportOf : public ::testing::TestWithParam<Way> {
 protected:
  static void run(uint32_t n_workers, const Work& work) { GetParam().run(n_workers, work); }
};
INSTANTIATE_TEST_SUITE_P(InProcess, TransportOf, ::testing::ValuesIn(kWays),
                         [](const auto& test) { return std::string(test.param.name); });

/// What a worker brings: numbers whose sum depends on the order.
std::vector<float> values_of(uint32_t worker, size_t count) {
  Random random(worker + 1);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform()) * std::exp2(float(random.below(20)));
  return values;
}

std::vector<float> sum_in_order(const std::vector<uint32_t>& workers, size_t count) {
  std::vector<float> sums = values_of(workers.front(), count);
  for (size_t i = 1; i < workers.size(); ++i) {
    const std::vector<float> more = values_of(workers[i], count);
    for (size_t k = 0; k < count; ++k) sums[k] += more[k];
  }
  return sums;
}

std::vector<uint32_t> first_workers(uint32_t n) {
  std::vector<uint32_t> workers;
  while (workers.size() < n) workers.push_back(static_cast<uint32_t>(workers.size()));
  return workers;
}

TEST_P(TransportOf, SumsAreTakenInTheOrderOfTheRanks) {
  for (const uint32_t n : {1, 2, 3, 5, 8}) {
    run(n, [&](Transport& transport) {
      for (const size_t count : {size_t{1}, size_t{7}, size_t{16384}, size_t{70001}, size_t{0}}) {
        std::vector<float> values = values_of(transport.rank(), count);
        transport.all_reduce(values);
        if (count == 0) continue;
        EXPECT_EQ(values, sum_in_order(first_workers(n), count)) << n << " workers";
      }
    });
  }
}

TEST_P(TransportOf, MessagesOfAnySizeAreGathered) {
  const auto message_of = [](uint32_t worker) {
    return std::vector<std::byte>(worker % 3 == 1 ? 0 : 1000 * worker, static_cast<std::byte>(worker));
  };
  for (const uint32_t n : {1, 2, 3, 4, 7}) {
    run(n, [&](Transport& transport) {
      const auto all = transport.all_gather(message_of(transport.rank()));
      ASSERT_EQ(all.size(), n);
      for (uint32_t worker = 0; worker < n; ++worker) EXPECT_EQ(all[worker], message_of(worker));
    });
  }
}

TEST_P(TransportOf, TheRootsBytesReachEveryone) {
  for (const uint32_t n : {1, 2, 3, 6}) {
    run(n, [&](Transport& transport) {
      for (uint32_t root = 0; root < n; ++root) {
        std::vector<std::byte> bytes(200'000, static_cast<std::byte>(transport.rank()));
        transport.broadcast(bytes, root);
        EXPECT_EQ(bytes, std::vector<std::byte>(200'000, static_cast<std::byte>(root)));
      }
    });
  }
}

TEST_P(TransportOf, NobodyPassesABarrierBeforeAllHaveCome) {
  std::atomic<uint32_t> come = 0;
  run(5, [&](Transport& transport) {
    for (uint32_t round = 1; round <= 20; ++round) {
      ++come;
      transport.barrier();
      EXPECT_GE(come, 5 * round);
      transport.barrier();
    }
  });
}

TEST_P(TransportOf, SubgroupsSumAmongThemselvesAndHaveSubgroupsToo) {
  run(12, [](Transport& transport) {
    const uint32_t row = transport.rank() / 4, column = transport.rank() % 4;
    const std::vector<uint32_t> in_row{4 * row, 4 * row + 1, 4 * row + 2, 4 * row + 3};
    const std::vector<uint32_t> in_column{column, column + 4, column + 8};
    const auto rows = transport.subgroup(in_row), columns = transport.subgroup(in_column);
    EXPECT_EQ(rows->rank(), column);
    EXPECT_EQ(columns->rank(), row);
    EXPECT_EQ(columns->size(), 3u);
    const std::vector<uint32_t> half{column / 2 * 2, column / 2 * 2 + 1};
    const auto pair = rows->subgroup(half);
    for (int round = 0; round < 3; ++round) {
      for (auto [group, members] :
           {std::pair{rows.get(), in_row}, std::pair{columns.get(), in_column},
            std::pair{pair.get(), std::vector<uint32_t>{4 * row + half[0], 4 * row + half[1]}}}) {
        std::vector<float> values = values_of(transport.rank(), 500);
        group->all_reduce(values);
        EXPECT_EQ(values, sum_in_order(members, 500));
      }
    }
  });
}

TEST_P(TransportOf, MessagesFromOneToAnotherKeepTheirOrderAndSize) {
  const auto message_of = [](uint32_t from, uint32_t to, uint32_t number) {
    return std::vector<std::byte>(100'000 * (number % 2) + from * 10 + to, static_cast<std::byte>(number));
  };
  run(4, [&](Transport& transport) {
    const uint32_t own = transport.rank();
    for (uint32_t number = 0; number < 3; ++number) {  // all to the first one, and it answers
      if (own > 0) {
        transport.send(message_of(own, 0, number), 0);
        EXPECT_EQ(transport.receive(0), message_of(0, own, number));
        continue;
      }
      for (uint32_t other = 3; other > 0; --other) {
        EXPECT_EQ(transport.receive(other), message_of(other, 0, number));
        transport.send(message_of(0, other, number), other);
      }
    }
    const std::vector<uint32_t> half{own / 2 * 2, own / 2 * 2 + 1};
    const auto pair = transport.subgroup(half);
    if (pair->rank() == 1) pair->send(message_of(0, 0, 5), 0);
    if (pair->rank() == 1) return;
    EXPECT_EQ(pair->receive(1), message_of(0, 0, 5));
  });
}

TEST_P(TransportOf, WhoSendsNothingInTimeIsNamed) {
  std::atomic<bool> ended = false;
  try {
    run(2, [&](Transport& transport) {
      if (transport.rank() == 1) {
        while (!ended) std::this_thread::yield();
        return;
      }
      struct End {
        std::atomic<bool>& ended;
        ~End() { ended = true; }
      } const end{ended};
      transport.set_time_limit(0.05);
      transport.receive(1);
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr("workers that did not come in time: 1"));
  }
}

TEST_P(TransportOf, AnAbortEndsTheWaitForAMessage) {
  run(2, [](Transport& transport) {
    if (transport.rank() == 0) return transport.abort("the disk is full");
    try {
      transport.receive(0);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::remote);
      EXPECT_THAT(error.what(), HasSubstr("the disk is full"));
    }
  });
}

TEST_P(TransportOf, WhatOneThrowsEndsTheOthersAndComesBack) {
  const auto failing = [](Transport& transport) {
    if (transport.rank() == 2) throw Error(ErrorCode::data, "a number that is none");
    std::vector<float> values(100);
    for (int i = 0; i < 3; ++i) transport.all_reduce(values);
  };
  try {
    run(4, failing);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    EXPECT_STREQ(error.what(), "a number that is none");
  }
}

TEST_P(TransportOf, WhoDoesNotComeInTimeIsNamed) {
  std::atomic<int> ended = 0;
  try {
    run(3, [&](Transport& transport) {
      transport.set_time_limit(0.05);
      if (transport.rank() == 1) {
        while (ended == 0) std::this_thread::yield();
        return;
      }
      struct Ended {
        std::atomic<int>& count;
        ~Ended() { ++count; }
      } const counted{ended};
      transport.barrier();
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_THAT(error.what(), HasSubstr("workers that did not come in time: 1"));
  }
}

TEST_P(TransportOf, AWorkerThatAbortsEndsTheWaitOfTheOthers) {
  std::atomic<int> aborted = 0;
  run(3, [&](Transport& transport) {
    if (transport.rank() == 0) return transport.abort("the disk is full");
    try {
      transport.barrier();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::remote);
      EXPECT_THAT(error.what(), HasSubstr("the disk is full"));
      ++aborted;
    }
  });
  EXPECT_EQ(aborted, 2);
}

TEST(Transport, WhoGaveUpHasNotCome) {
  std::atomic<bool> gave_up = false;
  run_workers(2, 2, [&](Transport& transport) {
    std::vector<float> values(1000, 1);
    while (transport.rank() == 1 && !gave_up) std::this_thread::yield();
    transport.set_time_limit(0.02);
    try {
      transport.all_reduce(values);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::timeout);
      EXPECT_THAT(error.what(), HasSubstr(transport.rank() == 0 ? "in time: 1" : "in time: 0"));
    }
    gave_up = true;
  });
}

TEST(Transport, WhoFailsWhileOthersLookAtWhatItBroughtLeavesNobodyWaiting) {
  try {
    run_workers(3, 2, [](Transport& transport) {
      std::vector<float> values(transport.rank() == 2 ? 5 : 4);
      transport.all_reduce(values);
      transport.barrier();
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("all reduce as many values"));
  }
}

/// Sums up what all workers sent, by operation.
std::vector<uint64_t> traffic_of(const Way& way, uint32_t n) {
  std::vector<uint64_t> bytes(6 * n);
  way.run(n, [&](Transport& transport) {
    std::vector<float> values(100'000);
    const std::span<std::byte> all = std::as_writable_bytes(std::span(values));
    const Work operations[] = {[&](Transport& t) { t.all_reduce(values); },
                               [&](Transport& t) { t.all_gather(all.first(10 * t.rank())); },
                               [&](Transport& t) { t.broadcast(all, n / 2); }, [](Transport& t) { t.barrier(); },
                               [&](Transport& t) {
                                 if (t.rank() == 0) t.send(all.first(99), n - 1);
                                 if (t.rank() == n - 1) t.receive(0);
                               }};
    size_t at = 6 * transport.rank();
    for (const Work& work : operations) {
      const Traffic before = transport.traffic();
      work(transport);
      bytes[at++] = transport.traffic().bytes_sent - before.bytes_sent;
    }
    EXPECT_EQ(transport.traffic().operations, 4u + (transport.rank() == 0) + (transport.rank() == n - 1));
    bytes[at] = transport.traffic().bytes_received;
  });
  return bytes;
}

TEST(Transport, SharedMemoryCountsWhatMessagesWouldSend) {
  for (const uint32_t n : {2, 3, 5, 8}) EXPECT_EQ(traffic_of(kWays[0], n), traffic_of(kWays[1], n)) << n << " workers";
}

}  // namespace
}  // namespace coppice
