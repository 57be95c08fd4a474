// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npy.h"

#include <gtest/gtest.h>

#include <limits>

#include "coppice/data/base64_test.h"
#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

// NumPy 1.26.4: numpy.save(file, a) of
//   kNumpyF4         numpy.arange(6, dtype="<f4").reshape(2, 3)
//   kNumpyF8Fortran  numpy.asfortranarray(numpy.arange(6, dtype="<f8").reshape(2, 3))
//   kNumpyF2         numpy.array([[0.5, -2], [65504, 6e-8]], dtype="<f2")
//   kNumpyBig        numpy.arange(2, dtype=">f4").reshape(1, 2)
constexpr std::string_view kNumpyF4 =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPwAAAEAAAEBAAACAQAAAoEA=";

constexpr std::string_view kNumpyF8Fortran =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAAhAAAAAAAAA8D8AAAAAAAAQQAAA"
    "AAAAAABAAAAAAAAAFEA=";

constexpr std::string_view kNumpyF2 =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAOADA/3sBAA==";

constexpr std::string_view kNumpyBig =
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPmY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsIDIpLCB9ICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAP4AAAA==";

Dense read(const std::string& bytes) {
  return read_npy(std::as_bytes(std::span<const char>(bytes)), nullptr, "x.npy");
}

std::vector<float> values_of(const Dense& matrix) {
  return {matrix.values.begin(), matrix.values.end()};
}

std::string array_file(std::string_view type, std::vector<uint64_t> shape, std::string_view items) {
  return npy_header(type, shape) + std::string(items);
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const std::string bytes = from_base64(kNumpyF4);
  const Dense f4 = read(bytes);
  EXPECT_EQ(f4.n_rows, 2u);
  EXPECT_EQ(f4.n_columns, 3u);
  EXPECT_EQ(values_of(f4), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of(read(from_base64(kNumpyF8Fortran))), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values_of(read(from_base64(kNumpyF2))), (std::vector<float>{0.5f, -2, 65504, 0x1p-24f}));
}

TEST(Npy, WritesWhatNumpyWrites) {
  const std::string expected = from_base64(kNumpyF4);
  const TestFolder folder;
  OutputFile file(folder.path("x.npy"));
  write_npy(file, read(expected));
  file.commit();
  std::ifstream written(folder.path("x.npy"), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), expected);
}

TEST(Npy, FilesOfFloatsAreMappedNotCopied) {
  const TestFolder folder;
  const Dense matrix = read_npy(folder.write("x.npy", from_base64(kNumpyF4)));
  EXPECT_EQ(values_of(matrix), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(row_text(to_csr(matrix, 0, 2), 0), "1:1 2:2");
  EXPECT_EQ(row_text(to_csr(matrix, 1, 2), 0), "0:3 1:4 2:5");
}

TEST(Npy, IntegersAndTruthValuesBecomeFloats) {
  EXPECT_EQ(values_of(read(array_file("<i8", {1, 2}, bytes_of<int64_t>({-1, 1 << 20})))),
            (std::vector<float>{-1, 1 << 20}));
  EXPECT_EQ(values_of(read(array_file("|b1", {3}, std::string_view("\0\1\1", 3)))), (std::vector<float>{0, 1, 1}));
  EXPECT_EQ(read(array_file("|u1", {3}, "abc")).n_columns, 1u);
}

TEST(Npy, HeaderVersionsTwoAndThreeAreRead) {
  for (const char version : {'\x02', '\x03'}) {
    std::string bytes = from_base64(kNumpyF4);
    bytes[6] = version;
    bytes.insert(10, 2, '\0');  // the length has four bytes from version 2 on
    EXPECT_EQ(values_of(read(bytes)), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  }
}

TEST(Npy, CutOffAnywhereIsAnError) {
  const std::string bytes = from_base64(kNumpyF8Fortran);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(message_of([&] { read(bytes.substr(0, size)); }).substr(0, 5), "data:") << size;
  }
}

TEST(Npy, WhatIsNotReadIsRefusedByName) {
  const auto refused = [](const std::string& bytes) { return message_of([&] { read(bytes); }); };
  EXPECT_EQ(refused(from_base64(kNumpyBig)),
            "unsupported: x.npy: the array holds items of type '>f4', expected little-endian numbers\n"
            "  hint: in NumPy: array.astype('<f4')");
  EXPECT_EQ(refused("text"), "data: x.npy: this is no array in NumPy's format\n  hint: numpy.save writes such files");
  EXPECT_EQ(refused(array_file("|O", {1}, "x")).substr(0, 12), "unsupported:");
  EXPECT_EQ(refused(array_file("<f4", {1, 1, 1}, "abcd")),
            "data: x.npy: the array has 3 dimensions, expected 2: rows and columns");
  EXPECT_EQ(refused(array_file("<f4", {3, 1}, "abcd")),
            "data: x.npy: the file holds 4 bytes of items, its header promises 12\n  hint: is the file cut off?");
  EXPECT_EQ(refused(array_file("<f4", {uint64_t{1} << 40, uint64_t{1} << 40}, "")),
            "data: x.npy: the array's shape is beyond any memory");
  EXPECT_EQ(refused(array_file("<f4", {uint64_t{1} << 40, 0}, "")), "data: x.npy: the matrix has 0 columns");
  EXPECT_EQ(refused(array_file("<f4", {2, 2}, bytes_of<float>({1, 2, std::numeric_limits<float>::quiet_NaN(), 4}))),
            "data: x.npy: row 1, column 0 is not a finite number");
  EXPECT_EQ(refused(array_file("<f8", {2, 2}, bytes_of<double>({1, 1e300, 3, 4}))),
            "data: x.npy: row 0, column 1 is not a finite number");
  std::string damaged = from_base64(kNumpyF4);
  damaged[12] = '"';
  EXPECT_EQ(refused(damaged), "data: x.npy: the array's header is damaged");
}

}  // namespace
}  // namespace coppice
