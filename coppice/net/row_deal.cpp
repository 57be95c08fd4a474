// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/row_deal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "coppice/core/random.h"

namespace coppice {

std::span<const uint32_t> RowDeal::rows(uint64_t number) {
  const uint64_t first = number * minibatch_;
  dealt_.clear();
  for (uint32_t i = 0; i < minibatch_; ++i) dealt_.push_back(row_at(first + i));
  return dealt_;
}

uint64_t RowDeal::minibatches(double epochs) const noexcept {
  return static_cast<uint64_t>(std::ceil(epochs * n_rows_ / minibatch_));
}

uint32_t RowDeal::row_at(uint64_t place) {
  const uint64_t epoch = place / n_rows_;
  if (epoch != epoch_) {
    order_.resize(n_rows_);
    std::iota(order_.begin(), order_.end(), 0U);
    Random(seed_, epoch).shuffle(std::span(order_));
    epoch_ = epoch;
  }
  return order_[place % n_rows_];
}

}  // namespace coppice
