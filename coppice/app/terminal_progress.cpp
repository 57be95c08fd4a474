// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/terminal_progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/app/messages.h"

namespace coppice::app {
namespace {

constexpr auto kBetweenDraws = std::chrono::milliseconds(100);

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<uint64_t>(seconds);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

}  // namespace

ProgressStyle default_style(const CommonOptions& common) {
  if (common.quiet) return ProgressStyle::quiet;
  if (common.log_json) return ProgressStyle::json;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
  const char* no_color = std::getenv("NO_COLOR");
  const bool plain = dumb || (no_color != nullptr && *no_color != '\0');
  return ::isatty(STDERR_FILENO) != 0 && !plain ? ProgressStyle::terminal : ProgressStyle::plain;
}

double TerminalProgress::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

void TerminalProgress::stage(std::string_view name, uint64_t total) {
  finish();
  std::lock_guard lock(mutex_);
  name_ = name;
  total_ = total;
  done_.store(0);
  begin_ = last_draw_ = Clock::now();
}

void TerminalProgress::advance(uint64_t units) {
  const uint64_t done = done_.fetch_add(units) + units;
  if (style() != ProgressStyle::terminal) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || Clock::now() - last_draw_ < kBetweenDraws) return;
  last_draw_ = Clock::now();
  draw(done);
}

void TerminalProgress::draw(uint64_t done) {
  std::string line = fmt::format("\r\x1b[K{}", name_);
  if (total_ > 0 && done > 0) {
    const double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    line += fmt::format(": {:.0f} %, {} left", 100 * share, duration(seconds() * (1 - share) / share));
  } else if (done > 0) {
    line += fmt::format(": {}", done);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void TerminalProgress::note(std::string_view text) {
  std::lock_guard lock(mutex_);
  if (style() == ProgressStyle::json) {
    log_json({{"stage", name_}, {"note", text}});
  } else if (style() != ProgressStyle::quiet) {
    fmt::print(stderr, "{}  {}\n", style() == ProgressStyle::terminal ? "\r\x1b[K" : "", text);
  }
}

void TerminalProgress::finish() {
  std::lock_guard lock(mutex_);
  if (name_.empty()) return;
  stages_.push_back({name_, seconds()});
  if (style() == ProgressStyle::json) {
    log_json({{"stage", name_}, {"done", done_.load()}, {"seconds", seconds()}});
  } else if (style() != ProgressStyle::quiet) {
    fmt::print(stderr, "{}{}: {}\n", style() == ProgressStyle::terminal ? "\r\x1b[K" : "", name_, duration(seconds()));
  }
  name_.clear();
}

}  // namespace coppice::app
