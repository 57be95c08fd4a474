// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>

#include "coppice/core/options.h"

namespace coppice {

/// When a silence is taken for a death.
struct FailureDetectorOptions {
  double phi = 8;                        ///< suspicion from which on a worker counts as dead
  uint32_t window = 200;                 ///< intervals that are remembered
  double least_deviation_seconds = 0.1;  ///< intervals that hardly vary are taken to vary so much
};
void describe(OptionTable& table, FailureDetectorOptions& options);

/// Says how likely it is that one who gave signs of life until now is dead, from how long it has been silent and from
/// how long it was silent between earlier signs: the time-out is learned, not set.
///
/// phi = -log10 P(the next sign comes later than now); at phi 1 one suspicion in 10 would be false, at 8 one in 10^8,
/// if intervals were as the model has them. P is the larger of two tails: a normal one with the intervals' mean and
/// deviation, as in the paper and in Akka, and an exponential one with the larger of the two as its mean, as in
/// Cassandra, more or less: a machine that swaps or is paused makes intervals that the normal one rules out.
///
/// Units: seconds, of any clock that goes forward; the caller says what time it is.
///
/// Source: Hayashibara, Defago, Yared, Katayama, "The phi accrual failure detector", SRDS 2004; the two tails together
/// are ours.
class FailureDetector {
 public:
  /// `expected_seconds`: between two signs, until so much is learned.
  FailureDetector(double expected_seconds, const FailureDetectorOptions& options);

  /// A sign of life.
  void heard(double now);

  /// From now on, without it being an interval: whoever asks was not there itself, or no sign was due.
  void begin_anew(double now);

  double phi(double now) const;
  bool suspects(double now) const { return phi(now) >= options_.phi; }

  /// A silence so long is taken for a death.
  double bound_seconds() const;
  uint64_t n_learned() const noexcept { return n_learned_; }

 private:
  double phi_of_silence(double seconds) const;
  double mean() const noexcept;
  double deviation() const noexcept;

  FailureDetectorOptions options_;
  std::deque<double> intervals_;
  double sum_ = 0, sum_of_squares_ = 0;
  double last_ = 0;
  bool has_heard_ = false;
  uint64_t n_learned_ = 0;
};

}  // namespace coppice
