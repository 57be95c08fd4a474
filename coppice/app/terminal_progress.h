// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "coppice/core/progress.h"

namespace coppice::app {

struct CommonOptions;

/// Where progress goes: nowhere, to a person on a terminal (one line with the time left), or to a log as JSON lines.
enum class ProgressStyle { quiet, terminal, plain, json };

/// A stage of work, and how long it took.
struct StageTime {
  std::string name;
  double seconds;
};

/// Progress on standard error. Plain: a line when a stage ends.
class TerminalProgress : public Progress {
 public:
  explicit TerminalProgress(ProgressStyle style) : style_(style) {}
  ~TerminalProgress() override { finish(); }

  void stage(std::string_view name, uint64_t total) override;
  void advance(uint64_t units) override;
  void note(std::string_view text) override;
  void speaks_for_all(bool speaks) override { is_heard_ = speaks; }

  /// Ends the stage in work: its line gets the time it took.
  void finish();

  /// The stages that ended, in their order.
  const std::vector<StageTime>& stages() const noexcept { return stages_; }

 private:
  using Clock = std::chrono::steady_clock;

  void draw(uint64_t done);
  double seconds() const;
  ProgressStyle style() const noexcept { return is_heard_ ? style_ : ProgressStyle::quiet; }

  const ProgressStyle style_;
  std::atomic<bool> is_heard_{true};
  std::mutex mutex_;
  std::string name_;
  uint64_t total_ = 0;
  std::atomic<uint64_t> done_{0};
  Clock::time_point begin_;
  Clock::time_point last_draw_;
  std::vector<StageTime> stages_;
};

/// The style for standard error as it is: terminal when it is one, unless NO_COLOR is set and not empty, TERM is dumb
/// or there is no TERM; these get plain lines, without any escape sequence.
ProgressStyle default_style(const CommonOptions& common);

}  // namespace coppice::app
