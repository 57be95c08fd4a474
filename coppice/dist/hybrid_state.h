// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coppice/dist/transport.h"

namespace coppice {

/// What was done, as one worker saw it.
struct HybridReport {
  uint64_t steps = 0;      ///< minibatches
  uint64_t samples = 0;    ///< of this worker
  uint64_t n_skipped = 0;  ///< minibatches whose gradients were no numbers
  double loss = 0;         ///< summed over this worker's samples
  double compute_seconds = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;
  double density = 0;  ///< the mean share of elements that were sent
  Traffic in_group;    ///< gradients
  Traffic blocks;      ///< models: between the groups, and back inside them
};

/// What one worker has to keep in order to go on at the beginning of a block. Parameters are the same on all workers
/// there, and so is the velocity inside a group; what is left is this worker's own.
struct HybridState {
  uint64_t next_minibatch = 0;  ///< of all workers: those below have been dealt
  std::vector<float> parameters;
  std::vector<float> velocity;  ///< of SGD; empty without momentum
  std::vector<float> residual;  ///< of compression
  uint64_t part_begin = 0;      ///< the first of the parameters whose block momentum this worker keeps
  std::vector<float> model;     ///< W of block momentum, of this worker's part
  std::vector<float> delta;     ///< likewise
  std::vector<float> learner;   ///< the learner's own state
  HybridReport report;          ///< report.steps: minibatches of each worker so far
};

/// How the minibatches of a block are dealt.
struct Dealing {
  uint32_t n_workers = 0;
  uint32_t place = 0;
};

/// A group's model at the end of a block, before it meets those of the other groups.
struct BlockEnd {
  uint64_t steps = 0;             ///< of the block
  uint64_t samples_of_group = 0;  ///< in it
  std::vector<float> parameters;
  std::vector<float> velocity;
  std::vector<float> residual;
  std::vector<float> learner;
  HybridReport report;
};

/// How far a worker has come, for going on with others when a training broke off. The first two blocks' worth of it are
/// needed where workers were at different places when it did.
struct HybridProgress {
  uint32_t worker = 0;               ///< its number in the job, which it keeps
  std::optional<HybridState> start;  ///< of the present block; nothing: this worker has not trained yet
  std::optional<Dealing> dealing;    ///< of the present block; nothing: it has not begun
  std::optional<BlockEnd> end;       ///< of the present block, when the group has come there
  std::optional<HybridState> next;   ///< the next block's start, of which it is not known yet that all have it
};

/// What a training asks and tells whoever runs it.
class HybridObserver {
 public:
  virtual ~HybridObserver() = default;

  /// From here on this worker computes a gradient, and after that waits for others or does what is soon done.
  virtual void begin_step() noexcept {}
  virtual void end_step() noexcept {}

  /// At the end of each block: a word that all workers shall hear.
  virtual std::string word() { return {}; }

  /// All workers are at the beginning of a block, with the same model, and know that of each other. `words`: by rank.
  virtual void begin_block(const HybridState& /*state*/, std::span<const std::string> /*words*/) {}
};

}  // namespace coppice
