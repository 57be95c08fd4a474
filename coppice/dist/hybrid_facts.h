// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/dist/hybrid.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// What all workers of a training must have alike, a line each: "block 50".
std::string hybrid_facts(const HybridOptions& options, uint32_t minibatch, size_t n_parameters);

/// The first lines that differ; two empty ones where none does.
std::pair<std::string, std::string> first_difference(std::string_view a, std::string_view b);

/// Throws `ErrorCode::usage` on all workers where one has other facts than the first one, naming it by its number.
/// Shapes: workers[rank].
void expect_alike(Transport& transport, std::span<const uint32_t> workers, const std::string& facts);

/// Throws `ErrorCode::usage` for groups that the workers of a job do not fill.
void expect_full_groups(const HybridOptions& options, uint32_t n_workers);

}  // namespace coppice
