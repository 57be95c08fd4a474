// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cancellation.h"

#include <utility>

namespace coppice {

Cancellation::Registration::Registration(Registration&& other) noexcept
    : of_(std::exchange(other.of_, nullptr)), number_(other.number_) {}

Cancellation::Registration& Cancellation::Registration::operator=(Registration&& other) noexcept {
  std::swap(of_, other.of_);
  std::swap(number_, other.number_);
  return *this;
}

Cancellation::Registration::~Registration() {
  if (of_ != nullptr) of_->registered_.erase(number_);
}

void Cancellation::cancel() {
  is_cancelled_ = true;
  while (!registered_.empty()) {  // one that is called may register or end others
    const auto act = std::move(registered_.begin()->second);
    registered_.erase(registered_.begin());
    act();
  }
}

void Cancellation::throw_if_cancelled() const {
  if (is_cancelled_) throw Error(ErrorCode::cancelled, "stopped on request");
}

Cancellation::Registration Cancellation::on_cancel(std::function<void()> act) {
  if (is_cancelled_) {
    act();
    return {};
  }
  const uint64_t number = next_++;
  registered_.emplace(number, std::move(act));
  return Registration(this, number);
}

}  // namespace coppice
