// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// Which rows are in which minibatch: the rows of each epoch in an order of their own, minibatch after minibatch. A
/// function of its arguments alone: whoever goes on at some minibatch deals the same rows.
class RowDeal {
 public:
  RowDeal(uint32_t n_rows, uint32_t minibatch, uint64_t seed) : n_rows_(n_rows), minibatch_(minibatch), seed_(seed) {}

  /// Those of minibatch `number`. Valid until the next call. Cost: an epoch's shuffle now and then.
  std::span<const uint32_t> rows(uint64_t number);

  /// How many minibatches make that many passes over the rows.
  uint64_t minibatches(double epochs) const noexcept;

 private:
  uint32_t row_at(uint64_t place);

  uint32_t n_rows_, minibatch_;
  uint64_t seed_;
  uint64_t epoch_ = UINT64_MAX;
  std::vector<uint32_t> order_;  ///< of `epoch_`
  std::vector<uint32_t> dealt_;
};

}  // namespace coppice
