// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/journal_checks.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

constexpr Money kDollar{1'000'000'000'000};
constexpr Money kNoLimit{std::numeric_limits<int64_t>::max()};

bool operator==(const Event& a, const Event& b) {
  const auto fields = [](const Event& e) {
    return std::tie(e.sequence, e.at_nanoseconds, e.kind, e.step, e.item, e.call, e.attempt, e.input_hash, e.amount,
                    e.payload);
  };
  return fields(a) == fields(b);
}

/// The message of the `Error` of that code that `act` throws; "" and a failure where it does not.
std::string message_of(ErrorCode code, const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    EXPECT_EQ(name(error.code()), name(code)) << error.message();
    return error.message();
  }
  ADD_FAILURE() << "nothing was thrown, expected " << name(code);
  return {};
}

void expect_budget(JournalStore& store, const std::string& scope, Money spent, Money reserved) {
  const BudgetState state = store.budget(scope);
  EXPECT_EQ(state.spent.pico_dollars, spent.pico_dollars) << scope;
  EXPECT_EQ(state.reserved.pico_dollars, reserved.pico_dollars) << scope;
}

void keeps_runs(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  RunRecord run{"r1", "site", "single", "acme", "r0", "steps:\n  - \"ä\"\n", R"({"a": "\u0000"})", "abc", "running"};
  store->create(run);
  store->create(run_named("r2"));
  const std::optional<RunRecord> found = store->find("r1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->workflow, "site");
  EXPECT_EQ(found->variant, "single");
  EXPECT_EQ(found->tenant, "acme");
  EXPECT_EQ(found->parent, "r0");
  EXPECT_EQ(found->workflow_text, run.workflow_text);
  EXPECT_EQ(found->inputs, run.inputs);
  EXPECT_EQ(found->prices_hash, "abc");
  EXPECT_EQ(found->state, "running");
  EXPECT_EQ(found->created_nanoseconds, *under_test.now);
  EXPECT_EQ(found->updated_nanoseconds, *under_test.now);
  EXPECT_FALSE(store->find("r"));
  EXPECT_FALSE(store->find(""));
}

void lists_the_newest_runs_first(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  EXPECT_TRUE(store->list(10).empty());
  for (const char* id : {"b", "c", "a"}) store->create(run_named(id));
  std::string ids;
  for (const RunRecord& run : store->list(2)) ids += run.id;
  EXPECT_EQ(ids, "ac");
  EXPECT_EQ(store->list(std::numeric_limits<size_t>::max()).size(), 3U);
  EXPECT_TRUE(store->list(0).empty());
}

void refuses_a_second_run_of_one_name_and_knows_no_others(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  EXPECT_NE(message_of(ErrorCode::usage, [&] { store->create(run_named("r")); }).find("'r'"), std::string::npos);
  std::vector<JournalOperation> batch{note_of("1")};
  for (const auto& act : std::vector<std::function<void()>>{
           [&] { store->events("x"); }, [&] { store->commit("x", batch); }, [&] { store->set_state("x", "failed"); },
           [&] { store->take("x", "me", 1); }, [&] { store->give_back("x", "me"); }}) {
    EXPECT_NE(message_of(ErrorCode::usage, act).find("no run 'x'"), std::string::npos);
  }
  EXPECT_EQ(store->list(9).size(), 1U);
}

void gives_back_events_as_they_were(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();
  Event full{
      0,      5,        EventKind::call_answered,     "schritt ü", std::numeric_limits<int64_t>::max(), kMost, kMost,
      "hash", kNoLimit, R"({"text": "' \" \\ \n 🌱"})"};
  Event large = event_of(EventKind::step_done, "s");
  large.payload = std::string(3'000'000, 'x');
  std::vector<JournalOperation> batch{{full, {}, 0, {}}, {Event{}, {}, 0, {}}, {large, {}, 0, {}}};
  store->commit("r", batch);
  commit_one(*store, "r", note_of("4"));
  const std::vector<Event> events = store->events("r");
  ASSERT_EQ(events.size(), 4U);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(batch[i].sequence, i + 1);
  full.sequence = 1;
  EXPECT_TRUE(events[0] == full);
  EXPECT_EQ(events[1].item, -1);
  EXPECT_EQ(events[1].at_nanoseconds, *under_test.now);
  EXPECT_EQ(events[2].payload, large.payload);
  EXPECT_EQ(events[3].sequence, 4U);
  const std::vector<Event> later = store->events("r", 3);
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].payload, "4");
  EXPECT_TRUE(store->events("r", 4).empty());
  EXPECT_TRUE(store->events("r", std::numeric_limits<uint64_t>::max()).empty());
}

void keeps_runs_apart(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  for (const char* id : {"a", "b"}) store->create(run_named(id));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(commit_one(*store, "a", note_of("of a")).sequence, static_cast<uint64_t>(i + 1));
    EXPECT_EQ(commit_one(*store, "b", note_of("of b")).sequence, static_cast<uint64_t>(i + 1));
  }
  for (const Event& event : store->events("a")) EXPECT_EQ(event.payload, "of a");
  EXPECT_EQ(store->events("b").size(), 3U);
  store->commit("a", {});
  EXPECT_EQ(store->events("a").size(), 3U);
}

void tells_when_a_run_was_changed(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  const int64_t begin = *under_test.now;
  *under_test.now += 10;
  commit_one(*store, "r", note_of("1"));
  EXPECT_EQ(store->find("r")->updated_nanoseconds, begin + 10);
  *under_test.now += 10;
  store->set_state("r", "waiting");
  EXPECT_EQ(store->find("r")->updated_nanoseconds, begin + 20);
  EXPECT_EQ(store->find("r")->created_nanoseconds, begin);
  EXPECT_EQ(store->list(1)[0].state, "waiting");
}

JournalOperation intent(uint32_t call, Money amount, std::vector<BudgetScope> budgets) {
  JournalOperation operation{event_of(EventKind::call_intended, "s", amount), std::move(budgets), 0, {}};
  operation.event.call = call;
  operation.event.attempt = 1;
  return operation;
}
JournalOperation outcome(EventKind kind, uint32_t call, Money amount, std::vector<BudgetScope> budgets) {
  JournalOperation operation = intent(call, amount, std::move(budgets));
  operation.event.kind = kind;
  return operation;
}

void sets_money_aside_and_settles_it(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  const std::vector<BudgetScope> scopes{{"run:r", kDollar}, {"day", kNoLimit}};
  expect_budget(*store, "day", {}, {});
  EXPECT_EQ(commit_one(*store, "r", intent(1, {300}, scopes)).sequence, 1U);
  EXPECT_EQ(commit_one(*store, "r", intent(2, {200}, scopes)).sequence, 2U);
  for (const char* scope : {"run:r", "day"}) expect_budget(*store, scope, {}, {500});
  commit_one(*store, "r", outcome(EventKind::call_answered, 1, {120}, scopes));
  for (const char* scope : {"run:r", "day"}) expect_budget(*store, scope, {120}, {200});
  commit_one(*store, "r", outcome(EventKind::call_unknown, 2, {200}, scopes));
  for (const char* scope : {"run:r", "day"}) expect_budget(*store, scope, {320}, {});
  // What nobody set aside can be spent all the same, and the same call can be made again.
  commit_one(*store, "r", outcome(EventKind::call_failed, 3, {5}, scopes));
  commit_one(*store, "r", intent(1, {7}, scopes));
  for (const char* scope : {"run:r", "day"}) expect_budget(*store, scope, {325}, {7});
}

void reserves_everywhere_or_nowhere(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  std::vector<JournalOperation> batch{
      intent(1, {60}, {{"wide", {1000}}, {"narrow", {100}}}), intent(2, {41}, {{"wide", {1000}}, {"narrow", {100}}}),
      intent(3, {40}, {{"wide", {1000}}, {"narrow", {100}}}), note_of("n"), intent(4, {0}, {{"narrow", {0}}})};
  store->commit("r", batch);
  const std::vector<uint64_t> sequences{1, 0, 2, 3, 4};
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(batch[i].sequence, sequences[i]);
    EXPECT_EQ(batch[i].short_of, i == 1 ? std::optional<std::string>("narrow") : std::nullopt);
  }
  expect_budget(*store, "wide", {}, {100});
  expect_budget(*store, "narrow", {}, {100});
  EXPECT_EQ(store->events("r").size(), 4U);
  // One that settles makes room for those behind it.
  std::vector<JournalOperation> next{outcome(EventKind::call_answered, 1, {10}, {{"wide", {}}, {"narrow", {}}}),
                                     intent(5, {50}, {{"wide", {1000}}, {"narrow", {100}}})};
  store->commit("r", next);
  EXPECT_FALSE(next[1].short_of);
  expect_budget(*store, "narrow", {10}, {90});
  // No sum is too large.
  EXPECT_EQ(commit_one(*store, "r", intent(6, kNoLimit, {{"narrow", {1000}}})).short_of, "narrow");
}

void gives_back_where_it_was_reserved(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  commit_one(*store, "r", intent(1, {60}, {{"run", {100}}, {"monday", {100}}}));
  commit_one(*store, "r", outcome(EventKind::call_answered, 1, {50}, {{"run", {100}}, {"tuesday", {100}}}));
  expect_budget(*store, "run", {50}, {});
  expect_budget(*store, "monday", {}, {});
  expect_budget(*store, "tuesday", {50}, {});
  // Whoever resumes may not know which budgets there were.
  commit_one(*store, "r", intent(2, {9}, {{"run", {100}}, {"monday", {100}}}));
  commit_one(*store, "r", outcome(EventKind::call_unknown, 2, {9}, {}));
  expect_budget(*store, "run", {59}, {});
  expect_budget(*store, "monday", {9}, {});
}

void a_reservation_is_of_one_call(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  for (const char* id : {"r", "other"}) store->create(run_named(id));
  const std::vector<BudgetScope> scopes{{"b", kDollar}};
  const JournalOperation first = intent(1, {8}, scopes);
  std::vector<JournalOperation> variants(5, first);
  variants[1].event.step = "t";
  variants[2].event.item = 0;
  variants[3].event.call = 2;
  variants[4].event.attempt = 2;
  store->commit("r", variants);
  commit_one(*store, "other", first);
  expect_budget(*store, "b", {}, {48});
  EXPECT_NE(message_of(ErrorCode::usage, [&] { commit_one(*store, "r", first); }).find("set aside"), std::string::npos);
  expect_budget(*store, "b", {}, {48});
  commit_one(*store, "r", outcome(EventKind::call_answered, 1, {1}, scopes));
  expect_budget(*store, "b", {1}, {40});
}

void a_batch_is_all_there_or_not_at_all(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  const std::vector<BudgetScope> scopes{{"b", kDollar}};
  commit_one(*store, "r", intent(1, {5}, scopes));
  std::vector<JournalOperation> batch{note_of("n"), intent(2, {3}, scopes),
                                      outcome(EventKind::call_answered, 1, {4}, scopes), intent(2, {3}, scopes)};
  message_of(ErrorCode::usage, [&] { store->commit("r", batch); });
  EXPECT_EQ(store->events("r").size(), 1U);
  expect_budget(*store, "b", {}, {5});
  for (const JournalOperation& operation : batch) EXPECT_EQ(operation.sequence, 0U);
  EXPECT_EQ(commit_one(*store, "r", note_of("n")).sequence, 2U);
}

void refuses_what_makes_no_sense(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  const std::vector<JournalOperation> wrong{
      intent(1, {-1}, {{"b", kDollar}}), intent(1, {1}, {{"b", kDollar}, {"c", kDollar}, {"b", kDollar}}),
      outcome(EventKind::note, 0, {1}, {{"b", kDollar}}), outcome(EventKind::call_answered, 1, {-1}, {})};
  for (const JournalOperation& operation : wrong) {
    message_of(ErrorCode::usage, [&] { commit_one(*store, "r", operation); });
  }
  EXPECT_TRUE(store->events("r").empty());
  expect_budget(*store, "b", {}, {});
  for (const double seconds : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    message_of(ErrorCode::usage, [&] { store->take("r", "me", seconds); });
  }
  message_of(ErrorCode::usage, [&] { store->take("r", "", 1); });
}

/// What budgets come to by definition: sums over all that was told, counted anew each time.
struct NaiveBudgets {
  struct Call {
    Money reserved;
    std::set<std::string> scopes;
  };
  std::map<uint32_t, Call> open;
  std::map<std::string, Money> spent;

  Money reserved(const std::string& scope) const {
    Money sum;
    for (const auto& [number, call] : open) {
      if (call.scopes.contains(scope)) sum += call.reserved;
    }
    return sum;
  }
};

void random_calls_come_to_what_a_naive_count_says(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  const std::vector<BudgetScope> all{{"a", {2000}}, {"b", {3000}}, {"c", {4000}}};
  NaiveBudgets naive;
  Random random(7);
  size_t refused = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<JournalOperation> batch;
    std::vector<bool> fits;
    for (uint64_t i = random.below(6); i < 6; ++i) {
      const auto call = static_cast<uint32_t>(random.below(12));
      const Money amount{static_cast<int64_t>(random.below(400))};
      std::vector<BudgetScope> scopes;
      for (const BudgetScope& scope : all) {
        if (random.below(2) == 0) scopes.push_back(scope);
      }
      if (naive.open.contains(call)) {
        batch.push_back(outcome(EventKind::call_answered, call, amount, scopes));
        const NaiveBudgets::Call settled = naive.open[call];
        naive.open.erase(call);
        if (scopes.empty() && settled.reserved != Money{}) {
          for (const std::string& scope : settled.scopes) naive.spent[scope] += amount;
        }
        for (const BudgetScope& scope : scopes) naive.spent[scope.name] += amount;
        fits.push_back(true);
        continue;
      }
      batch.push_back(intent(call, amount, scopes));
      bool fit = true;
      for (const BudgetScope& scope : scopes) {
        fit &= naive.spent[scope.name] + naive.reserved(scope.name) + amount <= scope.limit || amount == Money{};
      }
      fits.push_back(fit);
      refused += fit ? 0 : 1;
      if (!fit) continue;
      NaiveBudgets::Call& opened = naive.open[call];
      opened.reserved = amount;
      for (const BudgetScope& scope : scopes) opened.scopes.insert(scope.name);
    }
    store->commit("r", batch);
    for (size_t i = 0; i < batch.size(); ++i) ASSERT_EQ(!batch[i].short_of, fits[i]) << round;
    for (const BudgetScope& scope : all) {
      expect_budget(*store, scope.name, naive.spent[scope.name], naive.reserved(scope.name));
    }
  }
  EXPECT_GT(refused, 5U);
}

void a_run_belongs_to_one_at_a_time(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  EXPECT_FALSE(store->find("r")->is_worked_on);
  store->take("r", "far/1", 60);
  *under_test.now += 59'000'000'000;
  EXPECT_TRUE(store->find("r")->is_worked_on);
  const std::string refused = message_of(ErrorCode::usage, [&] { store->take("r", "far/2", 60); });
  EXPECT_NE(refused.find("'far/1'"), std::string::npos) << refused;
  store->take("r", "far/1", 60);  // once more, for longer
  *under_test.now += 59'000'000'000;
  message_of(ErrorCode::usage, [&] { store->take("r", "far/2", 60); });
  store->give_back("r", "far/2");  // which does not have it
  message_of(ErrorCode::usage, [&] { store->take("r", "far/2", 60); });
  *under_test.now += 1'000'000'000;
  EXPECT_FALSE(store->list(1)[0].is_worked_on) << "its time is over";
  store->take("r", "far/2", 60);
  store->give_back("r", "far/2");
  EXPECT_FALSE(store->find("r")->is_worked_on);
  store->take("r", "far/3", 60);
}

void a_clock_that_goes_back_frees_no_run(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  store->create(run_named("r"));
  store->take("r", "far/1", 60);
  *under_test.now -= 3'600'000'000'000;
  message_of(ErrorCode::usage, [&] { store->take("r", "far/2", 60); });
}

void who_lost_a_run_writes_no_more(StoreUnderTest& under_test) {
  if (!under_test.has_connections) return;
  const auto first = under_test.open();
  const auto second = under_test.open();
  first->create(run_named("r"));
  first->take("r", "far/1", 60);
  commit_one(*first, "r", note_of("first"));
  message_of(ErrorCode::usage, [&] { commit_one(*second, "r", note_of("not taken")); });
  *under_test.now += 61'000'000'000;
  commit_one(*first, "r", note_of("late, but nobody else has it"));
  second->take("r", "far/2", 60);
  for (const auto& act : std::vector<std::function<void()>>{[&] { commit_one(*first, "r", note_of("lost")); },
                                                            [&] { first->set_state("r", "failed"); }}) {
    const std::string refused = message_of(ErrorCode::usage, act);
    EXPECT_NE(refused.find("'far/2' meanwhile"), std::string::npos) << refused;
  }
  second->give_back("r", "far/2");
  message_of(ErrorCode::usage, [&] { commit_one(*first, "r", note_of("still lost")); });
  first->take("r", "far/1", 60);
  EXPECT_EQ(commit_one(*first, "r", note_of("again")).sequence, 3U);
  EXPECT_EQ(second->find("r")->state, "running");
}

void connections_see_each_others_runs(StoreUnderTest& under_test) {
  if (!under_test.has_connections) return;
  const auto first = under_test.open();
  const auto second = under_test.open();
  first->create(run_named("r"));
  EXPECT_EQ(commit_one(*second, "r", intent(1, {70}, {{"b", {100}}})).sequence, 1U);
  EXPECT_EQ(commit_one(*first, "r", intent(2, {70}, {{"b", {100}}})).short_of, "b");
  EXPECT_EQ(commit_one(*first, "r", intent(3, {30}, {{"b", {100}}})).sequence, 2U);
  EXPECT_EQ(second->events("r").size(), 2U);
  expect_budget(*second, "b", {}, {100});
}

void gives_what_was_cached_until_its_time_is_over(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  EXPECT_EQ(store->cached("k"), std::nullopt);
  store->cache("k", R"({"a": "ä\u0000'"})", 10);
  store->cache("other", "", 20);
  EXPECT_EQ(store->cached("k"), R"({"a": "ä\u0000'"})");
  EXPECT_EQ(store->cached("other"), "");
  store->cache("k", "2", 10);
  EXPECT_EQ(store->cached("k"), "2");
  *under_test.now += 9'999'999'999;
  EXPECT_EQ(store->cached("k"), "2");
  *under_test.now += 1;
  EXPECT_EQ(store->cached("k"), std::nullopt);
  EXPECT_EQ(store->cached("other"), "");
  store->cache("k", "3", 1e300);
  *under_test.now += 1'000'000'000'000'000'000;
  EXPECT_EQ(store->cached("k"), "3");
  EXPECT_EQ(store->cached("other"), std::nullopt);
  for (const double seconds : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    message_of(ErrorCode::usage, [&] { store->cache("k", "4", seconds); });
  }
  EXPECT_EQ(store->cached("k"), "3");
}

void keeps_as_much_in_the_cache_as_there_is_room(StoreUnderTest& under_test) {
  const auto store = under_test.open();
  const std::string large(1000, 'x');
  store->cache("too large", large + "x", 100);
  EXPECT_EQ(store->cached("too large"), std::nullopt);
  for (int i = 0; i < 7; ++i) store->cache(std::to_string(i), large, 100 + 10 * ((i + 3) % 7));
  // The times of 4 and 5 end first.
  for (int i = 0; i < 7; ++i) EXPECT_EQ(store->cached(std::to_string(i)).has_value(), i != 4 && i != 5) << i;
  *under_test.now += 125'000'000'000;  // 6 is over: room for one more
  store->cache("new", large, 1);
  EXPECT_TRUE(store->cached("new"));
  EXPECT_TRUE(store->cached("0"));
}

void connections_share_the_cache(StoreUnderTest& under_test) {
  if (!under_test.has_connections) return;
  const auto first = under_test.open();
  const auto second = under_test.open();
  first->cache("k", "1", 10);
  EXPECT_EQ(second->cached("k"), "1");
  second->cache("k", "2", 10);
  EXPECT_EQ(first->cached("k"), "2");
  EXPECT_EQ(under_test.open()->cached("k"), "2");
}

}  // namespace

RunRecord run_named(const std::string& id) {
  RunRecord run;
  run.id = id;
  return run;
}

Event event_of(EventKind kind, const std::string& step, Money amount) {
  Event event;
  event.kind = kind;
  event.step = step;
  event.amount = amount;
  return event;
}

JournalOperation note_of(const std::string& payload) {
  JournalOperation operation;
  operation.event.payload = payload;
  return operation;
}

JournalOperation commit_one(JournalStore& store, const std::string& run, JournalOperation operation) {
  store.commit(run, {&operation, 1});
  return operation;
}

const std::vector<StoreCheck>& store_checks() {
  static const std::vector<StoreCheck> checks{
      {"KeepsRuns", keeps_runs},
      {"ListsTheNewestRunsFirst", lists_the_newest_runs_first},
      {"RefusesASecondRunOfOneNameAndKnowsNoOthers", refuses_a_second_run_of_one_name_and_knows_no_others},
      {"GivesBackEventsAsTheyWere", gives_back_events_as_they_were},
      {"KeepsRunsApart", keeps_runs_apart},
      {"TellsWhenARunWasChanged", tells_when_a_run_was_changed},
      {"SetsMoneyAsideAndSettlesIt", sets_money_aside_and_settles_it},
      {"ReservesEverywhereOrNowhere", reserves_everywhere_or_nowhere},
      {"GivesBackWhereItWasReserved", gives_back_where_it_was_reserved},
      {"AReservationIsOfOneCall", a_reservation_is_of_one_call},
      {"ABatchIsAllThereOrNotAtAll", a_batch_is_all_there_or_not_at_all},
      {"RefusesWhatMakesNoSense", refuses_what_makes_no_sense},
      {"RandomCallsComeToWhatANaiveCountSays", random_calls_come_to_what_a_naive_count_says},
      {"ARunBelongsToOneAtATime", a_run_belongs_to_one_at_a_time},
      {"AClockThatGoesBackFreesNoRun", a_clock_that_goes_back_frees_no_run},
      {"WhoLostARunWritesNoMore", who_lost_a_run_writes_no_more},
      {"ConnectionsSeeEachOthersRuns", connections_see_each_others_runs},
      {"GivesWhatWasCachedUntilItsTimeIsOver", gives_what_was_cached_until_its_time_is_over},
      {"KeepsAsMuchInTheCacheAsThereIsRoom", keeps_as_much_in_the_cache_as_there_is_room},
      {"ConnectionsShareTheCache", connections_share_the_cache}};
  return checks;
}

}  // namespace coppice
