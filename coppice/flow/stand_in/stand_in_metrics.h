// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/http/prometheus.h"

namespace coppice {

struct StandInPlan;

/// What the stand-in has done, for GET /metrics.
class StandInMetrics {
 public:
  void count(const StandInPlan& plan);
  std::string text() const { return metrics_.text(); }

 private:
  PrometheusMetrics metrics_;
};

}  // namespace coppice
