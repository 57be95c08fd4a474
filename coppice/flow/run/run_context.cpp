// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_context.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include <boost/asio/io_context.hpp>

namespace coppice {
namespace {

/// Budgets of days end at midnight UTC, for all machines alike.
std::string today() {
  return fmt::format("day:{:%Y-%m-%d}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace

int64_t nanoseconds_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

RunContext::RunContext(const Workflow& workflow_, const RunServices& services_, RunSettings settings_)
    : workflow(workflow_),
      services(services_),
      settings(std::move(settings_)),
      run_scope("run:" + settings.id),
      tenant_scope(settings.tenant.empty() ? "" : "tenant:" + settings.tenant),
      journal(services.loop.get_executor(), services.journal, settings.id) {}

Event RunContext::event(EventKind kind, const std::string& step, int64_t item) const {
  Event made;
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(RunClock::now() - began);
  made.at_nanoseconds = began_nanoseconds + since.count();
  made.kind = kind;
  made.step = step;
  made.item = item;
  return made;
}

std::vector<BudgetScope> RunContext::budgets(const StepSpec& step) const {
  const BudgetSpec& limits = workflow.budget;
  std::vector<BudgetScope> scopes = {{run_scope, limits.run.value_or(kNoLimit)},
                                     {today(), limits.day.value_or(kNoLimit)}};
  if (!tenant_scope.empty()) scopes.push_back({tenant_scope, limits.tenant.value_or(kNoLimit)});
  if (step.budget) scopes.push_back({run_scope + "/step:" + step.name, *step.budget});
  return scopes;
}

UnknownCalls charge_open_calls(RunContext& run) {
  UnknownCalls charged;
  for (const Event& open : run.history.open_calls()) {
    JournalOperation operation;
    operation.event = run.event(EventKind::call_unknown, open.step, open.item);
    operation.event.call = open.call;
    operation.event.attempt = open.attempt;
    operation.event.input_hash = open.input_hash;
    operation.event.amount = open.amount;
    run.services.journal.commit(run.settings.id, {&operation, 1});
    charged.add(open.amount);
  }
  return charged;
}

}  // namespace coppice
