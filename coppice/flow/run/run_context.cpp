// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_context.h"

#include <fmt/chrono.h>
#include <fmt/core.h>
#include <unistd.h>
#include <xxhash.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <limits>

namespace coppice {
namespace {

constexpr Money kNoLimit{std::numeric_limits<int64_t>::max()};

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

std::string content_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string new_run_id() {
  constexpr std::string_view kLetters = "0123456789abcdefghijkmnpqrstuvwxyz";  // no l, no o
  std::array<uint32_t, 6> random{};
  // Not by a std::random_device: where machines are virtual, making one takes longer than all else of a short run.
  if (::getentropy(random.data(), sizeof random) != 0) throw_io_error("read", "random bytes of the system", errno);
  std::string end;
  for (const uint32_t number : random) end += kLetters[number % kLetters.size()];
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y%m%d-%H%M%S}-{}", fmt::gmtime(now), end);
}

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

Money charge_open_calls(RunContext& run) {
  Money charged;
  for (const Event& open : run.history.open_calls()) {
    JournalOperation operation;
    operation.event = run.event(EventKind::call_unknown, open.step, open.item);
    operation.event.call = open.call;
    operation.event.attempt = open.attempt;
    operation.event.input_hash = open.input_hash;
    operation.event.amount = open.amount;
    if (const StepSpec* step = run.workflow.find(open.step)) operation.budgets = run.budgets(*step);
    run.services.journal.commit(run.settings.id, {&operation, 1});
    charged += open.amount;
  }
  return charged;
}

}  // namespace coppice
