// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_postgres.h"

#include <gtest/gtest.h>

#include <functional>

#include "coppice/core/error.h"
#include "coppice/flow/journal/forked_process.h"
#include "coppice/flow/journal/journal_checks.h"
#include "coppice/flow/journal/postgres_connection.h"
#include "coppice/flow/journal/postgres_server.h"

namespace coppice {
namespace {

#ifndef COPPICE_WITH_POSTGRES

TEST(PostgresJournal, WithoutItsLibraryNamesThePackage) {
  try {
    open_journal("postgresql://u:secret@h/d", Durability::process);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(error.message().find("libpq-dev"), std::string::npos);
    EXPECT_EQ(error.message().find("secret"), std::string::npos);
  }
}

#else

std::string fault_of(const std::function<void()>& act) {
  try {
    act();
    return {};
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.message();
  }
}

/// One server for all tests of a program; each has a schema of its own.
class PostgresJournalTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server() = PostgresServer::start(why_not()); }
  static void TearDownTestSuite() { server().reset(); }

  void SetUp() override {
    if (!server()) GTEST_SKIP() << why_not();
  }

  static std::unique_ptr<PostgresServer>& server() {
    static std::unique_ptr<PostgresServer> started;
    return started;
  }
  static std::string& why_not() {
    static std::string text;
    return text;
  }

  static PostgresConnection::Session session() { return {std::chrono::milliseconds(1000), "on"}; }
  /// The URL of a schema that is made now.
  static std::string fresh(const std::string& schema) {
    PostgresConnection(server()->url(), session()).run("CREATE SCHEMA " + schema);
    return server()->url(schema);
  }
  static std::unique_ptr<JournalStore> open_quickly(const std::string& url) {
    PostgresJournalOptions options;
    options.timeout = std::chrono::milliseconds(20);
    return open_postgres_journal(url, options);
  }
};

TEST_F(PostgresJournalTest, DoesWhatEveryStoreMust) {
  for (const StoreCheck& check : store_checks()) {
    SCOPED_TRACE(check.name);
    StoreUnderTest store;
    PostgresJournalOptions options;
    options.clock = [now = store.now] { return *now; };
    options.cache = kSmallCache;
    store.open = [url = fresh(check.name), options] { return open_postgres_journal(url, options); };
    check.run(store);
  }
}

TEST_F(PostgresJournalTest, TheServersClockCounts) {
  const std::string url = fresh("clocks");
  const auto store = open_quickly(url);
  store->create(run_named("r"));
  EXPECT_GT(store->find("r")->created_nanoseconds, 1'600'000'000'000'000'000);
  store->take("r", "far/1", 3600);
  EXPECT_NE(fault_of([&] { store->take("r", "far/2", 1); }), "");
  PostgresConnection(url, session()).run("UPDATE coppice_run_states SET owned_until = owned_until - 3600000000000");
  EXPECT_EQ(fault_of([&] { store->take("r", "far/2", 1); }), "");
}

TEST_F(PostgresJournalTest, NoMessageShowsAPassword) {
  const std::string wrong = server()->url_with_password("not the word", "public");
  for (const std::string& url :
       {wrong, std::string("postgresql://u:se@cret@host/db"), std::string("postgresql://u:se/cret@host/db"),
        std::string("postgresql://u:secret@:x/db"), std::string("postgresql://u:secret"),
        std::string("postgres://u:secret@h/d?nonsense=secret"), std::string("postgresql://u:%zzsecret@h/d"),
        std::string("postgresql://u:secret@127.0.0.1:1/d"), std::string("postgresql://u@127.0.0.1:1/d?password=secret"),
        std::string("postgresql://"), std::string("postgresql://u:secret@[::1/d")}) {
    const std::string fault = fault_of([&] { open_journal(url, Durability::process); });
    for (const char* word : {"cret", "not the", "%zz"}) EXPECT_EQ(fault.find(word), std::string::npos) << fault;
    if (url == wrong) {
      EXPECT_NE(fault.find("io: postgresql://coppice@"), std::string::npos) << fault;
      EXPECT_NE(fault.find("authentication failed"), std::string::npos) << fault;
    }
  }
}

TEST_F(PostgresJournalTest, ANewerVersionIsRefusedWithASentence) {
  const std::string url = fresh("newer");
  open_quickly(url);
  PostgresConnection(url, session()).run("UPDATE coppice_journal SET version = 2");
  const std::string fault = fault_of([&] { open_quickly(url); });
  EXPECT_TRUE(fault.starts_with("unsupported: ")) << fault;
  EXPECT_NE(fault.find("the journal has version 2, and this program knows version 1"), std::string::npos) << fault;
}

TEST_F(PostgresJournalTest, AJournalFromBeforeTheCacheGetsItsTable) {
  const std::string url = fresh("older");
  open_quickly(url)->create(run_named("r"));
  PostgresConnection(url, session()).run("DROP TABLE coppice_cache");
  open_quickly(url)->cache("k", "1", 10);
  EXPECT_EQ(open_quickly(url)->cached("k"), "1");
  EXPECT_TRUE(open_quickly(url)->find("r"));
}

TEST_F(PostgresJournalTest, LockedForLongerThanItsTimeOutIsSaidSo) {
  const std::string url = fresh("locked");
  const auto store = open_quickly(url);
  store->create(run_named("r"));
  PostgresConnection other(url, session());
  other.begin();
  other.run("LOCK TABLE coppice_run_states");
  std::vector<JournalOperation> batch{note_of("n")};
  const std::string fault = fault_of([&] { store->commit("r", batch); });
  EXPECT_NE(fault.find("io: "), std::string::npos) << fault;
  EXPECT_NE(fault.find("locked by another program"), std::string::npos) << fault;
  other.roll_back();
  EXPECT_EQ(fault_of([&] { store->commit("r", batch); }), "");
  EXPECT_EQ(batch[0].sequence, 1U);
}

TEST_F(PostgresJournalTest, TakesNoTextThatIsNone) {
  const auto store = open_quickly(fresh("texts"));
  store->create(run_named("r"));
  for (const std::string& payload : {std::string("a\0b", 3), std::string("\xff\xfe")}) {
    const std::string fault = fault_of([&] { commit_one(*store, "r", note_of(payload)); });
    EXPECT_TRUE(fault.starts_with("data: ")) << fault;
  }
  EXPECT_EQ(commit_one(*store, "r", note_of("good")).sequence, 1U);
}

TEST_F(PostgresJournalTest, AConnectionThatWasLostIsMadeAgain) {
  const std::string url = fresh("lost");
  const auto store = open_quickly(url);
  store->create(run_named("r"));
  PostgresConnection other(url, session());
  const char* kEnd =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
      "application_name = 'coppice'";
  other.run(kEnd);
  EXPECT_EQ(commit_one(*store, "r", note_of("1")).sequence, 1U) << "nothing had begun";
  EXPECT_EQ(store->events("r").size(), 1U);
}

TEST_F(PostgresJournalTest, ProcessesTogetherNeverExceedABudget) {
  constexpr int kProcesses = 3, kCalls = 40;
  const std::string url = fresh("budgets");
  const auto make_calls = [&url](int number) {
    const auto store = open_postgres_journal(url);
    const std::string run = "r" + std::to_string(number);
    store->create(run_named(run));
    store->take(run, journal_owner(), 60);
    for (uint32_t call = 1; call <= kCalls; ++call) {
      JournalOperation intent{event_of(EventKind::call_intended, "s", {100}), {{"b", {3000}}, {"a", {5000}}}, 0, {}};
      intent.event.call = call;
      if (number % 2 == 1) std::swap(intent.budgets[0], intent.budgets[1]);
      intent = commit_one(*store, run, intent);
      if (intent.short_of) return 0;
      intent.event.kind = EventKind::call_answered;
      intent.event.amount = {60};
      commit_one(*store, run, intent);
    }
    return 0;
  };
  std::vector<ForkedProcess> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back([&make_calls, i](int) { return make_calls(i); });
  }
  for (ForkedProcess& process : processes) EXPECT_EQ(process.wait(), 0);
  const auto store = open_postgres_journal(url);
  Money spent;
  for (int i = 0; i < kProcesses; ++i) {
    for (const Event& event : store->events("r" + std::to_string(i))) {
      if (event.kind == EventKind::call_answered) spent += event.amount;
    }
  }
  EXPECT_EQ(store->budget("b").spent, spent);
  EXPECT_EQ(store->budget("a").spent, spent);
  EXPECT_EQ(store->budget("b").reserved, Money{});
  EXPECT_LE(spent, Money{3000});
  EXPECT_GT(spent, Money{3000 - 100 * kProcesses});
}

TEST_F(PostgresJournalTest, AKilledProcessLeavesItsCallsReservedAndItsRunFree) {
  const std::string url = fresh("killed");
  open_quickly(url)->create(run_named("r"));
  ForkedProcess process([&url](int pipe) {
    const auto store = open_postgres_journal(url);
    store->take("r", journal_owner(), 3600);
    for (uint32_t call = 1;; ++call) {
      JournalOperation intent{event_of(EventKind::call_intended, "s", {10}), {{"b", {1'000'000}}}, 0, {}};
      intent.event.call = call;
      commit_one(*store, "r", intent);
      if (::write(pipe, &call, sizeof(call)) != sizeof(call)) return 1;
    }
  });
  uint32_t told = 0;
  while (told < 20 && ::read(process.pipe(), &told, sizeof(told)) == sizeof(told)) {
  }
  process.kill();
  process.wait();
  const auto store = open_postgres_journal(url);
  store->take("r", journal_owner(), 60);
  const auto intended = static_cast<int64_t>(store->events("r").size());
  EXPECT_GE(intended, told);
  EXPECT_EQ(store->budget("b").reserved.pico_dollars, 10 * intended);
}

#endif

}  // namespace
}  // namespace coppice
