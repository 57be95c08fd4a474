// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"

namespace coppice {

/// What long work is given beside its input: the threads that do it, and who hears how far it is and may stop it.
/// Borrowed; made in place, as in `train(set, options, extras, {pool, progress})`.
struct Job {
  ThreadPool& pool;
  Progress& progress;
};

}  // namespace coppice
