// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "coppice/core/output_file.h"
#include "coppice/math/csr.h"

namespace coppice {

/// What `read_npz` put right on the way.
struct NpzRepairs {
  uint64_t summed_entries = 0;  ///< entries at a place of the matrix that had one already, which SciPy adds up too
  uint64_t unsorted_rows = 0;   ///< rows whose columns did not ascend
};

/// A sparse matrix as scipy.sparse.save_npz writes it in CSR or CSC form, stored or compressed; indices of 32 or 64
/// bits, values of any numeric type.
/// Throws `ErrorCode::io`; `ErrorCode::data` for damage, sizes that disagree, indices out of range, values not finite
/// (naming the row, from 0, as NumPy counts; of CSC the column); `ErrorCode::unsupported` for COO, BSR and DIA matrices
/// and more than 2^32 - 1 columns. Memory: the matrix, for 64-bit types one more copy in parts of 1 MiB, for CSC twice
/// the matrix.
Csr read_npz(const std::string& path, NpzRepairs* repairs = nullptr);

/// Same, from the bytes of a file.
Csr read_npz(std::span<const std::byte> bytes, const std::string& name, NpzRepairs* repairs = nullptr);

/// The transpose of the matrix, a row for each of its columns: of CSC what is stored, nothing moved. Throws as
/// `read_npz`.
Csr read_npz_transposed(const std::string& path);

/// Writes `matrix` so that scipy.sparse.load_npz reads it: stored, float32, indices of 32 bits where they suffice.
/// The same matrix gives the same bytes. Cost: one CRC pass over the arrays besides the writing.
void write_npz(OutputFile& file, const Csr& matrix);

}  // namespace coppice
