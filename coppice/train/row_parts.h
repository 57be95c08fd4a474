// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Calls `work(begin, end)` for [0, n_rows) in parts of some thousand rows per thread, in order, and asks `stop`
/// (which may be null) before each: so many rows of predicting are over soon, while a block of input may not be.
/// Throws `ErrorCode::cancelled` when told to stop.
void for_row_parts(size_t n_rows, const ThreadPool& pool, const Progress* stop,
                   const std::function<void(size_t begin, size_t end)>& work);

/// The rows [begin, end) as a matrix of their own; all of them cost nothing.
Csr rows_between(const Csr& matrix, size_t begin, size_t end);

}  // namespace coppice
