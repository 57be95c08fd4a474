// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "fuzz/examples_target.h"

/// Decompresses, at most 16 MiB of what comes out.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  constexpr size_t kMostBytes = size_t{16} << 20;
  try {
    coppice::InputStream stream =
        coppice::InputStream::from_memory({reinterpret_cast<const char*>(bytes), size}, "input");
    std::vector<char> space(10'000);
    size_t total = stream.peek(100).size();
    for (size_t count = stream.read(space); count > 0 && total < kMostBytes; count = stream.read(space)) total += count;
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
