// SPDX-License-Identifier: Apache-2.0
#pragma once

// The front door of libcoppice: the public headers in the order in which the data travels.

// core: things that know no mathematics
#include "coppice/core/error.h"        // the one exception, with place and hint, and its exit codes
#include "coppice/core/options.h"      // options described once, for the command line, JSON and documents
#include "coppice/core/parallel.h"     // a fixed crew of threads; results do not depend on their number
#include "coppice/core/progress.h"     // how far the work is, and how to stop it
#include "coppice/core/random.h"       // small seeded random streams
#include "coppice/core/mapped_file.h"  // a file in memory without reading it
#include "coppice/core/output_file.h"  // a file that appears whole or not at all

// math: arrays and sparse rows
#include "coppice/math/array.h"  // a span and what keeps its storage alive
#include "coppice/math/csr.h"    // sparse matrices by rows

// rank: train level by level, match and rank
#include "coppice/rank/metrics.h"  // P, R, nDCG, PSP, MRR, coverage, F1; by label frequency
