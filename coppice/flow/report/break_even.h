// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/flow/report/statistics.h"

namespace coppice {

/// How many users a variant pays for, held against another one.
///
/// One that costs more at first and less by request pays from `users` on (infinite: never; 0: at once); one that costs
/// less at first pays up to `users` (infinite: it always does). The interval's ends are NaN where nobody knows of one.
struct BreakEven {
  bool is_up_to = false;
  Figure users;
};

/// `fixed_more`: dollars that it costs more, once; `saved_by_request`: dollars that each request costs less, with its
/// interval.
BreakEven break_even(double fixed_more, const Figure& saved_by_request, double requests_per_user);

/// "at once", "never", "from", "up to".
const char* kind_of(const BreakEven& pays) noexcept;

/// "at once", "never; at best from 120 users on", "from 250 users on (120 to 900)", "up to 35,537 users (30,000 to
/// 40,000)".
std::string break_even_text(const BreakEven& pays);

/// "250 users": where lines of total costs cross.
std::string crossing_text(const BreakEven& pays);

}  // namespace coppice
