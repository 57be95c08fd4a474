// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "coppice/core/error.h"

namespace coppice {

/// Tells those who wait that what they wait for is no longer wanted. (Asio of Boost 1.74 has nothing of the kind.)
///
/// Threads: of one event loop alone.
class Cancellation {
 public:
  /// As long as it lives, `cancel` calls what was registered.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Cancellation;
    Registration(Cancellation* of, uint64_t number) : of_(of), number_(number) {}
    Cancellation* of_ = nullptr;
    uint64_t number_ = 0;
  };

  /// Calls each of those that are registered, once. Cancelling again does nothing.
  void cancel();
  bool is_cancelled() const noexcept { return is_cancelled_; }
  /// Throws `ErrorCode::cancelled` once it was.
  void throw_if_cancelled() const;

  /// `act` is called at once where it is cancelled already. Must not outlive this.
  [[nodiscard]] Registration on_cancel(std::function<void()> act);

 private:
  std::map<uint64_t, std::function<void()>> registered_;
  uint64_t next_ = 1;
  bool is_cancelled_ = false;
};

}  // namespace coppice
