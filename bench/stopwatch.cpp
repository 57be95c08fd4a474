// SPDX-License-Identifier: Apache-2.0
#include "bench/stopwatch.h"

#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace coppice::bench {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Spent operator+(const Spent& a, const Spent& b) {
  return {a.wall_seconds + b.wall_seconds, a.cpu_seconds + b.cpu_seconds};
}

nlohmann::ordered_json to_json(const Spent& spent) {
  return {{"wall_seconds", spent.wall_seconds}, {"cpu_seconds", spent.cpu_seconds}};
}

Stopwatch::Stopwatch() : start_(std::chrono::steady_clock::now()), cpu_start_(cpu_seconds()) {}

Spent Stopwatch::spent() const {
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
  return {wall.count(), cpu_seconds() - cpu_start_};
}

nlohmann::ordered_json quantiles(std::vector<double> values) {
  if (values.empty()) return nlohmann::ordered_json::object();
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    const auto rank = static_cast<size_t>(share * static_cast<double>(values.size()));
    return values[std::min(rank, values.size() - 1)];
  };
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {{"mean", sum / static_cast<double>(values.size())}, {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}};
}

}  // namespace coppice::bench
