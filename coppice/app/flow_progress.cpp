// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_progress.h"

#include <fmt/core.h>

#include <cmath>
#include <cstdio>

#include "coppice/app/messages.h"
#include "coppice/app/terminal_progress.h"

namespace coppice::app {

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  return seconds >= 1e-3 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.0f} us", seconds * 1e6);
}

FlowProgress::FlowProgress(const CommonOptions& common)
    : common_(common), is_terminal_(default_style(common) == ProgressStyle::terminal) {}

void FlowProgress::draw(const std::string& line) {
  if (is_terminal_) fmt::print(stderr, "\r\033[K{}", line);
}

void FlowProgress::run_began(const std::string& id) {
  if (began_) began_(id);
  common_.log_json ? log_json({{"run", id}}) : say("run " + id, common_);
}

void FlowProgress::step_began(const StepSpec& step, size_t items) {
  draw(items == 1 ? fmt::format("{} ...", step.name) : fmt::format("{} 0/{} ...", step.name, items));
}

void FlowProgress::item_ended(const StepSpec& step, size_t ended, size_t items) {
  if (items > 1) draw(fmt::format("{} {}/{} ...", step.name, ended, items));
}

void FlowProgress::step_ended(const StepSpec& step, StepState state, double seconds, Money cost) {
  if (common_.log_json) {
    log_json(
        {{"step", step.name}, {"state", std::string(name(state))}, {"seconds", seconds}, {"cost_usd", cost.dollars()}});
    return;
  }
  draw("");
  std::string line = fmt::format("{:<24} {:<8} {:>9}", step.name, name(state), seconds_text(seconds));
  if (cost.pico_dollars > 0) line += "  " + money_text(cost);
  say(line, common_);
}

void FlowProgress::remark(std::string_view text) {
  draw("");
  note(std::string(text), common_);
}

}  // namespace coppice::app
