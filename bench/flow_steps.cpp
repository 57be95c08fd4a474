// SPDX-License-Identifier: Apache-2.0
// coppice_bench_flow_steps: what the engine itself takes for a step of a workflow: whole runs of steps that do next to
// nothing, in memory and with a journal on disk.
#include "coppice/http/awaitable.h"  // before other headers of coroutines

#include <fmt/core.h>
#include <sqlite3.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/flow/kinds/calling_kind.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/run/runner.h"

namespace coppice::bench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Arguments {
  std::string folder;
  uint32_t runs = 400;
  std::string only;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("folder", arguments.folder, "Where the journal is made: of the disk that is to be measured.");
  table.add("runs", arguments.runs, 10, 10'000'000, "Of each case, of 10 steps; of 100 steps a fifth of that.");
  table.add("only", arguments.only, "Cases whose name holds this alone, such as \"chain turn sqlite 100\".");
}

/// The steps that a journal file holds as done, seen by a connection of its own.
class OtherReader {
 public:
  explicit OtherReader(const std::string& path) {
    if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK ||
        sqlite3_prepare_v2(database_, "SELECT count(*) FROM events WHERE kind = 7", -1, &query_, nullptr) !=
            SQLITE_OK) {
      throw Error(ErrorCode::io, sqlite3_errmsg(database_));
    }
  }
  ~OtherReader() {
    sqlite3_finalize(query_);
    sqlite3_close(database_);
  }
  OtherReader(const OtherReader&) = delete;
  OtherReader& operator=(const OtherReader&) = delete;

  int64_t steps_done() {
    const int64_t count = sqlite3_step(query_) == SQLITE_ROW ? sqlite3_column_int64(query_, 0) : -1;
    sqlite3_reset(query_);
    return count;
  }

 private:
  sqlite3* database_ = nullptr;
  sqlite3_stmt* query_ = nullptr;
};

/// Looks, when a step does its work, whether those before it are on disk. For runs that are not measured.
struct DurabilityCheck {
  OtherReader* reader = nullptr;  ///< null = nobody looks
  int64_t begun = 0, not_yet_durable = 0;

  void look() {
    if (reader != nullptr && reader->steps_done() < begun++) ++not_yet_durable;
  }
};

json value_schema() {
  return {{"type", "object"}, {"required", {"value"}}, {"properties", {{"value", true}}}};
}

/// Waits for one turn of the event loop, as whatever waits for something does, and gives `value` back. What was put
/// out before is committed by then.
class TurnKind : public CallingKind {
 public:
  explicit TurnKind(DurabilityCheck& check) : check_(check) {}
  std::string name() const override { return "turn"; }
  json with_schema() const override { return value_schema(); }
  Awaitable<json> run(StepInput input, StepCalls& /*calls*/) const override {
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
    check_.look();
    co_return input.with["value"];
  }

 private:
  DurabilityCheck& check_;
};

/// Does something to the world: what is about to be done is committed before, what came of it after.
class ActKind : public CallingKind {
 public:
  explicit ActKind(DurabilityCheck& check) : check_(check) {}
  std::string name() const override { return "act"; }
  json with_schema() const override { return value_schema(); }
  Effect effect(const json& /*with*/) const override { return Effect::idempotent; }
  Awaitable<json> run(StepInput input, StepCalls& calls) const override {
    const json& value = input.with["value"];
    const auto work = [this, &value](const std::string& /*key*/) -> Awaitable<json> {
      check_.look();
      co_return value;
    };
    co_return co_await calls.act(Effect::idempotent, value, work);
  }

 private:
  DurabilityCheck& check_;
};

/// A function that says it is slow: a thread beside the event loop does it.
class ThreadKind : public FunctionKind {
 public:
  std::string name() const override { return "thread"; }
  json with_schema() const override { return value_schema(); }
  json run(const StepInput& input) const override { return input.with["value"]; }
  bool is_slow() const override { return true; }
};

struct Case {
  std::string shape;  ///< chain: each step adds one to the last; wide: all at once; foreach: items of one step
  std::string kind;
  std::string store;
  uint32_t steps;

  std::string name() const { return fmt::format("{} {} {} {}", shape, kind, store, steps); }
};

json workflow_of(const Case& of) {
  json steps;
  const auto add = [&](uint32_t number, const std::string& value) {
    steps[fmt::format("s{}", number)] = {{"kind", of.kind}, {"with", {{"value", value}}}};
  };
  if (of.shape == "foreach") {
    add(0, "{{ item + 1 }}");
    steps["s0"]["foreach"] = "{{ inputs.list }}";
  } else {
    for (uint32_t i = 0; i < of.steps; ++i) {
      const bool is_first = i == 0 || of.shape == "wide";
      add(i,
          is_first ? fmt::format("{{{{ inputs.x + {} }}}}", i) : fmt::format("{{{{ steps.s{}.output + 1 }}}}", i - 1));
    }
  }
  const std::string last =
      of.shape == "foreach" ? "{{ steps.s0.output | last }}" : fmt::format("{{{{ steps.s{}.output }}}}", of.steps - 1);
  return {{"workflow", "bench"}, {"steps", steps}, {"outputs", {{"result", last}}}};
}

/// What the last step must come to.
uint32_t expected_result(const Case& of) {
  return of.shape == "foreach" ? of.steps + 1 : of.steps - 1;
}

/// The runs of one case.
class Measured {
 public:
  Measured(Case of, const StepKinds& kinds)
      : case_(std::move(of)), workflow_(read_workflow_text(workflow_of(case_).dump(), kinds)) {
    inputs_ = {{"x", 0}};
    for (uint32_t i = 1; case_.shape == "foreach" && i <= case_.steps; ++i) inputs_["list"].push_back(i);
  }

  const Case& of() const noexcept { return case_; }

  void run(Runner& runner) {
    const Stopwatch watch;
    const RunOutcome outcome = runner.run({&workflow_, inputs_, {}});
    const Spent once = watch.spent();
    if (outcome.state != "finished" || outcome.result != expected_result(case_)) {
      throw Error(ErrorCode::internal, fmt::format("{}: {}", case_.name(), outcome.result.dump()));
    }
    microseconds_.push_back(once.wall_seconds * 1e6);
    spent_ = spent_ + once;
  }

  /// What warmed up does not count.
  void forget() {
    microseconds_.clear();
    spent_ = {};
  }

  ordered_json report() const {
    return {{"shape", case_.shape},
            {"kind", case_.kind},
            {"store", case_.store},
            {"steps", case_.steps},
            {"runs", microseconds_.size()},
            {"run_microseconds", quantiles(microseconds_)},
            {"cpu_microseconds_per_run", spent_.cpu_seconds * 1e6 / static_cast<double>(microseconds_.size())}};
  }

 private:
  Case case_;
  Workflow workflow_;
  json inputs_;
  std::vector<double> microseconds_;
  Spent spent_;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const char* store : {"memory", "sqlite"}) {
    for (const uint32_t steps : {1U, 3U, 10U, 100U}) {
      for (const char* kind : {"template", "turn", "act", "thread"}) cases.push_back({"chain", kind, store, steps});
    }
    for (const uint32_t steps : {10U, 100U}) {
      for (const char* kind : {"template", "turn"}) cases.push_back({"wide", kind, store, steps});
      cases.push_back({"foreach", "template", store, steps});
    }
  }
  return cases;
}

/// A journal of its own for each turn, as a file does not stay small.
class Journals {
 public:
  explicit Journals(std::string folder)
      : path_((std::filesystem::path(std::move(folder)) / "coppice_bench_flow.db").string()) {}
  ~Journals() { remove(); }
  Journals(const Journals&) = delete;
  Journals& operator=(const Journals&) = delete;

  const std::string& path() const noexcept { return path_; }
  std::unique_ptr<Runner> fresh(const std::string& store, RunObserver& observer) const {
    remove();
    RunnerOptions options;
    options.journal = store == "memory" ? "memory:" : path_;
    return std::make_unique<Runner>(options, observer);
  }

 private:
  void remove() const {
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + end);
  }
  std::string path_;
};

constexpr uint32_t kTurn = 20;  ///< runs of one case before it is the next one's turn

uint32_t runs_of(const Case& of, const Arguments& arguments) {
  return of.steps < 100 ? arguments.runs : std::max(arguments.runs / 5, 2U);
}

/// Is each step on disk before the next one does its work?
int64_t steps_not_yet_durable(const Case& of, const StepKinds& kinds, const Journals& journals,
                              DurabilityCheck& check) {
  RunObserver observer;
  const auto runner = journals.fresh("sqlite", observer);
  OtherReader reader(journals.path());
  check = {&reader, 0, 0};
  Measured(of, kinds).run(*runner);
  const int64_t found = check.begun == of.steps ? check.not_yet_durable : -1;
  check = {};
  return found;
}

void run(int argc, char** argv) {
  Arguments arguments;
  arguments.folder = std::filesystem::temp_directory_path();
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  DurabilityCheck check;
  StepKinds kinds;
  add_kinds(kinds, {});
  kinds.add(std::make_unique<TurnKind>(check));
  kinds.add(std::make_unique<ActKind>(check));
  kinds.add(std::make_unique<ThreadKind>());
  const Journals journals(arguments.folder);
  RunObserver observer;
  std::vector<Measured> all;
  for (const Case& one : all_cases()) {
    if (one.name().find(arguments.only) != std::string::npos) all.emplace_back(one, kinds);
  }
  for (uint32_t done = 0; done < arguments.runs; done += kTurn) {
    for (Measured& one : all) {
      if (done >= runs_of(one.of(), arguments)) continue;
      const auto runner = journals.fresh(one.of().store, observer);
      for (uint32_t i = 0; i < kTurn; ++i) one.run(*runner);
      if (done == 0) one.forget();
      for (uint32_t i = 0; done == 0 && i < kTurn; ++i) one.run(*runner);
    }
  }
  ordered_json report{{"given", flags.given()}, {"sqlite", sqlite3_libversion()}};
  for (const Measured& one : all) report["cases"].push_back(one.report());
  for (const char* kind : {"turn", "act"}) {
    report["steps_not_yet_durable"][kind] =
        steps_not_yet_durable({"chain", kind, "sqlite", 100}, kinds, journals, check);
  }
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
