// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/dist/block_sync.h"
#include "coppice/dist/hybrid_state.h"
#include "coppice/dist/worker_groups.h"

namespace coppice {

/// What is trained, as far as going on with it needs to know.
struct ResumeShape {
  size_t n_parameters = 0;
  size_t n_velocity = 0;  ///< 0 without momentum
  uint32_t group_size = 1;
  BlockExchange exchange = BlockExchange::sharded;
};

/// Where workers that have come together go on.
struct ResumePoint {
  bool is_new = false;  ///< nobody has trained yet: all begin
  HybridState state;    ///< parameters, velocity, residual; its part of block momentum is cut anew from the next two
  std::vector<float> model, delta;  ///< of block momentum, for all parameters; empty where nobody has any
  std::optional<BlockEnd> end;      ///< where this worker's group need not train the block again
  std::optional<Dealing> dealing;   ///< as some group keeps its end; else minibatches are dealt anew
  std::vector<std::string> losses;  ///< what nobody has any more, a sentence each
};

/// The workers of `all` agree on the last beginning of a block that every one of them has who has trained at all. Those
/// who have not, joiners, are given parameters, velocity, block momentum and a learner's own state, and begin with an
/// empty residual. A group that has come to the end of that block keeps its model, if all that are left of it have; the
/// others train the block again. Every worker of `all` calls it. Throws `ErrorCode::data` naming a worker whose model
/// is another one than the others', or of another size.
ResumePoint agree_on_resume_point(Transport& all, const WorkerGroups& groups, HybridProgress own,
                                  const ResumeShape& shape);

}  // namespace coppice
