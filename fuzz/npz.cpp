// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npz.h"

#include "fuzz/examples_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    coppice::read_npz(std::as_bytes(std::span<const uint8_t>(bytes, size)), "input").validate("matrix");
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
