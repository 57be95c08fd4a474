// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/awaitable.h"  // before other headers of coroutines

#include "coppice/flow/journal/group_commit.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>

#include "coppice/core/error.h"
#include "coppice/flow/journal/journal_checks.h"
#include "coppice/flow/journal/journal_memory.h"

namespace coppice {
namespace {

class GroupCommitTest : public ::testing::Test {
 protected:
  GroupCommitTest() {
    store->create(run_named("r"));
    commits.emplace(loop.get_executor(), *store, "r");
  }

  void start(Awaitable<void> work) { boost::asio::co_spawn(loop, std::move(work), boost::asio::detached); }

  Awaitable<void> chain(int steps) {
    for (int i = 0; i < steps; ++i) {
      co_await commits->commit(note_of(std::to_string(i)));
      ++done;
    }
  }
  Awaitable<void> write(JournalOperation operation, std::optional<std::string>& short_of, uint64_t& sequence) {
    const JournalOperation written = co_await commits->commit(std::move(operation));
    short_of = written.short_of;
    sequence = written.sequence;
  }
  /// Waits until others have run, `turns` times, before it writes.
  Awaitable<void> late(int turns) {
    for (int i = 0; i < turns; ++i) co_await boost::asio::post(loop, boost::asio::use_awaitable);
    co_await commits->commit(note_of("late"));
    ++done;
  }
  Awaitable<void> expect_failure(std::string what) {
    try {
      co_await commits->commit(note_of("x"));
      ADD_FAILURE() << "was committed";
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(what), std::string::npos) << error.message();
      ++done;
    }
  }

  std::unique_ptr<JournalStore> store = open_memory_journal();
  boost::asio::io_context loop{1};
  std::optional<GroupCommit> commits;
  int done = 0;
};

TEST_F(GroupCommitTest, StepsSideBySideCostOneTransaction) {
  for (int i = 0; i < 1000; ++i) start(chain(1));
  loop.run();
  EXPECT_EQ(done, 1000);
  EXPECT_EQ(commits->batches(), 1U);
  EXPECT_EQ(store->events("r").size(), 1000U);
}

TEST_F(GroupCommitTest, EachStepOfAChainHasItsOwn) {
  start(chain(10));
  loop.run();
  EXPECT_EQ(commits->batches(), 10U);
  EXPECT_EQ(store->events("r").back().payload, "9");
}

TEST_F(GroupCommitTest, ChainsSideBySideShareTheirs) {
  for (int i = 0; i < 1000; ++i) start(chain(5));
  loop.run();
  EXPECT_EQ(done, 5000);
  EXPECT_EQ(commits->batches(), 5U);
}

TEST_F(GroupCommitTest, WhoComesLaterIsWrittenLater) {
  for (int turns = 0; turns < 4; ++turns) start(late(turns));
  loop.run();
  EXPECT_EQ(done, 4);
  EXPECT_GT(commits->batches(), 1U);
}

TEST_F(GroupCommitTest, WritesWhatNobodyWaitsForInItsOrder) {
  commits->append(note_of("1").event);
  start(chain(1));
  commits->append(note_of("2").event);
  EXPECT_TRUE(store->events("r").empty());
  commits->flush();
  EXPECT_EQ(store->events("r").size(), 2U);
  commits->append(note_of("3").event);
  loop.run();
  const std::vector<Event> events = store->events("r");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[2].payload, "3");
  EXPECT_GT(events[0].at_nanoseconds, 0);
  commits->flush();  // of nothing
  EXPECT_EQ(commits->batches(), 3U);
}

TEST_F(GroupCommitTest, SaysWhatCameOfEach) {
  std::vector<std::optional<std::string>> short_of(3);
  std::vector<uint64_t> sequences(3);
  for (uint32_t i = 0; i < 3; ++i) {
    JournalOperation intent{event_of(EventKind::call_intended, "s", {60}), {{"b", {130}}}, 0, {}};
    intent.event.call = i + 1;
    start(write(std::move(intent), short_of[i], sequences[i]));
  }
  loop.run();
  EXPECT_EQ(sequences, (std::vector<uint64_t>{1, 2, 0}));
  EXPECT_EQ(short_of[1], std::nullopt);
  EXPECT_EQ(short_of[2], "b");
}

TEST_F(GroupCommitTest, AFailureIsOneOfAllAndOfTheRun) {
  commits.emplace(loop.get_executor(), *store, "another");
  for (int i = 0; i < 3; ++i) start(expect_failure("no run 'another'"));
  loop.run();
  EXPECT_EQ(done, 3);
  store->create(run_named("another"));
  loop.restart();
  start(expect_failure("no run 'another'"));
  commits->append(note_of("lost").event);
  loop.run();
  EXPECT_EQ(done, 4);
  EXPECT_THROW(commits->flush(), Error);
  EXPECT_TRUE(store->events("another").empty());
}

TEST_F(GroupCommitTest, MayEndBeforeItsLoopHasRun) {
  commits->append(note_of("lost").event);
  commits.reset();
  loop.run();
  EXPECT_TRUE(store->events("r").empty());
}

TEST_F(GroupCommitTest, LetsGoOfThoseWhoWaitWhenTheLoopStops) {
  start(chain(5));
  loop.run_one();
  loop.run_one();
  EXPECT_LT(done, 5);
  commits.reset();  // what is left of the coroutine ends with it, or with the loop
}

}  // namespace
}  // namespace coppice
