// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "coppice/dist/virtual_workers.h"
#include "coppice/net/study.h"

namespace coppice {

/// One training of a study, and what it took.
struct StudyTraining {
  StudyRun run;
  VirtualReport report;
};

/// Trainings that are done, a file each in a folder, so that a study that was stopped goes on where it was. A training
/// is known by its facts: rows, options, number of workers.
class KeptTrainings {
 public:
  /// `folder`: made if there is none; "": nothing is kept. Throws `ErrorCode::io`.
  explicit KeptTrainings(std::string folder);

  /// Throws `ErrorCode::data` naming a file that is damaged.
  std::optional<StudyTraining> find(const std::string& facts) const;

  /// Whole or not at all. Throws `ErrorCode::io`.
  void keep(const std::string& facts, const StudyTraining& training) const;

 private:
  std::string path_of(const std::string& facts) const;

  std::string folder_;
};

}  // namespace coppice
