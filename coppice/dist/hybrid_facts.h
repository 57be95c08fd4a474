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

}  // namespace coppice
