// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/flow/llm/run_clock.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"

namespace coppice {

/// Lets time pass. Throws `ErrorCode::cancelled`. `cancellation` may be null.
Awaitable<void> pause_until(RunClock::time_point end, Cancellation* cancellation);
Awaitable<void> pause(RunClock::duration time, Cancellation* cancellation);

}  // namespace coppice
