// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "coppice/dist/alike.h"
#include "coppice/dist/hybrid.h"

namespace coppice {

/// What all workers of a training must have alike, a line each: "block 50".
std::string hybrid_facts(const HybridOptions& options, uint32_t minibatch, size_t n_parameters);

/// Throws `ErrorCode::usage` for groups that the workers of a job do not fill.
void expect_full_groups(const HybridOptions& options, uint32_t n_workers);

/// Whether what a training has come to is kept at the ends of blocks, for going on.
enum class KeepsProgress : uint8_t { no, yes };
/// Throws `ErrorCode::usage` for groups whose exchange takes longer than a block, or leaves no model to keep.
void expect_overlap_possible(const HybridOptions& options, KeepsProgress keeps_progress);

}  // namespace coppice
