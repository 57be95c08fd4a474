// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/quantity.h"
#include "coppice/data/decompress.h"

namespace coppice {
namespace {

static_assert(std::endian::native == std::endian::little, "the formats are little-endian and are read as they lie");

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr size_t kAlignment = 64;
constexpr uint64_t kDenseColumnsLimit = std::numeric_limits<uint32_t>::max();

[[noreturn]] void refuse(const std::string& name, const std::string& what, const std::string& hint = {}) {
  throw Error(ErrorCode::data, what, name, hint);
}

/// Walks the header's Python dictionary, {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
class HeaderText {
 public:
  HeaderText(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool take(char wanted) {
    skip_spaces();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail();
  }
  std::string_view string() {
    skip_spaces();
    if (text_.empty() || (text_.front() != '\'' && text_.front() != '"')) fail();
    const size_t end = text_.find(text_.front(), 1);
    if (end == std::string_view::npos) fail();
    const std::string_view value = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return value;
  }
  bool truth() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(0, word.size()) != word) continue;
      text_.remove_prefix(word.size());
      return word == "True";
    }
    fail();
  }
  std::vector<uint64_t> shape() {
    std::vector<uint64_t> sizes;
    expect('(');
    while (!take(')')) {
      skip_spaces();
      uint64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc()) fail();
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      take('L');  // Python 2 wrote long integers so
      sizes.push_back(size);
      if (!take(',') && !text_.starts_with(')')) fail();
    }
    return sizes;
  }
  bool starts_list() {
    skip_spaces();
    return !text_.empty() && text_.front() == '[';
  }
  [[noreturn]] void fail() const { refuse(name_, "the array's header is damaged"); }

 private:
  void skip_spaces() { text_.remove_prefix(std::min(text_.find_first_not_of(" \n\t"), text_.size())); }

  std::string_view text_;
  const std::string& name_;
};

void set_type(NpyHeader& header, std::string_view type, const std::string& name) {
  const auto unsupported = [&] {
    throw Error(ErrorCode::unsupported,
                "the array holds items of type '" + std::string(type) + "', expected little-endian numbers", name,
                "in NumPy: array.astype('<f4')");
  };
  if (type.size() < 3 || (type[0] != '<' && type[0] != '|')) unsupported();
  header.kind = type[1];
  const auto [end, error] = std::from_chars(type.data() + 2, type.data() + type.size(), header.item_bytes);
  if (error != std::errc() || end != type.data() + type.size()) unsupported();
  if (std::string_view("fiubSU").find(header.kind) == std::string_view::npos) unsupported();
  if (header.kind == 'U') header.item_bytes *= 4;
  if (header.item_bytes == 0 || header.item_bytes > 1024) unsupported();
}

void count_items(NpyHeader& header, const std::string& name) {
  for (const uint64_t size : header.shape) {
    const bool overflows = size > 0 && header.n_items > std::numeric_limits<uint64_t>::max() / 1024 / size;
    if (overflows) refuse(name, "the array's shape is beyond any memory");
    header.n_items *= size;
  }
}

std::string_view header_text(std::string_view bytes, size_t& data_offset, const std::string& name) {
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    refuse(name, "this is no array in NumPy's format", "numpy.save writes such files");
  }
  if (bytes.size() < 10) refuse(name, "the file ends inside the array's header");
  const unsigned major = static_cast<unsigned char>(bytes[6]);
  if (major < 1 || major > 3) {
    throw Error(ErrorCode::unsupported,
                "the array is of format version " + std::to_string(major) + ", expected 1, 2 or 3", name);
  }
  const size_t prefix = major == 1 ? 10 : 12;
  if (bytes.size() < prefix) refuse(name, "the file ends inside the array's header");
  uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, major == 1 ? 2 : 4);
  if (length > bytes.size() - prefix) refuse(name, "the file ends inside the array's header");
  data_offset = prefix + length;
  return bytes.substr(prefix, length);
}

float half_to_float(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

template <class T, class Take>
void each_item(std::string_view bytes, Take take) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T item;
    std::memcpy(&item, bytes.data() + at, sizeof(T));
    take(item);
  }
}

[[noreturn]] void refuse_type(const NpyItems& items, const char* expected) {
  throw Error(ErrorCode::unsupported,
              std::string("the array holds items of type '") + items.kind + std::to_string(items.item_bytes) +
                  "', expected " + expected,
              items.name);
}

/// Calls `take` with each item, widened or not; false if the type is no integer.
template <class Take>
bool each_integer(const NpyItems& items, Take take) {
  const bool is_signed = items.kind == 'i';
  if (!is_signed && items.kind != 'u' && items.kind != 'b') return false;
  switch (items.item_bytes) {
    case 1:
      is_signed ? each_item<int8_t>(items.bytes, take) : each_item<uint8_t>(items.bytes, take);
      return true;
    case 2:
      is_signed ? each_item<int16_t>(items.bytes, take) : each_item<uint16_t>(items.bytes, take);
      return true;
    case 4:
      is_signed ? each_item<int32_t>(items.bytes, take) : each_item<uint32_t>(items.bytes, take);
      return true;
    case 8:
      is_signed ? each_item<int64_t>(items.bytes, take) : each_item<uint64_t>(items.bytes, take);
      return true;
    default:
      return false;
  }
}

template <class Index>
void append_checked(const NpyItems& items, uint64_t highest, std::vector<Index>& values) {
  uint64_t at = items.first;
  const auto take = [&](auto item) {
    if (std::cmp_less(item, 0) || std::cmp_greater(item, highest)) {
      refuse(items.name, "item " + std::to_string(at) + " is " + std::to_string(item) +
                             ", expected a whole number from 0 to " + std::to_string(highest));
    }
    values.push_back(static_cast<Index>(item));
    ++at;
  };
  if (items.kind == 'b' || !each_integer(items, take)) refuse_type(items, "whole numbers");
}

void check_finite(const Dense& matrix, const std::string& name) {
  for (size_t i = 0; i < matrix.values.size(); ++i) {
    if (!std::isfinite(matrix.values[i])) {
      refuse(name, "row " + std::to_string(i / matrix.n_columns) + ", column " + std::to_string(i % matrix.n_columns) +
                       " is not a finite number");
    }
  }
}

std::vector<float> transposed(const std::vector<float>& values, size_t n_rows, size_t n_columns) {
  std::vector<float> result(values.size());
  for (size_t j = 0; j < n_columns; ++j) {
    for (size_t i = 0; i < n_rows; ++i) result[i * n_columns + j] = values[j * n_rows + i];
  }
  return result;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view bytes, const std::string& name) {
  NpyHeader header;
  HeaderText text(header_text(bytes, header.data_offset, name), name);
  unsigned seen = 0;
  text.expect('{');
  while (!text.take('}')) {
    const std::string_view key = text.string();
    text.expect(':');
    if (key == "descr") {
      if (text.starts_list()) {
        throw Error(ErrorCode::unsupported, "the array holds records, expected numbers", name);
      }
      set_type(header, text.string(), name);
      seen |= 1;
    } else if (key == "fortran_order") {
      header.fortran_order = text.truth();
      seen |= 2;
    } else if (key == "shape") {
      header.shape = text.shape();
      seen |= 4;
    } else {
      text.fail();
    }
    if (!text.take(',')) {
      text.expect('}');
      break;
    }
  }
  if (seen != 7) text.fail();
  count_items(header, name);
  return header;
}

void append_floats(const NpyItems& items, std::vector<float>& values) {
  const auto take = [&](auto item) { values.push_back(static_cast<float>(item)); };
  const auto take_half = [&](uint16_t half) { take(half_to_float(half)); };
  if (items.kind == 'f' && items.item_bytes == 4) {
    each_item<float>(items.bytes, take);
  } else if (items.kind == 'f' && items.item_bytes == 8) {
    each_item<double>(items.bytes, take);
  } else if (items.kind == 'f' && items.item_bytes == 2) {
    each_item<uint16_t>(items.bytes, take_half);
  } else if (!each_integer(items, take)) {
    refuse_type(items, "numbers");
  }
}

void append_indices(const NpyItems& items, uint64_t highest, std::vector<uint64_t>& values) {
  append_checked(items, highest, values);
}

void append_indices(const NpyItems& items, uint64_t highest, std::vector<uint32_t>& values) {
  append_checked(items, std::min<uint64_t>(highest, std::numeric_limits<uint32_t>::max()), values);
}

Dense read_npy(const std::string& path) {
  const MappedFile file(path);
  return read_npy(file.bytes(), file.keeper(), path);
}

Dense read_npy(std::span<const std::byte> file, std::shared_ptr<const void> keeper, const std::string& name) {
  refuse_compressed(file, name);
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()), file.size());
  const NpyHeader header = parse_npy_header(bytes, name);
  const size_t dimensions = header.shape.size();
  if (dimensions != 1 && dimensions != 2) {
    refuse(name, "the array has " + counted(dimensions, "dimension") + ", expected 2: rows and columns");
  }
  Dense matrix;
  const uint64_t n_columns = dimensions == 2 ? header.shape[1] : 1;
  if (n_columns == 0 || n_columns > kDenseColumnsLimit) {
    refuse(name, "the matrix has " + counted(n_columns, "column"));
  }
  matrix.n_rows = static_cast<size_t>(header.shape[0]);
  matrix.n_columns = static_cast<uint32_t>(n_columns);
  const std::string_view data = bytes.substr(header.data_offset);
  const uint64_t expected = header.n_items * header.item_bytes;
  if (data.size() != expected) {
    refuse(
        name,
        "the file holds " + counted(data.size(), "byte") + " of items, its header promises " + std::to_string(expected),
        "is the file cut off?");
  }
  const bool aligned = reinterpret_cast<uintptr_t>(data.data()) % alignof(float) == 0;
  const bool transpose = header.fortran_order && matrix.n_rows > 1 && matrix.n_columns > 1;
  if (header.kind == 'f' && header.item_bytes == 4 && !transpose && aligned) {
    matrix.values = Array<float>({reinterpret_cast<const float*>(data.data()), data.size() / 4}, std::move(keeper));
    check_finite(matrix, name);
    return matrix;
  }
  std::vector<float> values;
  values.reserve(static_cast<size_t>(header.n_items));
  append_floats({data, header.kind, header.item_bytes, 0, name}, values);
  matrix.values = transpose ? transposed(values, matrix.n_rows, matrix.n_columns) : std::move(values);
  check_finite(matrix, name);
  return matrix;
}

Csr to_csr(const Dense& matrix, size_t begin, size_t end) {
  CsrBuilder builder(matrix.n_columns);
  for (size_t i = begin; i < end; ++i) {
    const std::span<const float> row = matrix.row(i);
    for (uint32_t j = 0; j < matrix.n_columns; ++j) {
      if (row[j] != 0) builder.add(j, row[j]);
    }
    builder.end_row();
  }
  return builder.build();
}

std::string npy_header(std::string_view type, std::span<const uint64_t> shape) {
  std::string text = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  text += shape.size() == 1 ? ",), }" : "), }";
  const size_t unpadded = 10 + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  text += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\x00';
  header += static_cast<char>(text.size() & 0xff);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

void write_npy(OutputFile& file, const Dense& matrix) {
  const uint64_t shape[] = {matrix.n_rows, matrix.n_columns};
  file.write(npy_header("<f4", shape));
  file.write(std::as_bytes(matrix.values.span()));
}

}  // namespace coppice
