// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"

namespace coppice {

/// Lets time pass. Throws `ErrorCode::cancelled`. `cancellation` may be null.
Awaitable<void> pause(std::chrono::milliseconds time, Cancellation* cancellation);

}  // namespace coppice
