// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npz.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/parallel.h"
#include "coppice/core/quantity.h"
#include "coppice/data/npy.h"
#include "coppice/data/row.h"
#include "coppice/data/zip_archive.h"

namespace coppice {
namespace {

constexpr size_t kPartBytes = size_t{1} << 20;
constexpr size_t kHeaderBytes = size_t{64} << 10;

[[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& hint = {}) {
  throw Error(ErrorCode::data, what, name, hint);
}

std::string number(uint64_t value) {
  return std::to_string(value);
}

/// One array of the archive: its header, then its items in parts.
class ArrayReader {
 public:
  ArrayReader(const ZipArchive& archive, const std::string& entry, const std::string& archive_name)
      : name_(archive_name + ":" + entry), entry_(archive.open(entry)) {
    if (!entry_) {
      refuse(archive_name, "the archive has no member '" + entry + "', expected one that scipy.sparse.save_npz wrote");
    }
    buffer_.resize(static_cast<size_t>(std::min<uint64_t>(kHeaderBytes, entry_->size_bytes())));
    buffer_.resize(fill(buffer_));
    header_ = parse_npy_header({buffer_.data(), buffer_.size()}, name_);
    const uint64_t promised = header_.n_items * header_.item_bytes;
    if (entry_->size_bytes() - header_.data_offset != promised) {
      refuse(name_, "the member holds " + counted(entry_->size_bytes() - header_.data_offset, "byte") +
                        " of items, its header promises " + number(promised));
    }
  }

  const NpyHeader& header() const noexcept { return header_; }
  const std::string& name() const noexcept { return name_; }

  /// Calls `take` with the items, in order, in parts of whole items.
  template <class Take>
  void for_parts(Take take) {
    std::string part = buffer_.substr(header_.data_offset);
    uint64_t done = 0;
    size_t carried = part.size();
    while (done < header_.n_items) {
      const uint64_t missing = (header_.n_items - done) * header_.item_bytes;
      part.resize(std::max(carried, static_cast<size_t>(std::min<uint64_t>(kPartBytes, missing))));
      carried += fill(std::span<char>(part).subspan(carried));
      const uint64_t items = std::min<uint64_t>(carried / header_.item_bytes, header_.n_items - done);
      if (items == 0) refuse(name_, "the member ends early");
      const size_t used = static_cast<size_t>(items * header_.item_bytes);
      take(NpyItems{std::string_view(part).substr(0, used), header_.kind, header_.item_bytes, done, name_});
      done += items;
      carried -= used;
      std::memmove(part.data(), part.data() + used, carried);
    }
    // The checksum is compared when the end is met.
    char more = 0;
    if (carried > 0 || entry_->read({&more, 1}) > 0) refuse(name_, "the member is longer than its header promises");
  }

  /// Reserves no more than the archive could hold: a promise of the header alone may be a lie.
  template <class T>
  void reserve(std::vector<T>& values, uint64_t archive_bytes) const {
    constexpr uint64_t kDeflateRatio = 1032;
    const uint64_t most = archive_bytes > std::numeric_limits<uint64_t>::max() / kDeflateRatio
                              ? archive_bytes
                              : archive_bytes * kDeflateRatio / header_.item_bytes;
    values.reserve(static_cast<size_t>(std::min(header_.n_items, most)));
  }

 private:
  size_t fill(std::span<char> space) {
    size_t filled = 0;
    while (filled < space.size()) {
      const size_t count = entry_->read(space.subspan(filled));
      if (count == 0) break;
      filled += count;
    }
    return filled;
  }

  std::string name_;
  std::optional<ZipEntry> entry_;
  std::string buffer_;
  NpyHeader header_;
};

struct NpzFile {
  const ZipArchive& archive;
  const std::string& name;
  uint64_t bytes;

  ArrayReader array(const std::string& entry) const { return ArrayReader(archive, entry, name); }

  template <class T>
  std::vector<T> indices(const std::string& entry, uint64_t highest) const {
    ArrayReader reader = array(entry);
    expect_vector(reader);
    std::vector<T> values;
    reader.reserve(values, bytes);
    reader.for_parts([&](const NpyItems& items) { append_indices(items, highest, values); });
    return values;
  }

  std::vector<float> floats(const std::string& entry) const {
    ArrayReader reader = array(entry);
    expect_vector(reader);
    std::vector<float> values;
    reader.reserve(values, bytes);
    reader.for_parts([&](const NpyItems& items) { append_floats(items, values); });
    return values;
  }

  static void expect_vector(const ArrayReader& reader) {
    if (reader.header().shape.size() == 1) return;
    refuse(reader.name(), "the array has " + counted(reader.header().shape.size(), "dimension") + ", expected 1");
  }
};

/// "csr", "csc", ...: stored as bytes ('S') or as UTF-32 text ('U').
std::string sparse_format(const NpzFile& file) {
  ArrayReader reader = file.array("format.npy");
  const NpyHeader& header = reader.header();
  if (header.n_items != 1 || (header.kind != 'S' && header.kind != 'U')) {
    refuse(reader.name(), "the member does not name the form of the matrix");
  }
  std::string format;
  reader.for_parts([&](const NpyItems& items) {
    for (size_t i = 0; i < items.bytes.size(); i += header.kind == 'U' ? 4 : 1) {
      if (items.bytes[i] != '\0') format += items.bytes[i];
    }
  });
  return format;
}

/// "csr" or "csc".
std::string form_of(const NpzFile& file) {
  const std::vector<std::string> names = file.archive.names();
  const auto has = [&](const char* entry) { return std::find(names.begin(), names.end(), entry) != names.end(); };
  if (!has("format.npy")) {
    refuse(file.name, "the archive holds no sparse matrix, expected one that scipy.sparse.save_npz wrote",
           "a dense array: save it by numpy.save as .npy");
  }
  std::string format = sparse_format(file);
  if (format != "csr" && format != "csc") {
    throw Error(ErrorCode::unsupported, "the matrix is in the form " + shown(format) + ", expected csr or csc",
                file.name, "in SciPy: save_npz(path, matrix.tocsr())");
  }
  return format;
}

void check_offsets(const std::vector<uint64_t>& offsets, uint64_t n_rows, uint64_t n_entries, const std::string& name) {
  if (offsets.size() != n_rows + 1) {
    refuse(name, "indptr has " + counted(offsets.size(), "item") + ", expected " + number(n_rows + 1) +
                     ", one more than rows");
  }
  if (offsets.front() != 0) refuse(name, "indptr starts at " + number(offsets.front()) + ", expected 0");
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (offsets[i + 1] < offsets[i]) refuse(name, "row " + number(i) + ": indptr does not ascend");
  }
  if (offsets.back() != n_entries) {
    refuse(name,
           "indptr ends at " + number(offsets.back()) + ", expected " + number(n_entries) + ", the number of indices");
  }
}

size_t row_of(const std::vector<uint64_t>& offsets, uint64_t entry) {
  return static_cast<size_t>(std::upper_bound(offsets.begin(), offsets.end(), entry) - offsets.begin()) - 1;
}

void check_values(const std::vector<float>& values, const std::vector<uint64_t>& offsets, const std::string& name) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      refuse(name, "row " + number(row_of(offsets, i)) + ": a value is not a finite 32-bit number");
    }
  }
}

void check_columns(const std::vector<uint32_t>& columns, const std::vector<uint64_t>& offsets, uint32_t n_columns,
                   const std::string& name) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= n_columns) {
      refuse(name, "row " + number(row_of(offsets, i)) + ": column " + number(columns[i]) + " in a matrix of " +
                       counted(n_columns, "column"));
    }
  }
}

bool ascends(const Csr& matrix, size_t i) noexcept {
  const std::span<const uint32_t> columns = matrix.row(i).columns;
  return std::adjacent_find(columns.begin(), columns.end(), std::greater_equal<>()) == columns.end();
}

/// SciPy allows rows in any order and entries that are to be summed.
Csr sorted(Csr matrix, const std::string& name, NpzRepairs& repairs) {
  for (size_t i = 0; i < matrix.n_rows(); ++i) repairs.unsorted_rows += ascends(matrix, i) ? 0 : 1;
  if (repairs.unsorted_rows == 0) return matrix;
  CsrBuilder builder(matrix.n_columns);
  for (size_t i = 0; i < matrix.n_rows(); ++i) {
    const SparseRow row = matrix.row(i);
    for (size_t j = 0; j < row.size(); ++j) builder.add(row.columns[j], row.values[j]);
    builder.end_row();
  }
  Csr result = builder.build();
  repairs.summed_entries = matrix.n_nonzeros() - result.n_nonzeros();
  if (repairs.summed_entries > 0) result.validate(name);
  return result;
}

Csr transposed(const Csr& matrix, const std::string& name) {
  if (matrix.n_rows() >= std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::unsupported, "more than 2^32 - 2 rows to be turned into columns", name);
  }
  ThreadPool pool(1);
  return transpose(matrix, pool);
}

/// A matrix in the form `wanted`, its other one turned; csc is given as the csr form of the transpose.
Csr read_form(std::span<const std::byte> bytes, const std::string& name, const std::string& wanted,
              NpzRepairs* repairs) {
  if (bytes.empty()) refuse(name, "the file is empty, expected a matrix");
  const ZipArchive archive(bytes, name);
  const NpzFile file{archive, name, bytes.size()};
  const std::string form = form_of(file);
  auto shape = file.indices<uint64_t>("shape.npy", std::numeric_limits<int64_t>::max());
  if (shape.size() != 2) refuse(name, "the matrix has " + counted(shape.size(), "dimension") + ", expected 2");
  if (form == "csc") std::swap(shape[0], shape[1]);
  if (shape[1] > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::unsupported,
                "the matrix has " + number(shape[1]) + " columns, expected fewer than 4294967296", name);
  }
  auto offsets = file.indices<uint64_t>("indptr.npy", std::numeric_limits<int64_t>::max());
  auto columns = file.indices<uint32_t>("indices.npy", std::numeric_limits<uint32_t>::max());
  auto values = file.floats("data.npy");
  check_offsets(offsets, shape[0], columns.size(), name);
  if (values.size() != columns.size()) {
    refuse(name, "data has " + counted(values.size(), "item") + ", indices has " + number(columns.size()));
  }
  check_columns(columns, offsets, static_cast<uint32_t>(shape[1]), name);
  check_values(values, offsets, name);
  Csr matrix;
  matrix.n_columns = static_cast<uint32_t>(shape[1]);
  matrix.offsets = std::move(offsets);
  matrix.columns = std::move(columns);
  matrix.values = std::move(values);
  NpzRepairs done;
  matrix = sorted(std::move(matrix), name, done);
  if (repairs != nullptr) *repairs = done;
  return form == wanted ? std::move(matrix) : transposed(matrix, name);
}

}  // namespace

Csr read_npz(const std::string& path, NpzRepairs* repairs) {
  const MappedFile file(path);
  return read_npz(file.bytes(), path, repairs);
}

Csr read_npz(std::span<const std::byte> bytes, const std::string& name, NpzRepairs* repairs) {
  return read_form(bytes, name, "csr", repairs);
}

Csr read_npz_transposed(const std::string& path) {
  const MappedFile file(path);
  return read_form(file.bytes(), path, "csc", nullptr);
}

namespace {

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span<const T>(values));
}

void add_array(ZipWriter& zip, const std::string& entry, const std::string& header, std::span<const std::byte> items) {
  const std::span<const std::byte> parts[] = {std::as_bytes(std::span<const char>(header)), items};
  zip.add(entry, parts);
}

template <class Index>
void add_indices(ZipWriter& zip, const Csr& matrix, const char* type) {
  const uint64_t n_entries[] = {matrix.n_nonzeros()};
  const uint64_t n_offsets[] = {matrix.n_rows() + 1};
  const std::vector<Index> columns(matrix.columns.begin(), matrix.columns.end());
  add_array(zip, "indices.npy", npy_header(type, n_entries), bytes_of(columns));
  std::vector<Index> offsets(matrix.n_rows() + 1, 0);
  for (size_t i = 0; i < matrix.offsets.size(); ++i) offsets[i] = static_cast<Index>(matrix.offsets[i]);
  add_array(zip, "indptr.npy", npy_header(type, n_offsets), bytes_of(offsets));
}

}  // namespace

void write_npz(OutputFile& file, const Csr& matrix) {
  ZipWriter zip(file);
  const bool narrow = matrix.n_nonzeros() <= std::numeric_limits<int32_t>::max() &&
                      matrix.n_columns <= static_cast<uint32_t>(std::numeric_limits<int32_t>::max());
  if (narrow) {
    add_indices<int32_t>(zip, matrix, "<i4");
  } else {
    add_indices<int64_t>(zip, matrix, "<i8");
  }
  const std::string format = "csr";
  add_array(zip, "format.npy", npy_header("|S3", {}), std::as_bytes(std::span<const char>(format)));
  const std::vector<int64_t> shape{static_cast<int64_t>(matrix.n_rows()), static_cast<int64_t>(matrix.n_columns)};
  const uint64_t two[] = {2};
  add_array(zip, "shape.npy", npy_header("<i8", two), bytes_of(shape));
  const uint64_t n_entries[] = {matrix.n_nonzeros()};
  add_array(zip, "data.npy", npy_header("<f4", n_entries), std::as_bytes(matrix.values.span()));
  zip.finish();
}

}  // namespace coppice
