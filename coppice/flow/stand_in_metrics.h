// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "coppice/flow/prices.h"

namespace coppice {

struct StandInPlan;

/// What the stand-in has done, for GET /metrics.
class StandInMetrics {
 public:
  void count(const StandInPlan& plan);

  /// In Prometheus' text format, version 0.0.4.
  std::string text() const;

 private:
  struct OfModel {
    Usage usage;
    Money cost;
    double queue_seconds = 0;
  };

  std::map<std::pair<std::string, int>, uint64_t> requests_;  ///< by model and status
  std::map<std::string, uint64_t, std::less<>> faults_;
  std::map<std::string, OfModel> models_;
};

}  // namespace coppice
