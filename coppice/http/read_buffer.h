// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <span>
#include <utility>

namespace coppice {

/// One buffer for all connections of an event loop: each has it only while it reads what is there.
class ReadBuffer {
 public:
  static constexpr size_t kBytes = size_t{64} << 10;
  using Bytes = std::array<char, kBytes>;

  /// Calls `use` with a buffer. Where that leads to another use meanwhile, that one gets one of its own.
  template <class Use>
  void with(const Use& use) {
    std::unique_ptr<Bytes> bytes = std::exchange(spare_, nullptr);
    if (bytes == nullptr) bytes.reset(new Bytes);
    struct GiveBack {
      ~GiveBack() { spare = std::move(bytes); }
      std::unique_ptr<Bytes>&spare, &bytes;
    } const give_back{spare_, bytes};
    use(std::span<char>(*bytes));
  }

 private:
  std::unique_ptr<Bytes> spare_;
};

}  // namespace coppice
