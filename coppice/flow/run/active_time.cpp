// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/active_time.h"

#include <algorithm>

namespace coppice {
namespace {

double seconds_between(int64_t from, int64_t to) {
  return static_cast<double>(to - from) * 1e-9;
}

/// Written down between two parts: by whoever resumes, or by a person.
bool is_between_parts(EventKind kind) {
  return kind == EventKind::call_unknown || kind == EventKind::approved;
}

}  // namespace

void ActiveTime::begin_part(int64_t at_nanoseconds) {
  if (parts_++ == 0) {
    began_ = at_nanoseconds;
  } else {
    waited_ += std::max(0.0, seconds_between(latest_, at_nanoseconds));
  }
  base_ += last_;
  last_ = skew_ = 0;
  part_began_ = latest_ = at_nanoseconds;
  ended_ = std::max(ended_, at_nanoseconds);
}

double ActiveTime::place(const Event& event) {
  if (event.kind == EventKind::run_started || event.kind == EventKind::run_resumed) {
    begin_part(event.at_nanoseconds);
    return base_;
  }
  if (!has_begun() || is_between_parts(event.kind)) return seconds();
  double into = seconds_between(part_began_, event.at_nanoseconds) + skew_;
  if (into < last_) {
    skew_ += last_ - into;
    into = last_;
  }
  last_ = into;
  latest_ = event.at_nanoseconds;
  ended_ = std::max(ended_, event.at_nanoseconds);
  return seconds();
}

double ActiveTime::at_least(double seconds) {
  const double missing = seconds - this->seconds();
  if (missing > 0) {
    last_ += missing;
    skew_ += missing;
  }
  return this->seconds();
}

void ActiveTime::took(double seconds) {
  last_ = std::max(0.0, seconds);
}

}  // namespace coppice
