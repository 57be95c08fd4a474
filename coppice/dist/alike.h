// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/dist/transport.h"

namespace coppice {

/// Throws `ErrorCode::usage` on all workers, naming one, unless all give the same facts, a line each: "block 50". All
/// call it.
void expect_alike(Transport& transport, const std::vector<std::string>& facts);

}  // namespace coppice
