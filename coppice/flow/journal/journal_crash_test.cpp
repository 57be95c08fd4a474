// SPDX-License-Identifier: Apache-2.0
// Several processes on one journal, some of them killed.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/flow/journal/forked_process.h"
#include "coppice/flow/journal/journal.h"
#include "coppice/flow/journal/journal_checks.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {
namespace {

constexpr Money kMost{100};  ///< what a call may cost
constexpr Money kNoLimit{std::numeric_limits<int64_t>::max()};

/// What the events of a run say that it has spent, and still has set aside.
BudgetState naive_budget(const std::vector<Event>& events) {
  std::map<std::pair<uint32_t, uint32_t>, Money> open;
  BudgetState state;
  for (const Event& event : events) {
    const auto call = std::pair(event.call, event.attempt);
    if (event.kind == EventKind::call_intended) {
      EXPECT_TRUE(open.emplace(call, event.amount).second);
    } else if (event.kind != EventKind::note) {
      EXPECT_EQ(open.erase(call), 1U);
      state.spent += event.amount;
    }
  }
  for (const auto& [call, amount] : open) state.reserved += amount;
  return state;
}

/// A worker on one run: takes it, settles what the one before it left open, and makes calls until it is killed, or has
/// made enough, or a budget has too little left.
class Worker {
 public:
  Worker(const std::string& file, std::string run, std::vector<BudgetScope> budgets)
      : store_(open_journal(file, Durability::process)), run_(std::move(run)), budgets_(std::move(budgets)) {
    store_->take(run_, journal_owner(), 3600);
    settle_what_is_open();
  }

  /// Returns false where a budget is short.
  bool make_call(uint64_t seed, const std::function<void(uint64_t sequence)>& tell) {
    JournalOperation intent = operation(EventKind::call_intended, next_call_, kMost);
    intent = commit_one(*store_, run_, std::move(intent));
    if (intent.short_of) return false;
    tell(intent.sequence);
    const Money cost{static_cast<int64_t>(seed % 101)};
    const EventKind kind = seed % 5 == 0 ? EventKind::call_failed : EventKind::call_answered;
    std::vector<JournalOperation> batch{operation(kind, next_call_, cost), note_of("after " + std::to_string(seed))};
    store_->commit(run_, batch);
    tell(batch[1].sequence);
    ++next_call_;
    return true;
  }

 private:
  JournalOperation operation(EventKind kind, uint32_t call, Money amount) const {
    JournalOperation made{event_of(kind, "s", amount), budgets_, 0, {}};
    made.event.call = call;
    made.event.attempt = 1;
    made.event.payload = std::string(500, static_cast<char>('a' + call % 26));
    return made;
  }

  void settle_what_is_open() {
    std::map<uint32_t, bool> is_open;
    for (const Event& event : store_->events(run_)) {
      if (event.kind != EventKind::note) is_open[event.call] = event.kind == EventKind::call_intended;
    }
    for (const auto& [call, open] : is_open) {
      next_call_ = call + 1;
      if (open) commit_one(*store_, run_, operation(EventKind::call_unknown, call, kMost));
    }
  }

  std::unique_ptr<JournalStore> store_;
  std::string run_;
  std::vector<BudgetScope> budgets_;
  uint32_t next_call_ = 1;
};

void tell(int pipe, uint64_t sequence) {
  if (::write(pipe, &sequence, sizeof(sequence)) != sizeof(sequence)) ::_exit(98);
}

/// Reads what a worker told until it has told enough, or is gone.
uint64_t read_told(int pipe, uint64_t enough) {
  uint64_t last = 0, sequence = 0;
  for (uint64_t told = 0; told < enough && ::read(pipe, &sequence, sizeof(sequence)) == sizeof(sequence); ++told) {
    last = sequence;
  }
  return last;
}

/// Lets workers make calls of one run and kills them, so many times; returns the run's events, after each kill compared
/// with what was told and with the budget.
std::vector<Event> killed_run(const std::string& file, const std::string& run, Random& random) {
  constexpr int kKills = 10;
  const std::string scope = "run:" + run;
  open_journal(file, Durability::process)->create(run_named(run));
  std::vector<Event> events;
  for (int kill = 0; kill < kKills; ++kill) {
    // Every other one stops by itself after it has told so much: half of these are within a call.
    const uint64_t enough = 1 + random.below(12);
    const uint64_t last = kill % 2 == 0 ? enough : 60;
    ForkedProcess process([&](int pipe) {
      Worker worker(file, run, {{scope, kNoLimit}, {"day", kNoLimit}});
      uint64_t told = 0;
      for (uint64_t i = 0;; ++i) {
        worker.make_call(i, [&](uint64_t sequence) {
          tell(pipe, sequence);
          if (++told == last) ::pause();
        });
      }
      return 0;
    });
    uint64_t told = read_told(process.pipe(), enough);
    for (uint64_t spin = random.below(100'000); spin > 0; --spin) asm volatile("");  // somewhere within a commit
    process.kill();
    EXPECT_EQ(process.wait(), -1) << "ended by itself";
    told = std::max(told, read_told(process.pipe(), std::numeric_limits<uint64_t>::max()));

    const auto store = open_journal(file, Durability::process);
    const std::vector<Event> later = store->events(run, events.size());
    events.insert(events.end(), later.begin(), later.end());
    EXPECT_GE(events.size(), told) << "after " << kill << " kills";
    const BudgetState expected = naive_budget(events), found = store->budget(scope);
    EXPECT_EQ(found.spent.pico_dollars, expected.spent.pico_dollars) << "after " << kill << " kills";
    EXPECT_EQ(found.reserved.pico_dollars, expected.reserved.pico_dollars) << "after " << kill << " kills";
  }
  return events;
}

TEST(JournalCrash, WhatWasToldIsThereHoweverOftenTheProgramIsKilled) {
  const TemporaryFolder folder(TemporaryFolder::quick());
  const std::string file = folder.path() / "journal.db";
  Random random(11);
  BudgetState sum;
  size_t all = 0;
  ptrdiff_t unknown = 0;
  for (int run = 0; run < 20; ++run) {
    const std::vector<Event> events = killed_run(file, "r" + std::to_string(run), random);
    const BudgetState state = naive_budget(events);
    sum.spent += state.spent;
    sum.reserved += state.reserved;
    all += events.size();
    unknown += std::count_if(events.begin(), events.end(),
                             [](const Event& event) { return event.kind == EventKind::call_unknown; });
  }
  const BudgetState day = open_journal(file, Durability::process)->budget("day");
  EXPECT_EQ(day.spent.pico_dollars, sum.spent.pico_dollars);
  EXPECT_EQ(day.reserved.pico_dollars, sum.reserved.pico_dollars);
  EXPECT_GT(all, 1000U);
  EXPECT_GT(unknown, 30) << "too few were killed within a call";
}

TEST(JournalCrash, ProcessesTogetherNeverExceedABudget) {
  constexpr int kProcesses = 3;
  constexpr Money kLimit{60'000};
  const TemporaryFolder folder(TemporaryFolder::quick());
  const std::string file = folder.path() / "journal.db";
  const auto start = [&](int number) {
    const std::string run = "r" + std::to_string(number);
    return ForkedProcess([&file, run, number](int pipe) {
      Worker worker(file, run, {{"tenant", kLimit}, {"run:" + run, {25'000}}});
      uint64_t call = static_cast<uint64_t>(number) * 1000;
      while (worker.make_call(call, [pipe](uint64_t sequence) { tell(pipe, sequence); })) ++call;
      return 0;
    });
  };
  {
    const auto store = open_journal(file, Durability::process);
    for (int i = 0; i < kProcesses; ++i) store->create(run_named("r" + std::to_string(i)));
  }  // a connection is not carried over a fork
  std::vector<ForkedProcess> processes;
  for (int i = 0; i < kProcesses; ++i) processes.push_back(start(i));
  Random random(3);
  // Watched by a process of its own, for the same reason.
  ForkedProcess watcher([&](int) {
    const auto store = open_journal(file, Durability::process);
    for (;;) {
      const BudgetState state = store->budget("tenant");
      if (state.spent + state.reserved > kLimit) return 1;
    }
  });
  for (int kill = 0; kill < 12; ++kill) {
    const uint32_t victim = random.below(kProcesses);
    read_told(processes[victim].pipe(), random.below(60));  // in the middle of its work
    processes[victim].kill();
    processes[victim].wait();
    processes[victim] = start(static_cast<int>(victim));
  }
  for (ForkedProcess& process : processes) EXPECT_EQ(process.wait(), 0);
  watcher.kill();
  EXPECT_EQ(watcher.wait(), -1) << "the budget was exceeded";

  const auto store = open_journal(file, Durability::process);
  BudgetState sum;
  size_t events = 0;
  for (int i = 0; i < kProcesses; ++i) {
    const std::string run = "r" + std::to_string(i);
    const std::vector<Event> all = store->events(run);
    events += all.size();
    const BudgetState expected = naive_budget(all);
    EXPECT_EQ(store->budget("run:" + run).spent.pico_dollars, expected.spent.pico_dollars);
    EXPECT_LE(expected.spent + expected.reserved, Money{25'000});
    sum.spent += expected.spent;
    sum.reserved += expected.reserved;
  }
  EXPECT_EQ(store->budget("tenant").spent.pico_dollars, sum.spent.pico_dollars);
  EXPECT_EQ(store->budget("tenant").reserved.pico_dollars, 0);
  EXPECT_LE(sum.spent, kLimit);
  EXPECT_GT(sum.spent, kLimit - kMost) << "each stopped while there was room";
  EXPECT_GT(events, 3000U);
}

TEST(JournalCrash, ManyProcessesMayMakeOneJournalAtOnce) {
  for (int round = 0; round < 5; ++round) {
    const TemporaryFolder folder(TemporaryFolder::quick());
    const std::string file = folder.path() / "journal.db";
    std::vector<ForkedProcess> processes;
    for (int i = 0; i < 8; ++i) {
      processes.emplace_back([&file, i](int) {
        open_journal(file, Durability::process)->create(run_named("r" + std::to_string(i)));
        return 0;
      });
    }
    for (ForkedProcess& process : processes) EXPECT_EQ(process.wait(), 0);
    EXPECT_EQ(open_journal(file, Durability::process)->list(99).size(), 8U);
  }
}

TEST(JournalCrash, OfSeveralWhoTakeARunOneHasIt) {
  const TemporaryFolder folder(TemporaryFolder::quick());
  const std::string file = folder.path() / "journal.db";
  open_journal(file, Durability::process)->create(run_named("r"));
  std::vector<ForkedProcess> processes;
  for (int i = 0; i < 6; ++i) {
    processes.emplace_back([&file](int pipe) {
      const auto store = open_journal(file, Durability::process);
      bool is_ours = true;
      try {
        store->take("r", journal_owner(), 0.001);  // over at once, but the process lives
      } catch (const Error&) {
        is_ours = false;
      }
      tell(pipe, is_ours ? 1 : 0);
      ::pause();
      return 0;
    });
  }
  uint64_t owners = 0;
  for (const ForkedProcess& process : processes) owners += read_told(process.pipe(), 1);
  EXPECT_EQ(owners, 1U);
  processes.clear();  // killed: the run is free at once
  EXPECT_NO_THROW(open_journal(file, Durability::process)->take("r", journal_owner(), 60));
}

}  // namespace
}  // namespace coppice
