// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/dist/transport.h"

namespace coppice {

/// The first lines that differ; two empty ones where none does.
std::pair<std::string, std::string> first_difference(std::string_view a, std::string_view b);

/// Throws `ErrorCode::usage` on all workers where one has other facts than the first one, naming it by its number.
/// Shapes: workers[rank].
void expect_alike(Transport& transport, std::span<const uint32_t> workers, const std::string& facts);

/// The same for workers whose numbers are their ranks.
void expect_alike(Transport& transport, const std::string& facts);

}  // namespace coppice
