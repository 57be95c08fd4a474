// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace coppice {
namespace {

TEST(Memory, ThePeakSeesWhatWasTakenAndGivenBack) {
  const uint64_t before = resident_memory_bytes();
  ASSERT_GT(before, 0u);
  {
    std::vector<char> block(64 << 20);
    std::fill(block.begin(), block.end(), 'x');
    EXPECT_GE(resident_memory_bytes() + (8 << 20), before + block.size());
  }
  EXPECT_GE(peak_memory_bytes() + (8 << 20), before + (64 << 20));
}

}  // namespace
}  // namespace coppice
