// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "coppice/flow/llm/money.h"

namespace coppice {

/// Calls that were under way when the program died: they count as the most that they can have cost, which is an
/// assumption and no price.
struct UnknownCalls {
  size_t calls = 0;
  Money cost;

  void add(Money charged) {
    ++calls;
    cost += charged;
  }
  UnknownCalls& operator+=(const UnknownCalls& other) {
    calls += other.calls;
    cost += other.cost;
    return *this;
  }
};

/// "$0.2446, of it $0.1235 for 2 calls whose end is unknown"; the cost alone where all ends are known.
std::string cost_text(Money all, const UnknownCalls& unknown);

/// "$0.1235 for 2 calls whose end is unknown".
std::string charge_text(const UnknownCalls& unknown);

}  // namespace coppice
