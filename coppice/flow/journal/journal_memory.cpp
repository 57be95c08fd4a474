// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_memory.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace coppice {
namespace {

/// Which call of which run.
using CallKey = std::tuple<std::string, std::string, int64_t, uint32_t, uint32_t>;
using Reserved = std::map<CallKey, std::vector<Reservation>>;
using Budgets = std::map<std::string, BudgetState>;

/// What a batch changes, apart from what is there until all of it is known to be right.
class StagedBudgets final : public BudgetBook {
 public:
  StagedBudgets(const std::string& run, const Budgets& budgets, const Reserved& reserved)
      : run_(run), budgets_(budgets), reserved_(reserved) {}

  BudgetState load(const std::string& scope) override {
    if (const auto staged = staged_budgets_.find(scope); staged != staged_budgets_.end()) return staged->second;
    const auto kept = budgets_.find(scope);
    return kept == budgets_.end() ? BudgetState{} : kept->second;
  }
  void save(const std::string& scope, const BudgetState& state) override { staged_budgets_[scope] = state; }

  void reserve(const Event& event, const Reservation& reservation) override {
    std::vector<Reservation>& all = staged(event);
    const auto same = [&](const Reservation& other) { return other.scope == reservation.scope; };
    if (std::any_of(all.begin(), all.end(), same)) throw_reserved_already(event);
    all.push_back(reservation);
  }
  std::vector<Reservation> release(const Event& event) override { return std::exchange(staged(event), {}); }

  void write_to(Budgets& budgets, Reserved& reserved) {
    for (auto& [scope, state] : staged_budgets_) budgets[scope] = state;
    for (auto& [key, all] : staged_reserved_) {
      if (all.empty()) {
        reserved.erase(key);
      } else {
        reserved[key] = std::move(all);
      }
    }
  }

 private:
  std::vector<Reservation>& staged(const Event& event) {
    const CallKey key{run_, event.step, event.item, event.call, event.attempt};
    const auto [place, is_new] = staged_reserved_.try_emplace(key);
    if (is_new) {
      if (const auto kept = reserved_.find(key); kept != reserved_.end()) place->second = kept->second;
    }
    return place->second;
  }

  const std::string& run_;
  const Budgets& budgets_;
  const Reserved& reserved_;
  Budgets staged_budgets_;
  Reserved staged_reserved_;
};

/// Texts that are kept for a time.
class MemoryCache {
 public:
  explicit MemoryCache(const CacheLimits& limits) : limits_(limits) {}

  std::optional<std::string> find(const std::string& key, int64_t now) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.until_nanoseconds <= now) return std::nullopt;
    return found->second.value;
  }

  void keep(const std::string& key, const std::string& value, int64_t now, int64_t until) {
    if (static_cast<int64_t>(value.size()) > limits_.value_bytes) return;
    entries_[key] = {value, until};
    if (writes_++ % limits_.writes_between_sweeps == 0) sweep(now);
  }

 private:
  struct Entry {
    std::string value;
    int64_t until_nanoseconds = 0;
  };

  void sweep(int64_t now) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.until_nanoseconds <= now; });
    std::vector<std::pair<int64_t, std::string>> last_first;
    for (const auto& [key, entry] : entries_) last_first.emplace_back(entry.until_nanoseconds, key);
    std::sort(last_first.rbegin(), last_first.rend());
    int64_t bytes = 0;
    for (const auto& [until, key] : last_first) {
      bytes += static_cast<int64_t>(entries_[key].value.size()) + kCacheRowBytes;
      if (bytes > limits_.all_bytes) entries_.erase(key);
    }
  }

  CacheLimits limits_;
  std::unordered_map<std::string, Entry> entries_;
  uint64_t writes_ = 0;
};

class MemoryJournal final : public JournalStore {
 public:
  MemoryJournal(WallClock clock, const CacheLimits& cache) : clock_(std::move(clock)), cache_(cache) {}

  void create(const RunRecord& run) override {
    if (numbers_.contains(run.id)) throw_run_exists(run.id);
    Run made{run, {}, {}};
    if (made.record.created_nanoseconds == 0) made.record.created_nanoseconds = clock_();
    made.record.updated_nanoseconds = made.record.created_nanoseconds;
    runs_.push_back(std::move(made));
    numbers_.emplace(run.id, runs_.size() - 1);
  }

  std::optional<RunRecord> find(const std::string& run) override {
    const auto found = numbers_.find(run);
    return found == numbers_.end() ? std::nullopt : std::optional(record_of(runs_[found->second]));
  }

  std::vector<RunRecord> list(size_t most) override {
    std::vector<RunRecord> listed;
    for (auto run = runs_.rbegin(); run != runs_.rend() && listed.size() < most; ++run) {
      listed.push_back(record_of(*run));
    }
    return listed;
  }

  void set_state(const std::string& run, const std::string& state) override {
    Run& changed = writable(run);
    changed.record.state = state;
    changed.record.updated_nanoseconds = clock_();
  }

  std::vector<Event> events(const std::string& run, uint64_t after) override {
    const std::vector<Event>& all = known(run).events;
    const size_t begin = std::min<uint64_t>(after, all.size());
    return {all.begin() + static_cast<std::ptrdiff_t>(begin), all.end()};
  }

  void take(const std::string& run, const std::string& owner, double seconds) override {
    Run& changed = known(run);
    changed.tenure = taken(changed.tenure, {run, owner, seconds, clock_()});
    taken_.took(run, changed.tenure);
  }

  void give_back(const std::string& run, const std::string& owner) override {
    Tenure& tenure = known(run).tenure;
    if (tenure.owner == owner) tenure = {"", 0, tenure.term};
    taken_.gave_back(run);
  }

  void commit(const std::string& run, std::span<JournalOperation> batch) override {
    for (const JournalOperation& operation : batch) expect_sound(operation);
    Run& changed = writable(run);
    StagedBudgets budgets(run, budgets_, reserved_);
    std::vector<std::optional<std::string>> short_of(batch.size());
    const size_t before = changed.events.size();
    try {
      for (size_t i = 0; i < batch.size(); ++i) {
        short_of[i] = apply_to_budgets(budgets, batch[i]);
        if (!short_of[i]) add(changed, batch[i].event);
      }
      budgets.write_to(budgets_, reserved_);
    } catch (...) {
      changed.events.erase(changed.events.begin() + static_cast<std::ptrdiff_t>(before), changed.events.end());
      throw;
    }
    uint64_t sequence = before;
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i].sequence = short_of[i] ? 0 : ++sequence;
      batch[i].short_of = std::move(short_of[i]);
    }
  }

  BudgetState budget(const std::string& scope) override {
    const auto found = budgets_.find(scope);
    return found == budgets_.end() ? BudgetState{} : found->second;
  }

  std::optional<std::string> cached(const std::string& key) override { return cache_.find(key, clock_()); }
  void cache(const std::string& key, const std::string& value, double seconds) override {
    const int64_t now = clock_();
    cache_.keep(key, value, now, cached_until(now, seconds));
  }

 private:
  struct Run {
    RunRecord record;
    Tenure tenure;
    std::vector<Event> events;
  };

  RunRecord record_of(const Run& run) const {
    RunRecord record = run.record;
    record.is_worked_on = is_held(run.tenure, clock_());
    if (!run.events.empty()) {
      record.updated_nanoseconds = std::max(record.updated_nanoseconds, run.events.back().at_nanoseconds);
    }
    return record;
  }

  void add(Run& run, const Event& event) {
    run.events.push_back(event);
    Event& added = run.events.back();
    added.sequence = run.events.size();
    if (added.at_nanoseconds == 0) added.at_nanoseconds = clock_();
  }

  Run& known(const std::string& run) {
    const auto found = numbers_.find(run);
    if (found == numbers_.end()) throw_no_such_run(run);
    return runs_[found->second];
  }
  Run& writable(const std::string& run) {
    Run& found = known(run);
    taken_.expect_writable(run, found.tenure);
    return found;
  }

  WallClock clock_;
  std::vector<Run> runs_;  ///< in the order of their making
  std::unordered_map<std::string, size_t> numbers_;
  Budgets budgets_;
  Reserved reserved_;
  TakenRuns taken_;
  MemoryCache cache_;
};

}  // namespace

std::unique_ptr<JournalStore> open_memory_journal(WallClock clock, const CacheLimits& cache) {
  return std::make_unique<MemoryJournal>(std::move(clock), cache);
}

}  // namespace coppice
