// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/unknown_calls.h"

#include <fmt/core.h>

#include "coppice/core/quantity.h"

namespace coppice {

std::string cost_text(Money all, const UnknownCalls& unknown) {
  return unknown.calls == 0 ? money_text(all) : money_text(all) + ", of it " + charge_text(unknown);
}

std::string charge_text(const UnknownCalls& unknown) {
  return fmt::format("{} for {} whose end is unknown", money_text(unknown.cost), counted(unknown.calls, "call"));
}

}  // namespace coppice
