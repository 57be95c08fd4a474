// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/dist/transport.h"

namespace coppice {

/// How long an operation takes between workers.
struct LinkTiming {
  std::string operation;
  uint64_t bytes = 0;           ///< of each worker
  double seconds = 0;           ///< the median
  double bytes_per_second = 0;  ///< that the busiest worker sent
};

/// Tries the operations of a transport with more and more bytes, up to `most_bytes`. Every worker calls it. Throws
/// `ErrorCode::internal` where a sum does not have the bits that it must have.
std::vector<LinkTiming> check_links(Transport& transport, uint64_t most_bytes, uint32_t repeats);

}  // namespace coppice
