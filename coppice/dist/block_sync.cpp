// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/block_sync.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "coppice/core/error.h"

namespace coppice {
namespace {

std::span<const float> part_of(std::span<const float> all, BlockExchange exchange, const Transport& members) {
  const size_t n = all.size(), size = members.size(), rank = members.rank();
  if (exchange == BlockExchange::representative) return rank == 0 ? all : std::span<const float>();
  const size_t begin = n * rank / size;
  return all.subspan(begin, n * (rank + 1) / size - begin);
}

std::vector<uint64_t> gather_numbers(Transport& transport, uint64_t own) {
  std::vector<uint64_t> numbers;
  for (const auto& bytes : transport.all_gather(std::as_bytes(std::span(&own, 1)))) {
    uint64_t number = 0;
    check(bytes.size() == sizeof number, "a number");
    std::memcpy(&number, bytes.data(), sizeof number);
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

BlockSync::BlockSync(Transport& members, Transport& peers, std::span<const float> parameters, BlockExchange exchange,
                     const BlockMomentumOptions& options)
    : members_(members),
      peers_(peers),
      exchange_(exchange),
      momentum_(part_of(parameters, exchange, members), peers.size(), options) {}

std::span<float> BlockSync::own_part(std::span<float> parameters) const {
  const std::span<const float> part = part_of(parameters, exchange_, members_);
  return {const_cast<float*>(part.data()), part.size()};
}

float BlockSync::share_of_group(uint64_t samples) {
  const std::vector<uint64_t> of_members = gather_numbers(members_, samples);
  const uint64_t own = std::accumulate(of_members.begin(), of_members.end(), uint64_t{0});
  const std::vector<uint64_t> of_groups = gather_numbers(peers_, own);
  const uint64_t all = std::accumulate(of_groups.begin(), of_groups.end(), uint64_t{0});
  if (all == 0) return 1.0F / static_cast<float>(peers_.size());
  return static_cast<float>(static_cast<double>(own) / static_cast<double>(all));
}

void BlockSync::end_block(std::span<float> parameters, uint64_t samples) {
  const std::span<float> own = own_part(parameters);
  const float share = share_of_group(samples);
  if (exchange_ == BlockExchange::sharded || members_.rank() == 0) {
    for (float& parameter : own) parameter *= share;
    peers_.all_reduce(own);
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
  if (exchange_ == BlockExchange::representative) return members_.broadcast(std::as_writable_bytes(parameters), 0);
  auto* at = reinterpret_cast<std::byte*>(parameters.data());
  for (const auto& shard : members_.all_gather(std::as_bytes(own))) at = std::copy(shard.begin(), shard.end(), at);
}

}  // namespace coppice
