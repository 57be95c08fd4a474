// SPDX-License-Identifier: Apache-2.0
//
// A target with a bug, which driver_test.py expects to be found: three of a kind in a row.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (size_t i = 2; i < size; ++i) {
    if (data[i] == '7' && data[i - 1] == '7' && data[i - 2] == '7') std::abort();
  }
  return 0;
}
