// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/block_sync.h"

#include <algorithm>
#include <numeric>

#include "coppice/dist/gather.h"

namespace coppice {
namespace {

/// The first parameter of a shard; that of the one behind the last is their number.
size_t shard_begin(size_t n_parameters, uint32_t shard, uint32_t n_shards) {
  return n_parameters * std::min(shard, n_shards) / n_shards;
}

}  // namespace

void describe(OptionTable& table, OverlapOptions& options) {
  table.add("block_overlap", options.minibatches, 0, 1U << 30,
            "Minibatches that groups go on training for while their models are exchanged; then the result is added to "
            "what was learned meanwhile. At most as many as a block has. 0: groups wait for the exchange. Above 0 all "
            "have the same model at the end of the training alone, so that there are no checkpoints, and no going on "
            "without workers that are lost.");
  table.add("block_fragments", options.fragments, 1, 1U << 16,
            "With block_overlap: parts of the model that are exchanged one after the other, spread evenly over a block "
            "(Streaming DiLoCo); no more than a block has minibatches.");
}

float share_of_samples(uint64_t samples, uint64_t of_all, uint32_t n_models) noexcept {
  if (of_all == 0) return 1.0F / static_cast<float>(n_models);
  return static_cast<float>(static_cast<double>(samples) / static_cast<double>(of_all));
}

BlockSync::BlockSync(Links links, const BlockLayout& layout, std::span<const float> parameters, BlockExchange exchange,
                     const BlockMomentumOptions& options)
    : links_(links),
      exchange_(exchange),
      part_begin_(shard_begin(parameters.size(), links.members.rank(),
                              exchange == BlockExchange::representative ? 1 : layout.n_shards)),
      part_size_(shard_begin(parameters.size(), links.members.rank() + 1,
                             exchange == BlockExchange::representative ? 1 : layout.n_shards) -
                 part_begin_),
      momentum_(parameters.subspan(part_begin_, part_size_), layout.n_groups, options) {}

uint64_t BlockSync::samples_of_group(uint64_t own) {
  const std::vector<uint64_t> of_members = gather_values(links_.members, own);
  return std::accumulate(of_members.begin(), of_members.end(), uint64_t{0});
}

float BlockSync::share_of_group(uint64_t samples) {
  const std::vector<uint64_t> of_groups = gather_values(links_.peers, samples);
  const uint64_t all = std::accumulate(of_groups.begin(), of_groups.end(), uint64_t{0});
  return share_of_samples(samples, all, links_.peers.size());
}

void BlockSync::end_block(std::span<float> parameters, uint64_t samples_of_group) {
  const std::span<float> own = own_part(parameters);
  if (!own.empty()) {
    const float share = share_of_group(samples_of_group);
    for (float& parameter : own) parameter *= share;
    links_.peers.all_reduce(own);
    momentum_.update(own);
  }
  spread(momentum_.start(), parameters);
}

void BlockSync::take_model(std::span<float> parameters) {
  spread(momentum_.model(), parameters);
}

void BlockSync::spread(std::span<const float> result, std::span<float> parameters) {
  const std::span<float> own = own_part(parameters);
  std::copy(result.begin(), result.end(), own.begin());
  Transport& members = links_.members;
  if (exchange_ == BlockExchange::representative) return members.broadcast(std::as_writable_bytes(parameters), 0);
  auto* at = reinterpret_cast<std::byte*>(parameters.data());
  for (const auto& shard : members.all_gather(std::as_bytes(own))) at = std::copy(shard.begin(), shard.end(), at);
}

}  // namespace coppice
