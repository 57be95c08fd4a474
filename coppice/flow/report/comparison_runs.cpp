// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/comparison_runs.h"

#include <fmt/core.h>

#include <map>
#include <utility>

#include "coppice/core/json_text.h"

namespace coppice {
namespace {

enum class Begin { anew, goes_on, not_at_all };

class Comparer {
 public:
  Comparer(Runner& runner, const ComparisonRuns& comparison, const std::function<void(const ComparisonStep&)>& ended)
      : runner_(runner), comparison_(comparison), tell_(ended) {
    for (uint32_t repeat = 0; repeat < comparison.repeats; ++repeat) {
      for (size_t input = 0; input < comparison.inputs.size(); ++input) {
        for (size_t variant = 0; variant < comparison.workflows.size(); ++variant) {
          ComparedRun run;
          run.variant = variant;
          run.input = input;
          run.repeat = repeat;
          runs_.push_back(std::move(run));
        }
      }
    }
  }

  std::vector<ComparedRun> run() {
    std::vector<RunTask> tasks;
    std::vector<size_t> places, there;
    for (size_t i = 0; i < runs_.size(); ++i) {
      const Begin begin = begin_of(runs_[i]);
      if (begin == Begin::not_at_all) {
        there.push_back(i);
      } else {
        tasks.push_back(task_of(runs_[i], begin == Begin::goes_on));
        places.push_back(i);
      }
    }
    for (const size_t i : there) read_back(i, true);
    runner_.run_all(tasks, comparison_.at_a_time, [&](size_t task, const RunOutcome& outcome) {
      // It did not even begin: no figure of any variant.
      if (outcome.id.empty() && outcome.error) throw Error(*outcome.error);
      read_back(places[task], false);
    });
    if (ended_ < runs_.size()) throw_stopped();
    const std::vector<size_t> firsts = first_equals(comparison_.inputs);
    for (ComparedRun& run : runs_) run.input = firsts[run.input];
    return std::move(runs_);
  }

 private:
  const Workflow& workflow_of(const ComparedRun& run) const { return comparison_.workflows[run.variant]; }

  std::string id_of(const ComparedRun& run) const {
    return fmt::format("{}-{}-{}-{}", comparison_.id, workflow_of(run).variant, run.input + 1, run.repeat + 1);
  }

  Begin begin_of(const ComparedRun& run) {
    const auto record = runner_.journal().find(id_of(run));
    if (!record) return Begin::anew;
    expect_same(*record, run);
    if (record->state == "finished") return Begin::not_at_all;
    if (record->state != "failed") return Begin::goes_on;
    // Earlier versions called it failed.
    const RunSummary summary = summarize(*record, runner_.journal().events(record->id));
    const bool was_stopped = summary.error.starts_with("stopped on request");
    return was_stopped || comparison_.retries_failed ? Begin::goes_on : Begin::not_at_all;
  }

  void expect_same(const RunRecord& record, const ComparedRun& run) const {
    const bool is_same_text = record.workflow_text == workflow_of(run).text;
    if (is_same_text && parse_json(record.inputs) == comparison_.inputs[run.input]) return;
    throw Error(
        ErrorCode::usage,
        fmt::format("the journal has a run {} of another {}", record.id,
                    is_same_text ? fmt::format("input than number {}", run.input + 1) : "workflow or other endpoints"),
        {}, "a comparison of something else is given another --id");
  }

  RunTask task_of(const ComparedRun& run, bool goes_on) const {
    RunTask task{&workflow_of(run), comparison_.inputs[run.input], comparison_.settings, goes_on};
    task.settings.id = id_of(run);
    return task;
  }

  void read_back(size_t number, bool was_there) {
    const ComparedRun& which = runs_[number];
    const std::string id = id_of(which);
    const auto record = runner_.journal().find(id);
    if (!record) throw Error(ErrorCode::io, fmt::format("the run {} is gone from the journal", id));
    if (record->state == "stopped") return;
    ComparedRun run = compared_run(workflow_of(which), *record, runner_.journal().events(id));
    run.variant = which.variant;
    run.input = which.input;
    run.repeat = which.repeat;
    runs_[number] = std::move(run);
    ++ended_;
    if (tell_) tell_({runs_[number], was_there, ended_, runs_.size()});
  }

  [[noreturn]] void throw_stopped() const {
    throw Error(ErrorCode::cancelled, fmt::format("stopped on request, with {} of {} runs", ended_, runs_.size()), {},
                fmt::format("the same command with --id {} goes on", comparison_.id));
  }

  Runner& runner_;
  const ComparisonRuns& comparison_;
  const std::function<void(const ComparisonStep&)>& tell_;
  std::vector<ComparedRun> runs_;
  size_t ended_ = 0;
};

}  // namespace

std::vector<size_t> first_equals(const std::vector<nlohmann::json>& inputs) {
  std::map<std::string, size_t> seen;
  std::vector<size_t> firsts;
  for (size_t i = 0; i < inputs.size(); ++i) firsts.push_back(seen.try_emplace(inputs[i].dump(), i).first->second);
  return firsts;
}

std::vector<ComparedRun> run_comparison(Runner& runner, const ComparisonRuns& comparison,
                                        const std::function<void(const ComparisonStep&)>& ended) {
  return Comparer(runner, comparison, ended).run();
}

}  // namespace coppice
