// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/net/net_input.h"
#include "coppice/net/net_model.h"
#include "coppice/rank/metrics.h"

namespace coppice {

/// Takes the recordings of these speakers out of `rows`. Throws `ErrorCode::usage` naming one that has none, and where
/// nobody else is left.
NetRows hold_speakers_out(NetRows& rows, const std::vector<std::string>& speakers);

/// The rows of these speakers. Throws `ErrorCode::usage` for one that is not there.
NetRows only_speakers(const NetRows& rows, const std::vector<std::string>& speakers);

/// Takes a share of the rows out that no model has annotated: of recordings of known speakers all of some speakers, of
/// others a draw by the seed. Throws `ErrorCode::usage` where there are too few.
NetRows hold_share_out(NetRows& rows, double share, uint64_t seed);

/// Predicts every row and judges the predictions; labels that the model does not know count as positives it misses.
/// Throws `ErrorCode::data` when no row has a label.
Metrics evaluate_network(const NetModel& model, const NetExamples& examples, const MetricOptions& options, Job job);

/// The share of rows whose best label is none of theirs, in percent: the task's error rate.
double error_rate(const Metrics& metrics);

/// "error rate 3.60 % (18 of 500 rows)".
std::string error_text(const Metrics& metrics);

/// The same model with its error rate, and P@k, as its metrics.
NetModel with_metrics(NetModel model, const Metrics& metrics);

}  // namespace coppice
