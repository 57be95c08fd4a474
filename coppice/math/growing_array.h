// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "coppice/math/array.h"

namespace coppice {

/// A result that grows without being zeroed or, as large blocks move by remapping, copied.
template <class T>
class GrowingArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Room for so many more at the end, to be filled by the caller; earlier places may move.
  T* extend(size_t more) {
    if (size_ + more > capacity_) reallocate(std::max(size_ + more, capacity_ + capacity_ / 2));
    size_ += more;
    return data_.get() + (size_ - more);
  }

  Array<T> finish() {
    if (size_ == 0) return {};
    reallocate(size_);
    T* const data = data_.get();
    return Array<T>(std::span<const T>(data, size_), std::shared_ptr<T>(std::move(data_)));
  }

 private:
  struct Free {
    void operator()(T* data) const noexcept { std::free(data); }
  };

  void reallocate(size_t capacity) {
    void* const moved = std::realloc(data_.get(), capacity * sizeof(T));
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(static_cast<T*>(moved));
    capacity_ = capacity;
  }

  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace coppice
