// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace coppice {

/// All bytes of a file, or of a pipe up to its end. Throws `ErrorCode::io` where it cannot be read or is a directory,
/// and `ErrorCode::data` where it has more than `most_bytes`.
std::string read_file(const std::string& path, uint64_t most_bytes = std::numeric_limits<uint64_t>::max());

}  // namespace coppice
