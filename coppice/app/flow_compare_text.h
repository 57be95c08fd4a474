// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/flow/report/compare.h"

namespace coppice::app {

/// The table of `flow compare` on standard output.
void print_comparison(const Comparison& comparison);

}  // namespace coppice::app
