// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/compared_run.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/report/statistics.h"
#include "coppice/flow/run/critical_path.h"
#include "coppice/flow/run/recorded_run.h"

namespace coppice {
namespace {

bool is_text_file(const std::string& path) {
  const std::string end = std::filesystem::path(path).extension().string();
  return end == ".html" || end == ".htm" || end == ".txt" || end == ".md" || end.empty();
}

/// What a reader sees of its files; of a run without files its result.
std::string text_of(const RunOutcome& outcome) {
  std::map<std::string, std::string> files;
  for (const RunFile& file : outcome.files) files[file.path] = file.bytes;
  if (files.empty()) {
    if (outcome.result.is_null()) return {};
    return compact_text(outcome.result);
  }
  const CheckedFiles checked(files);
  std::string text;
  for (const auto& [name, bytes] : files) {
    if (is_text_file(name)) text += std::string(checked.reader_text(name)) + "\n";
  }
  return text;
}

/// Does the step with the number `later` come after the other one, directly or not?
bool comes_after(const Workflow& workflow, size_t later, size_t earlier) {
  const auto& needs = workflow.steps[later].needs;
  return std::any_of(needs.begin(), needs.end(),
                     [&](size_t other) { return other == earlier || comes_after(workflow, other, earlier); });
}

/// The mean over pairs of steps that files are made of and that models were asked for side by side; 1 where there is
/// none.
double coherence_of(const Workflow& workflow, const RunOutcome& outcome) {
  std::vector<double> all;
  for (size_t i = 0; i < outcome.steps.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      const StepOutcome &a = outcome.steps[i], &b = outcome.steps[k];
      const bool are_output = workflow.file_steps.contains(a.name) && workflow.file_steps.contains(b.name);
      if (!are_output || a.words.empty() || b.words.empty() || comes_after(workflow, i, k)) continue;
      all.push_back(coherence({{a.name, a.words}, {b.name, b.words}}).all);
    }
  }
  return all.empty() ? 1 : mean(all);
}

/// Of many runs: without what nobody looks at then.
std::shared_ptr<const RunSummary> light(RunSummary summary) {
  summary.record.workflow_text.clear();
  summary.record.inputs.clear();
  summary.notes.clear();
  summary.notes.shrink_to_fit();
  return std::make_shared<const RunSummary>(std::move(summary));
}

/// The same failure of several runs is told once.
std::string without(const std::string& id, std::string text) {
  for (size_t at = text.find(id); at != text.npos; at = text.find(id, at)) text.replace(at, id.size(), "RUN");
  return text;
}

void tell_failure(const RunOutcome& outcome, ComparedRun& run) {
  if (outcome.error) {
    run.error = without(outcome.id, outcome.error->message());
    run.error_code = outcome.error->code();
  } else {
    run.error = outcome.state == "waiting" ? "it waits for a person" : "it has not ended";
  }
}

}  // namespace

bool checks_outputs(const Workflow& workflow) {
  return workflow.checks || std::any_of(workflow.steps.begin(), workflow.steps.end(), [](const StepSpec& step) {
           const std::string kind = step.kind->name();
           const bool is_check = kind == "check" || kind == "repair";
           return is_check && !step.optional && field(step.with.written(), "must_pass") == true;
         });
}

ComparedRun compared_run(const Workflow& workflow, const RunRecord& record, const std::vector<Event>& events) {
  RunSummary summary = summarize(record, events);
  const RunOutcome outcome = recorded_outcome(workflow, summary, events);
  ComparedRun run;
  run.finished = outcome.state == "finished";
  run.cost_dollars = (outcome.cost - outcome.unknown.cost).dollars();
  run.unknown = outcome.unknown;
  run.seconds = outcome.seconds;
  run.was_resumed = summary.resumptions > 0;
  for (const StepOutcome& step : outcome.steps) run.calls += step.calls;
  run.repairs = outcome.repairs;
  run.input_tokens = outcome.usage.input_tokens;
  run.output_tokens = outcome.usage.output_tokens;
  run.provenance = summary.provenance;
  run.summary = light(std::move(summary));
  run.verdicts = step_verdicts(workflow, events, outcome.checks);
  run.is_checked = checks_outputs(workflow);
  run.score = workflow.checks ? 0 : std::numeric_limits<double>::quiet_NaN();
  if (!run.finished) {
    tell_failure(outcome, run);
    return run;
  }
  if (outcome.checks) run.score = outcome.checks->score;
  run.accepted = !outcome.checks || outcome.checks->passed;
  const std::vector<double> path = critical_path(workflow, outcome);
  run.critical_seconds = std::accumulate(path.begin(), path.end(), 0.0);
  run.text = text_of(outcome);
  run.coherence = coherence_of(workflow, outcome);
  return run;
}

}  // namespace coppice
