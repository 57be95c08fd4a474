// SPDX-License-Identifier: Apache-2.0
// What can be wrong with the file that a journal is in.
#include "coppice/flow/journal/journal_sqlite.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/flow/journal/forked_process.h"
#include "coppice/flow/journal/journal_checks.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void run_sql(const fs::path& path, const char* sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
  sqlite3_close(database);
}

std::unique_ptr<JournalStore> open_quickly(const fs::path& path) {
  SqliteJournalOptions options;
  options.timeout = milliseconds(20);
  return open_sqlite_journal(path, options);
}

/// "" where nothing was thrown, else the code and the message.
std::string fault_of(const std::function<void()>& act) {
  try {
    act();
    return {};
  } catch (const Error& error) {
    return std::string(name(error.code())) + ": " + error.message();
  }
}

class SqliteJournalTest : public ::testing::Test {
 protected:
  static constexpr int kEvents = 30;

  TemporaryFolder folder_{TemporaryFolder::quick()};
  fs::path file_ = folder_.path() / "journal.db";

  /// A journal with a run, events of several pages, and budgets.
  std::unique_ptr<JournalStore> filled() {
    std::unique_ptr<JournalStore> store = open_quickly(file_);
    RunRecord run = run_named("r");
    run.workflow_text = std::string(6000, 'w');
    store->create(run);
    for (int i = 0; i < kEvents; ++i) {
      JournalOperation intent{event_of(EventKind::call_intended, "s", {10 + i}), {{"b", {100'000}}}, 0, {}};
      intent.event.call = static_cast<uint32_t>(i);
      intent.event.payload = std::string(static_cast<size_t>(i * 97), static_cast<char>('a' + i % 26));
      commit_one(*store, "r", intent);
    }
    return store;
  }

  struct Reading {
    std::string fault;
    size_t events = 0;
  };

  /// Reads all of it: what is read is a part of what was written, from its beginning, or an error.
  Reading read_all() {
    Reading reading;
    reading.fault = fault_of([&] {
      const auto store = open_quickly(file_);
      store->list(10);
      const std::optional<RunRecord> run = store->find("r");
      if (!run) return;
      EXPECT_EQ(run->workflow_text, std::string(6000, 'w'));
      const std::vector<Event> events = store->events("r");
      reading.events = events.size();
      for (size_t i = 0; i < events.size(); ++i) {
        EXPECT_EQ(events[i].sequence, i + 1);
        EXPECT_EQ(events[i].amount.pico_dollars, static_cast<int64_t>(10 + i));
        EXPECT_EQ(events[i].payload, std::string(i * 97, static_cast<char>('a' + i % 26)));
      }
      const Money reserved = store->budget("b").reserved;
      EXPECT_GE(reserved, Money{});
      if (events.size() == kEvents) commit_one(*store, "r", note_of("one more"));
    });
    if (!reading.fault.empty()) {
      EXPECT_TRUE(reading.fault.starts_with("data: ") || reading.fault.starts_with("io: ") ||
                  reading.fault.starts_with("unsupported: "))
          << reading.fault;
      EXPECT_NE(reading.fault.find(file_.string()), std::string::npos) << reading.fault;
    }
    return reading;
  }

  void put(const std::string& database, const std::string& log) {
    for (const char* end : {"", "-wal", "-shm"}) fs::remove(file_.string() + end);
    write(file_, database);
    if (!log.empty()) write(file_.string() + "-wal", log);
  }
};

TEST_F(SqliteJournalTest, ADatabaseThatWasCutOffIsAnErrorOrShorter) {
  filled();
  const std::string whole = bytes_of(file_);
  ASSERT_GT(whole.size(), 40'000U);
  for (size_t size = 0; size < whole.size(); size += size % 4096 == 0 ? 1 : size % 4096 == 1 ? 2046 : 2049) {
    put(whole.substr(0, size), {});
    const Reading reading = read_all();
    // Of one byte SQLite makes a new database, as of none: a fault of a file system of old asks for it.
    EXPECT_EQ(reading.fault.empty(), size <= 1) << "cut at " << size << " of " << whole.size();
    EXPECT_LT(reading.events, static_cast<size_t>(kEvents));
  }
}

TEST_F(SqliteJournalTest, ALogThatWasCutOffEndsWithTheLastWholeCommit) {
  const auto store = filled();  // stays open, so that the log stays
  const std::string database = bytes_of(file_), log = bytes_of(file_.string() + "-wal");
  ASSERT_GT(log.size(), 100'000U);
  size_t before = 0;
  for (size_t size = 0; size < log.size(); size += 1531) {
    put(database, log.substr(0, size));
    const Reading reading = read_all();
    EXPECT_EQ(reading.fault, "");
    EXPECT_GE(reading.events, before);
    before = reading.events;
  }
  EXPECT_GT(before, 25U);
  put(database, log);
  EXPECT_EQ(read_all().events, static_cast<size_t>(kEvents));
}

TEST_F(SqliteJournalTest, ABitThatFlippedIsNeverTakenForAnAnswer) {
  filled();
  const std::string whole = bytes_of(file_);
  Random random(5);
  size_t faults = 0;
  for (int flip = 0; flip < 400; ++flip) {
    std::string damaged = whole;
    damaged[random.below(static_cast<uint32_t>(whole.size()))] ^= static_cast<char>(1U << random.below(8));
    put(damaged, {});
    faults += read_all().fault.empty() ? 0 : 1;
  }
  EXPECT_GT(faults, 150U) << "most of the file holds events";
}

TEST_F(SqliteJournalTest, ABitThatFlippedInTheLogEndsIt) {
  const auto store = filled();
  const std::string database = bytes_of(file_), log = bytes_of(file_.string() + "-wal");
  Random random(6);
  for (int flip = 0; flip < 200; ++flip) {
    std::string damaged = log;
    damaged[random.below(static_cast<uint32_t>(log.size()))] ^= static_cast<char>(1U << random.below(8));
    put(database, damaged);
    read_all();
  }
}

TEST_F(SqliteJournalTest, RandomBytesAreNoJournal) {
  Random random(8);
  for (const size_t size : {2U, 15U, 16U, 100U, 511U, 512U, 5000U}) {
    std::string bytes(size, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    put(bytes, {});
    EXPECT_TRUE(read_all().fault.starts_with("data: ")) << size;
    EXPECT_TRUE(bytes_of(file_) == bytes) << "left as it was";
  }
}

TEST_F(SqliteJournalTest, AnotherProgramsDatabaseIsLeftAsItIs) {
  run_sql(file_, "CREATE TABLE people(name TEXT)");
  const std::string before = bytes_of(file_);
  EXPECT_NE(fault_of([&] { open_quickly(file_); })
                .find("data: " + file_.string() +
                      ": the file is an SQLite database, "
                      "but no journal"),
            std::string::npos);
  EXPECT_TRUE(bytes_of(file_) == before);
}

TEST_F(SqliteJournalTest, ANewerVersionIsRefusedWithASentence) {
  filled();
  run_sql(file_, "PRAGMA user_version = 2");
  const std::string fault = fault_of([&] { open_quickly(file_); });
  EXPECT_NE(fault.find("unsupported: "), std::string::npos) << fault;
  EXPECT_NE(fault.find("the journal has version 2, and this program knows version 1"), std::string::npos) << fault;
}

TEST_F(SqliteJournalTest, AJournalFromBeforeTheCacheGetsItsTable) {
  filled();
  run_sql(file_, "DROP TABLE cache");
  open_quickly(file_)->cache("k", "1", 10);
  EXPECT_EQ(open_quickly(file_)->cached("k"), "1");
  EXPECT_EQ(open_quickly(file_)->events("r").size(), static_cast<size_t>(kEvents));
}

TEST_F(SqliteJournalTest, ADamagedOutputIsNotGiven) {
  open_quickly(file_)->cache("k", "12345", 10);
  run_sql(file_, "UPDATE cache SET value = '12354'");
  EXPECT_NE(fault_of([&] { open_quickly(file_)->cached("k"); }).find("the cached output 'k' is damaged"),
            std::string::npos);
}

TEST_F(SqliteJournalTest, AMissingTableIsDamage) {
  filled();
  run_sql(file_, "DROP TABLE reservations");
  EXPECT_TRUE(fault_of([&] { open_quickly(file_); }).starts_with("io: "));
}

TEST_F(SqliteJournalTest, AnEventThatIsMissingIsDamage) {
  filled();
  run_sql(file_, "DELETE FROM events WHERE id % 4294967296 = 7");
  EXPECT_NE(fault_of([&] { open_quickly(file_)->events("r"); }).find("event 7 of the run 'r' is damaged"),
            std::string::npos);
}

TEST_F(SqliteJournalTest, LockedForLongerThanItsTimeOutIsSaidSo) {
  const auto store = filled();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::vector<JournalOperation> batch{note_of("n")};
  const std::string fault = fault_of([&] { store->commit("r", batch); });
  EXPECT_TRUE(fault.starts_with("io: ")) << fault;
  EXPECT_NE(fault.find("locked by another program, for longer than 0.02 seconds"), std::string::npos) << fault;
  EXPECT_EQ(batch[0].sequence, 0U);
  EXPECT_EQ(store->events("r").size(), static_cast<size_t>(kEvents)) << "who reads need not wait";
  sqlite3_close(other);
  store->commit("r", batch);
  EXPECT_EQ(batch[0].sequence, static_cast<uint64_t>(kEvents + 1));
}

TEST_F(SqliteJournalTest, AnOpenedFileIsWaitedForWhileAnotherOneMakesIt) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_NE(fault_of([&] { open_quickly(file_); }).find("locked"), std::string::npos);
  sqlite3_close(other);
  EXPECT_EQ(fault_of([&] { open_quickly(file_); }), "");
}

TEST_F(SqliteJournalTest, NamesThatSqliteTakesForSomethingElseAreFiles) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  for (const char* odd : {"file:x?mode=memory", ":memory:x", "-x", "a b%20c#d"}) {
    open_quickly(odd)->create(run_named("r"));
    EXPECT_TRUE(fs::exists(odd)) << odd;
  }
  fs::current_path(before);
}

TEST_F(SqliteJournalTest, WhatIsNoPlaceForAFileIsSaidSo) {
  EXPECT_TRUE(fault_of([&] { open_quickly(folder_.path()); }).starts_with("io: "));
  EXPECT_TRUE(fault_of([&] { open_quickly(folder_.path() / "none" / "journal.db"); }).starts_with("io: "));
  write(folder_.path() / "file", "x");
  EXPECT_TRUE(fault_of([&] { open_quickly(folder_.path() / "file" / "journal.db"); }).starts_with("io: "));
}

/// As somebody who is not root, whom no mode holds back. Runs in a process of its own, which root can leave.
int as_nobody(const std::function<int()>& work) {
  ForkedProcess process([&](int) {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
      return 77;
    return work();
  });
  return process.wait();
}

TEST_F(SqliteJournalTest, WhatCannotBeWrittenIsSaidSo) {
  filled();
  const auto is_io_fault = [&] {
    const std::string fault = fault_of([&] { open_quickly(file_)->create(run_named("another")); });
    if (fault.starts_with("io: ") && fault.find("folder must be") != std::string::npos) return 0;
    ADD_FAILURE() << fault;
    return 1;
  };
  fs::permissions(folder_.path(), fs::perms(0555));
  fs::permissions(file_, fs::perms(0666));
  EXPECT_EQ(as_nobody(is_io_fault), 0) << "a folder";
  fs::permissions(folder_.path(), fs::perms(0777));
  fs::permissions(file_, fs::perms(0444));
  EXPECT_EQ(as_nobody(is_io_fault), 0) << "a file";
  fs::permissions(file_, fs::perms(0644));
  EXPECT_EQ(read_all().events, static_cast<size_t>(kEvents));
}

/// Fills the disk while `store` writes; 0 where all is as it must be.
int fill(JournalStore& store, const std::function<void()>& make_room) {
  size_t written = store.events("r").size();
  std::string fault;
  for (int i = 0; i < 100 && fault.empty(); ++i) {
    std::vector<JournalOperation> batch(4, note_of(std::string(40'000, 'x')));
    JournalOperation intent{event_of(EventKind::call_intended, "full", {1}), {{"full", {100'000}}}, 0, {}};
    intent.event.call = static_cast<uint32_t>(i);
    batch.push_back(intent);
    fault = fault_of([&] { store.commit("r", batch); });
    if (fault.empty()) written += batch.size();
  }
  if (!fault.starts_with("io: ") || fault.find("is there still") == std::string::npos) return 2;
  const auto is_as_written = [&] {
    return store.events("r").size() == written &&
           store.budget("full").reserved.pico_dollars == static_cast<int64_t>(written - 30) / 5;
  };
  if (!is_as_written()) return 3;
  make_room();
  commit_one(store, "r", note_of("there is room again"));
  ++written;
  return store.events("r").size() == written ? 0 : 4;
}

TEST_F(SqliteJournalTest, NoRoomLeavesEverythingAsItWas) {
  filled();
  ForkedProcess process([&](int) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{1'000'000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto store = open_quickly(file_);
    return fill(*store, [&] { ::setrlimit(RLIMIT_FSIZE, &before); });
  });
  EXPECT_EQ(process.wait(), 0);
  const auto store = open_quickly(file_);
  EXPECT_EQ(store->events("r").back().payload, "there is room again");
}

TEST_F(SqliteJournalTest, AFullDiskLeavesEverythingAsItWas) {
  filled();
  ForkedProcess process([&](int) {
    // A small disk of our own, which only this process sees.
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 77;
    const fs::path disk = folder_.path() / "disk";
    fs::create_directory(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0) return 77;
    for (const char* end : {"", "-wal"}) {
      if (fs::exists(file_.string() + end)) fs::copy_file(file_.string() + end, (disk / "journal.db").string() + end);
    }
    const auto store = open_quickly(disk / "journal.db");
    return fill(*store, [&] { ::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=8m"); });
  });
  const int result = process.wait();
  if (result == 77) GTEST_SKIP() << "only root may mount a small disk";
  EXPECT_EQ(result, 0);
}

}  // namespace
}  // namespace coppice
