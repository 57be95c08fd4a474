// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace coppice::bench {

/// Wall time, and processor time of all threads of this process. Units: seconds.
struct Spent {
  double wall_seconds = 0;
  double cpu_seconds = 0;
};

Spent operator+(const Spent& a, const Spent& b);
nlohmann::ordered_json to_json(const Spent& spent);

/// Measures from its making on.
class Stopwatch {
 public:
  Stopwatch();
  Spent spent() const;

 private:
  std::chrono::steady_clock::time_point start_;
  double cpu_start_;
};

/// {"mean": .., "p50": .., "p90": .., "p99": ..} of times in any unit; the p-th quantile is the value at rank p * n.
nlohmann::ordered_json quantiles(std::vector<double> values);

}  // namespace coppice::bench
