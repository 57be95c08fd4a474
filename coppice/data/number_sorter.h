// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

namespace coppice {

/// Sorts numbers, ascending. Here by Highway's VQSort; the runtime, which links no library, has its own.
///
/// Threads: one per thread.
class NumberSorter {
 public:
  NumberSorter();
  ~NumberSorter();
  NumberSorter(NumberSorter&&) noexcept;
  NumberSorter& operator=(NumberSorter&&) noexcept;

  void sort(std::span<uint32_t> numbers) noexcept;
  void sort(std::span<uint64_t> numbers) noexcept;

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

}  // namespace coppice
