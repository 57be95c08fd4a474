// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "coppice/core/progress.h"
#include "coppice/dist/life_signs.h"
#include "coppice/dist/membership.h"
#include "coppice/dist/store.h"
#include "coppice/dist/worker_environment.h"

namespace coppice {

struct RendezvousOptions {
  double connect_seconds = 60;  ///< that all may take to come at first
  double regroup_seconds = 60;  ///< after which one who lives, and does no step, is left behind
  uint32_t min_workers = 1;
};

/// How workers agree, over the store, who trains together: at first, after one was lost, when one more comes.
///
/// A generation is proposed by whoever sees first that each member of the last one is ready or dead; whose proposal is
/// set first counts, for all, so that nobody's death can leave others with two opinions or waiting for a coordinator.
/// It is taken for good once its members have connected; one who dies before that makes them ready for the next one.
/// Members of earlier generations who come late find themselves left behind, and join.
class Rendezvous {
 public:
  /// `life` outlives it.
  Rendezvous(const WorkerEnvironment& environment, const Member& self, LifeSigns& life,
             const RendezvousOptions& options);

  /// The first generation, or a later one that takes this process in. Nothing: the training ended before. Throws
  /// `ErrorCode::timeout` naming workers who have not come at all; `ErrorCode::remote` where another one failed, or
  /// took this worker's place.
  std::optional<Generation> join(const Progress& progress);

  /// The one after `last`, of which this process was a member. One without this process: join. Throws
  /// `ErrorCode::remote` when fewer than `min_workers` are left, too.
  std::optional<Generation> regroup(const Generation& last, Readiness readiness, const Progress& progress);

  /// Ends the training of all: no generation follows.
  void fail(const std::string& why);
  void done();
  /// What came of the training is where it belongs.
  void concluded();

 private:
  void expect_no_failure(const char* hint = "");
  void expect_no_other_run();
  void propose_first(double since);
  /// Nobody is left to take in those who were started again: they begin anew, or go on from checkpoints.
  void propose_after_all_are_lost(const Generation& last);
  void propose_after(const Generation& last, double since);
  void propose(uint64_t number, const std::vector<Member>& members);
  StoreClient::Deadline deadline() const;

  std::string job_;
  Member self_;
  uint32_t n_workers_;
  LifeSigns& life_;
  RendezvousOptions options_;
  StoreClient store_;
};

}  // namespace coppice
