// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "coppice/dist/background_work.h"
#include "coppice/dist/block_sync.h"
#include "coppice/dist/worker_groups.h"

namespace coppice {

/// Blocks whose ends are exchanged while training goes on, for one worker.
///
/// The model is cut into fragments; that of number f ends its blocks (f + 1) / fragments of a block after their
/// beginning. Its parameters, as the group has them then, go to a BlockSync of its own on a thread beside that of the
/// training. So many minibatches later the training waits for it, if need be, and
///
///     parameters += result - what they were
///
/// which keeps what the group has learned meanwhile. So block momentum is what it is without overlap: the next end of a
/// block sees its start plus all that the group has learned since, of which the first few gradients were those at an
/// older place. The step at which a result counts is fixed: bits do not depend on how quick the links are.
///
/// The groups have no common model until finish(), but hear of each result that all workers have the same one.
/// Cost: memory for two more copies of the model. Threads: all calls from the one that made it.
/// Source: the fragments and the delay are those of Douillard et al., "Streaming DiLoCo with overlapping
/// communication", 2025; there a result is mixed with the parameters, here it is added to what was learned meanwhile.
class OverlappedSync {
 public:
  /// Who the workers are: their numbers in the job by rank, and the groups that they form.
  struct Workers {
    Transport& all;
    const std::vector<uint32_t>& numbers;
    const WorkerGroups& groups;
  };
  struct Schedule {
    uint32_t block_minibatches = 1;
    OverlapOptions overlap;
    BlockExchange exchange = BlockExchange::sharded;
    BlockMomentumOptions momentum;
  };
  /// Some of the parameters.
  struct Part {
    size_t begin, size;
  };

  /// Borrows what `workers` has. Shapes: parameters[all of the model]: what all begin with. `samples`: this worker's,
  /// so far.
  OverlappedSync(const Workers& workers, const Schedule& schedule, std::span<const float> parameters, uint64_t samples);

  /// After each minibatch. `samples`: this worker's, of all minibatches so far. Returns the parts in which parameters
  /// have become a result. Throws what an exchange threw.
  std::vector<Part> end_step(std::span<float> parameters, uint64_t samples);

  /// Ends blocks that are not full: `parameters` become the model that was trained, the same on all workers.
  void finish(std::span<float> parameters, uint64_t samples);

  /// See BackgroundWork.
  void expect_going_on() { background_.expect_going_on(); }
  void throw_reason() { background_.throw_reason(); }

  /// Of models, between groups and inside this one, in exchanges that have ended.
  Traffic traffic() const;
  /// That the training waited for exchanges.
  double wait_seconds() const noexcept { return wait_seconds_; }

 private:
  struct Fragment {
    Part part;
    uint64_t end_in_block;  ///< minibatches
    BlockSync sync;
    uint64_t samples;  ///< this worker's, of all blocks that have ended
    std::vector<float> before, result;
    uint64_t exchange = 0;  ///< its number, where one is under way; else 0
    uint64_t begun_at = 0;  ///< step
  };

  void begin_exchange(Fragment& fragment, std::span<const float> parameters, uint64_t samples);
  void apply(Fragment& fragment, std::span<float> parameters);
  /// On the other thread.
  void exchange(Fragment& fragment, uint64_t samples, uint64_t step);
  void note_traffic();
  void expect_same(const Fragment& fragment, uint64_t step);

  Workers workers_;
  uint64_t block_minibatches_, overlap_;
  std::unique_ptr<Transport> all_, members_, peers_;  ///< of the other thread
  std::deque<Fragment> fragments_;                    ///< in the order in which they end their blocks
  uint64_t step_ = 0;                                 ///< minibatches
  double wait_seconds_ = 0;
  mutable std::mutex mutex_;  ///< of the traffic
  Traffic traffic_;
  BackgroundWork background_;  ///< ends before what it works on
};

}  // namespace coppice
