// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/dist/block_momentum.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// How the groups bring their models together at the end of a block.
enum class BlockExchange : uint8_t {
  sharded,         ///< member j of every group sums shard j, then the members of a group gather the shards
  representative,  ///< member 0 of every group sums the whole model, then sends it to its group, as in the article
};

/// Whether groups go on training while their models meet.
struct OverlapOptions {
  uint32_t minibatches = 0;  ///< that are trained meanwhile; 0: groups wait for one another
  uint32_t fragments = 4;    ///< of the model, each of which meets at a time of its own
};
void describe(OptionTable& table, OverlapOptions& options);

/// How a model is cut for the end of a block.
struct BlockLayout {
  uint32_t n_groups = 1;
  uint32_t n_shards = 1;  ///< member j of each group has shard j, as far as there are shards
};

/// What one of several models counts in their mean, as its samples do; all the same where there are none.
float share_of_samples(uint64_t samples, uint64_t of_all, uint32_t n_models) noexcept;

/// The end of a block, for one worker: the models of the groups are averaged, each counting as its samples do, the
/// average goes through block momentum, and every worker has what comes out. Both exchanges give the same bits, as each
/// parameter is by itself and groups are summed in their order.
class BlockSync {
 public:
  /// The workers of a group, and those who are at the same place in each group (this one alone where some group has
  /// none at its place).
  struct Links {
    Transport& members;
    Transport& peers;
  };

  /// Shapes: parameters[all of the model]: what all begin with.
  BlockSync(Links links, const BlockLayout& layout, std::span<const float> parameters, BlockExchange exchange,
            const BlockMomentumOptions& options);

  /// What the samples of the group's members since the last end come to.
  uint64_t samples_of_group(uint64_t own);

  /// `parameters`: in, the model of this worker's group, the same on its members; out, what the next block starts with.
  void end_block(std::span<float> parameters, uint64_t samples_of_group);

  /// After the last block: `parameters` become the model that was trained, without the step ahead.
  void take_model(std::span<float> parameters);

  const BlockMomentum& momentum() const noexcept { return momentum_; }
  BlockMomentum& momentum() noexcept { return momentum_; }
  /// Of this worker's part.
  size_t part_begin() const noexcept { return part_begin_; }
  size_t part_size() const noexcept { return part_size_; }

 private:
  /// This worker's part of the parameters: a shard, or all, or none.
  std::span<float> own_part(std::span<float> parameters) const { return parameters.subspan(part_begin_, part_size_); }
  /// Every member's part, which it has from `result`, to all members.
  void spread(std::span<const float> result, std::span<float> parameters);
  /// What the model of this worker's group counts among the groups.
  float share_of_group(uint64_t samples);

  Links links_;
  BlockExchange exchange_;
  size_t part_begin_, part_size_;
  BlockMomentum momentum_;
};

}  // namespace coppice
