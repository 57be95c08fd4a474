// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/number_sorter.h"

#include <hwy/contrib/sort/vqsort.h>

namespace coppice {

struct NumberSorter::Scratch {
  hwy::Sorter sorter;
};

NumberSorter::NumberSorter() : scratch_(std::make_unique<Scratch>()) {}
NumberSorter::~NumberSorter() = default;
NumberSorter::NumberSorter(NumberSorter&&) noexcept = default;
NumberSorter& NumberSorter::operator=(NumberSorter&&) noexcept = default;

void NumberSorter::sort(std::span<uint32_t> numbers) noexcept {
  scratch_->sorter(numbers.data(), numbers.size(), hwy::SortAscending());
}

void NumberSorter::sort(std::span<uint64_t> numbers) noexcept {
  scratch_->sorter(numbers.data(), numbers.size(), hwy::SortAscending());
}

}  // namespace coppice
