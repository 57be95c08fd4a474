// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "coppice/core/error.h"
#include "coppice/flow/journal/forked_process.h"
#include "coppice/flow/journal/journal_checks.h"
#include "coppice/flow/journal/journal_memory.h"
#include "coppice/flow/journal/journal_sqlite.h"
#include "coppice/flow/journal/lease_owner.h"
#include "coppice/flow/journal/row_checksum.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

class EveryStore : public ::testing::TestWithParam<std::tuple<std::string, StoreCheck>> {
 protected:
  StoreUnderTest store_of(const std::string& kind) {
    StoreUnderTest store;
    const auto clock = [now = store.now] { return *now; };
    if (kind == "Memory") {
      store.has_connections = false;
      store.open = [clock] { return open_memory_journal(clock, kSmallCache); };
    } else {
      SqliteJournalOptions options;
      options.clock = clock;
      options.cache = kSmallCache;
      if (kind == "SqlitePower") options.durability = Durability::power;
      store.open = [path = folder_.path() / "journal.db", options] { return open_sqlite_journal(path, options); };
    }
    return store;
  }

 private:
  TemporaryFolder folder_{TemporaryFolder::quick()};
};

TEST_P(EveryStore, DoesWhatAStoreMust) {
  const auto& [kind, check] = GetParam();
  StoreUnderTest store = store_of(kind);
  check.run(store);
}

INSTANTIATE_TEST_SUITE_P(, EveryStore,
                         ::testing::Combine(::testing::Values("Memory", "Sqlite", "SqlitePower"),
                                            ::testing::ValuesIn(store_checks())),
                         [](const auto& test) { return std::get<0>(test.param) + std::get<1>(test.param).name; });

TEST(Journal, IsOpenedByItsName) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "plain.db";
  open_journal(file, Durability::process)->create(run_named("r"));
  EXPECT_TRUE(open_journal("sqlite:" + file, Durability::power)->find("r"));
  EXPECT_TRUE(open_journal("memory:", Durability::process)->list(1).empty());
  for (const char* wrong : {"", "sqlite:", "mysql://root:secret@host/db"}) {
    try {
      open_journal(wrong, Durability::process);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_EQ(error.message().find("secret"), std::string::npos);
    }
  }
}

/// Our own name with another number of the process, and its start.
std::string owner_of(pid_t process, const std::string& start) {
  const std::string own = journal_owner();
  const size_t number = own.find('/'), own_start = own.find('/', number + 1), rest = own.find('/', own_start + 1);
  return own.substr(0, number + 1) + std::to_string(process) + "/" + start + own.substr(rest);
}

std::string start_of(const std::string& owner) {
  const size_t begin = owner.find('/', owner.find('/') + 1) + 1;
  return owner.substr(begin, owner.find('/', begin) - begin);
}

TEST(LeaseOwner, KnowsWhoLives) {
  const std::string own = journal_owner();
  EXPECT_EQ(life_of(own), OwnerLife::alive);
  EXPECT_EQ(owner_text(own), "process " + std::to_string(::getpid()) + " on this machine");
  EXPECT_EQ(life_of(owner_of(::getpid(), start_of(own) + "1")), OwnerLife::dead) << "the number was given again";
  EXPECT_EQ(life_of(owner_of(1 << 30, "5")), OwnerLife::dead);
  for (const std::string& other : {own + "0", "x" + own, own + "/y", std::string(), std::string("somebody"),
                                   std::string("host/12/3"), std::string("host/0/3/b/p"), std::string("h/-1/3/b/p")}) {
    EXPECT_EQ(life_of(other), OwnerLife::unknown) << other;
  }
  EXPECT_EQ(owner_text("buildbox/17/3/boot/pid:[1]"), "process 17 on buildbox");
  EXPECT_EQ(owner_text("somebody"), "'somebody'");
}

TEST(LeaseOwner, KnowsOfAProcessThatNobodyWaitedForYet) {
  const ForkedProcess child([](int) { return 0; });
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(child.id()), &ended, WEXITED | WNOWAIT);
  const std::string own = journal_owner();
  // Its start may be ours or later; what counts is that it is over.
  EXPECT_EQ(life_of(owner_of(child.id(), start_of(own))), OwnerLife::dead);
}

TEST(LeaseOwner, AProcessOnThisMachineKeepsItsRunsWhateverTheClockSays) {
  auto now = std::make_shared<int64_t>(1'000'000'000'000);
  const auto store = open_memory_journal([now] { return *now; });
  store->create(run_named("r"));
  store->take("r", journal_owner(), 1);
  *now += 3'600'000'000'000;
  EXPECT_THROW(store->take("r", "somebody else", 1), Error);
}

TEST(LeaseOwner, ADeadProcessHasNoRuns) {
  const auto store = open_memory_journal();
  store->create(run_named("r"));
  store->take("r", owner_of(1 << 30, "5"), 3600);
  EXPECT_NO_THROW(store->take("r", journal_owner(), 1));
}

TEST(RowChecksum, TellsFieldsApart) {
  EXPECT_EQ((RowChecksum() << "ab" << 1).value(), (RowChecksum() << "ab" << 1).value());
  EXPECT_NE((RowChecksum() << "ab"
                           << "c")
                .value(),
            (RowChecksum() << "a"
                           << "bc")
                .value());
  EXPECT_NE((RowChecksum() << 1 << 2).value(), (RowChecksum() << 2 << 1).value());
}

}  // namespace
}  // namespace coppice
