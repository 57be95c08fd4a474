// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace coppice {

/// A read-only span and the keeper of its storage: a vector, a mapped file or another library's buffer.
///
/// One type gives ownership, memory mapping and zero copy. Copies share the storage.
template <class T>
class Array {
 public:
  Array() = default;

  /// Takes a vector over.
  Array(std::vector<T> values) {  // NOLINT(google-explicit-constructor): a vector is an array
    auto owner = std::make_shared<const std::vector<T>>(std::move(values));
    values_ = {owner->data(), owner->size()};
    keeper_ = std::move(owner);
  }

  /// Borrows `values` for as long as `keeper` keeps them alive (null: the caller promises to outlive the array).
  Array(std::span<const T> values, std::shared_ptr<const void> keeper) : values_(values), keeper_(std::move(keeper)) {}

  const T* data() const noexcept { return values_.data(); }
  size_t size() const noexcept { return values_.size(); }
  bool empty() const noexcept { return values_.empty(); }
  size_t size_bytes() const noexcept { return values_.size_bytes(); }
  const T& operator[](size_t i) const noexcept { return values_[i]; }
  const T& front() const noexcept { return values_.front(); }
  const T& back() const noexcept { return values_.back(); }
  auto begin() const noexcept { return values_.begin(); }
  auto end() const noexcept { return values_.end(); }
  std::span<const T> span() const noexcept { return values_; }
  operator std::span<const T>() const noexcept { return values_; }  // NOLINT(google-explicit-constructor)
  std::span<const T> subspan(size_t offset, size_t count) const { return values_.subspan(offset, count); }

 private:
  std::span<const T> values_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace coppice
