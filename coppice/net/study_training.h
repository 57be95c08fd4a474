// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "coppice/core/job.h"
#include "coppice/net/net_training.h"
#include "coppice/net/study_keep.h"

namespace coppice {

/// What the combinations of a study are trained and measured with. Borrows all but what it makes itself.
struct StudyArena {
  StudyArena(const StudyMaterial& of, const KeptTrainings& done, Job with);

  StudyMaterial material;
  const KeptTrainings& kept;
  Job job;
  std::string test_fingerprint;
  NetExamples few;  ///< of the test rows, for curves
};

/// Trains and measures once, by virtual workers; by workers that are threads where blocks overlap or a network changes
/// more than its parameters. One that is kept is not trained again; one that comes to no numbers is a training that
/// diverged. Advances the progress by 1. Throws
/// `ErrorCode::cancelled` on request.
StudyTraining train_for_study(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers,
                              uint32_t points);

}  // namespace coppice
