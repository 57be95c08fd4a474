// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npy.h"

#include "fuzz/examples_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    const coppice::Dense matrix =
        coppice::read_npy(std::as_bytes(std::span<const uint8_t>(bytes, size)), nullptr, "input");
    coppice::require(matrix.values.size() == matrix.n_rows * matrix.n_columns);
    coppice::to_csr(matrix, 0, matrix.n_rows).validate("matrix");
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
