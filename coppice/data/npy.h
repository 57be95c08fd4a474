// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/output_file.h"
#include "coppice/math/array.h"
#include "coppice/math/csr.h"

namespace coppice {

/// A dense matrix, row by row.
/// Shapes: values n_rows x n_columns. Invariant: values are finite.
struct Dense {
  size_t n_rows = 0;
  uint32_t n_columns = 0;
  Array<float> values;

  std::span<const float> row(size_t i) const noexcept { return values.subspan(i * n_columns, n_columns); }
};

/// What the header of an array in NumPy's format says.
/// Source: NumPy's format documentation (numpy/lib/format.py), versions 1.0, 2.0 and 3.0.
struct NpyHeader {
  char kind = 0;  ///< f, i, u, b (truth values), S (bytes), U (text)
  size_t item_bytes = 0;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
  size_t data_offset = 0;  ///< where the items begin

  /// Number of items; checked not to overflow.
  uint64_t n_items = 1;
};

/// Reads the header at the front of `bytes` (the whole file, or at least its first 64 KiB).
/// Throws `ErrorCode::data` for what is no such header, `ErrorCode::unsupported` for big-endian and pickled arrays.
NpyHeader parse_npy_header(std::string_view bytes, const std::string& name);

/// Numbers of an array as they lie in the file -> our types. `bytes` holds whole items.
/// Throws `ErrorCode::unsupported` for kinds other than those named; `first` is the index of the first item, for
/// messages.
struct NpyItems {
  std::string_view bytes;
  char kind;
  size_t item_bytes;
  uint64_t first;
  const std::string& name;
};
/// float16/32/64, integers and truth values; what is too large for float32 becomes infinite.
void append_floats(const NpyItems& items, std::vector<float>& values);
/// Integers of 8 to 64 bits from 0 to `highest`; others are `ErrorCode::data`.
void append_indices(const NpyItems& items, uint64_t highest, std::vector<uint64_t>& values);
void append_indices(const NpyItems& items, uint64_t highest, std::vector<uint32_t>& values);

/// Reads a matrix of numbers, C or Fortran order; a vector is a matrix of one column. A file of float32 in C order is
/// mapped, not copied. Throws `ErrorCode::io`, `ErrorCode::data` (row and column of a NaN), `ErrorCode::unsupported`.
Dense read_npy(const std::string& path);

/// Same, from the bytes of a file, which `keeper` keeps.
Dense read_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> keeper, const std::string& name);

/// Rows begin..end-1 as sparse rows; zeros are left out.
Csr to_csr(const Dense& matrix, size_t begin, size_t end);

/// The header of a little-endian C-order array, version 1.0, padded so that the items start at a multiple of 64.
std::string npy_header(std::string_view type, std::span<const uint64_t> shape);

/// Writes float32 in C order, as numpy.save does.
void write_npy(OutputFile& file, const Dense& matrix);

}  // namespace coppice
