// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/flow/run/run_observer.h"

namespace coppice::app {

/// A run on standard error: a line for each step when it ends; on a terminal the items that have ended, too.
class FlowProgress : public RunObserver {
 public:
  explicit FlowProgress(const CommonOptions& common);

  /// Called with the id of each run that is in the journal from now on.
  void on_run(std::function<void(const std::string& id)> began) { began_ = std::move(began); }

  void run_began(const std::string& id) override;
  void step_began(const StepSpec& step, size_t items) override;
  void item_ended(const StepSpec& step, size_t ended, size_t items) override;
  void step_ended(const StepSpec& step, StepState state, double seconds, Money cost) override;
  void remark(std::string_view text) override;

 private:
  void draw(const std::string& line);

  const CommonOptions& common_;
  std::function<void(const std::string& id)> began_;
  bool is_terminal_;
};

/// "1.24 s", "870 ms", "35 us".
std::string seconds_text(double seconds);

}  // namespace coppice::app
