// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/npz.h"

#include <gtest/gtest.h>

#include <limits>

#include "coppice/data/base64_test.h"
#include "coppice/data/npy.h"
#include "coppice/data/reading_test.h"
#include "coppice/data/zip_archive.h"

namespace coppice {
namespace {

// SciPy 1.13.1, NumPy 1.26.4: scipy.sparse.save_npz(file, m, compressed) of
//   m = scipy.sparse.csr_matrix(numpy.array([[0, 1.5, 0, -2], [0, 0, 0, 0], [0.25, 0, 3, 0]], dtype="f4"))
// kScipyCompressed and kScipyStored: m; kScipy64: values float64, indices int64, the first row's entries swapped;
// kScipyCsc and kScipyCoo: m.tocsc(), m.tocoo().
constexpr std::string_view kScipyCompressed =
    "UEsDBBQAAAAIAAAAIQDoG9RsTgAAAJAAAAALABQAaW5kaWNlcy5ucHkBABAAkAAAAAAAAABOAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l"
    "oG6TaaKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6mjoKtQoUAC5GBgYGZgYIYAJiAFBLAwQUAAAACAAAACEAt55XPkwAAACQ"
    "AAAACgAUAGluZHB0ci5ucHkBABAAkAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaKuo6Cell9UUpSYF59flJIKEndL"
    "zClOBYoXZyQWpAL5GiY6mjoKtQoUAC4GIGCCYhYgBgBQSwMEFAAAAAgAAAAhAKPDdJdFAAAAgwAAAAoAFABmb3JtYXQubnB5AQAQAIMAAAAA"
    "AAAARQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeE2ysrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBruTiIgBQ"
    "SwMEFAAAAAgAAAAhAOjQ06hKAAAAkAAAAAkAFABzaGFwZS5ucHkBABAAkAAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6T"
    "aaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5mBghggdIAUEsDBBQAAAAIAAAAIQBnXMjuUwAAAJAAAAAIABQA"
    "ZGF0YS5ucHkBABAAkAAAAAAAAABTAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQW"
    "pAL5GiY6mjoKtQoUAC4GhgP2DECCgaHBjoHBwQEAUEsBAhQDFAAAAAgAAAAhAOgb1GxOAAAAkAAAAAsAAAAAAAAAAAAAAIABAAAAAGluZGlj"
    "ZXMubnB5UEsBAhQDFAAAAAgAAAAhALeeVz5MAAAAkAAAAAoAAAAAAAAAAAAAAIABiwAAAGluZHB0ci5ucHlQSwECFAMUAAAACAAAACEAo8N0"
    "l0UAAACDAAAACgAAAAAAAAAAAAAAgAETAQAAZm9ybWF0Lm5weVBLAQIUAxQAAAAIAAAAIQDo0NOoSgAAAJAAAAAJAAAAAAAAAAAAAACAAZQB"
    "AABzaGFwZS5ucHlQSwECFAMUAAAACAAAACEAZ1zI7lMAAACQAAAACAAAAAAAAAAAAAAAgAEZAgAAZGF0YS5ucHlQSwUGAAAAAAUABQAWAQAA"
    "pgIAAAAA";

constexpr std::string_view kScipyStored =
    "UEsDBBQAAAAAAAAAIQDoG9RskAAAAJAAAAALABQAaW5kaWNlcy5ucHkBABAAkAAAAAAAAACQAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzog"
    "JzxpNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICg0LCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAKAQAAAAMAAAAAAAAAAgAAAFBLAwQUAAAAAAAAACEAt55XPpAAAACQAAAACgAUAGluZHB0ci5u"
    "cHkBABAAkAAAAAAAAACQAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6"
    "ICg0LCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAAAAAAIAAAACAAAA"
    "BAAAAFBLAwQUAAAAAAAAACEAo8N0l4MAAACDAAAACgAUAGZvcm1hdC5ucHkBABAAgwAAAAAAAACDAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2Ny"
    "JzogJ3xTMycsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKY3NyUEsDBBQAAAAAAAAAIQDo0NOokAAAAJAAAAAJABQAc2hhcGUubnB5AQAQAJAAAAAA"
    "AAAAkAAAAAAAAACTTlVNUFkBAHYAeydkZXNjcic6ICc8aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgCgMAAAAAAAAABAAAAAAAAABQSwMEFAAA"
    "AAAAAAAhAGdcyO6QAAAAkAAAAAgAFABkYXRhLm5weQEAEACQAAAAAAAAAJAAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2Zv"
    "cnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDQsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgIAoAAMA/AAAAwAAAgD4AAEBAUEsBAhQDFAAAAAAAAAAhAOgb1GyQAAAAkAAAAAsAAAAAAAAAAAAAAIABAAAAAGlu"
    "ZGljZXMubnB5UEsBAhQDFAAAAAAAAAAhALeeVz6QAAAAkAAAAAoAAAAAAAAAAAAAAIABzQAAAGluZHB0ci5ucHlQSwECFAMUAAAAAAAAACEA"
    "o8N0l4MAAACDAAAACgAAAAAAAAAAAAAAgAGZAQAAZm9ybWF0Lm5weVBLAQIUAxQAAAAAAAAAIQDo0NOokAAAAJAAAAAJAAAAAAAAAAAAAACA"
    "AVgCAABzaGFwZS5ucHlQSwECFAMUAAAAAAAAACEAZ1zI7pAAAACQAAAACAAAAAAAAAAAAAAAgAEjAwAAZGF0YS5ucHlQSwUGAAAAAAUABQAW"
    "AQAA7QMAAAAA";

constexpr std::string_view kScipy64 =
    "UEsDBBQAAAAIAAAAIQCB7s9TTgAAAKAAAAALABQAaW5kaWNlcy5ucHkBABAAoAAAAAAAAABOAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l"
    "oG6TaaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6mjoKtQoUAC5mBghgZEAFTFAaAFBLAwQUAAAACAAAACEA8mMBg0wAAACg"
    "AAAACgAUAGluZHB0ci5ucHkBABAAoAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9UUpSYF59flJIKEndL"
    "zClOBYoXZyQWpAL5GiY6mjoKtQoUAC4GKGBCo1mgNABQSwMEFAAAAAgAAAAhAKPDdJdFAAAAgwAAAAoAFABmb3JtYXQubnB5AQAQAIMAAAAA"
    "AAAARQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeE2ysrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBruTiIgBQ"
    "SwMEFAAAAAgAAAAhAOjQ06hKAAAAkAAAAAkAFABzaGFwZS5ucHkBABAAkAAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6T"
    "aaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5mBghggdIAUEsDBBQAAAAIAAAAIQDBFC1yUgAAAKAAAAAIABQA"
    "ZGF0YS5ucHkBABAAoAAAAAAAAABSAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQW"
    "pAL5GiY6mjoKtQoUAC4GCDgAoX7YQ+gLUJrDAQBQSwECFAMUAAAACAAAACEAge7PU04AAACgAAAACwAAAAAAAAAAAAAAgAEAAAAAaW5kaWNl"
    "cy5ucHlQSwECFAMUAAAACAAAACEA8mMBg0wAAACgAAAACgAAAAAAAAAAAAAAgAGLAAAAaW5kcHRyLm5weVBLAQIUAxQAAAAIAAAAIQCjw3SX"
    "RQAAAIMAAAAKAAAAAAAAAAAAAACAARMBAABmb3JtYXQubnB5UEsBAhQDFAAAAAgAAAAhAOjQ06hKAAAAkAAAAAkAAAAAAAAAAAAAAIABlAEA"
    "AHNoYXBlLm5weVBLAQIUAxQAAAAIAAAAIQDBFC1yUgAAAKAAAAAIAAAAAAAAAAAAAACAARkCAABkYXRhLm5weVBLBQYAAAAABQAFABYBAACl"
    "AgAAAAA=";

constexpr std::string_view kScipyCsc =
    "UEsDBBQAAAAIAAAAIQAcsq7aSQAAAJAAAAALABQAaW5kaWNlcy5ucHkBABAAkAAAAAAAAABJAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l"
    "oG6TaaKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6mjoKtQoUAC4mBgiA0QBQSwMEFAAAAAgAAAAhADX8ZWNRAAAAlAAAAAoA"
    "FABpbmRwdHIubnB5AQAQAJQAAAAAAAAAUQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mirqOgnpZfVFKUmBefX5SSChJ3S8wpTgWK"
    "F2ckFqQC+RqmOpo6CrUKFAAuBiBgBGImIGYGYhYgBgBQSwMEFAAAAAgAAAAhAFHjxP1FAAAAgwAAAAoAFABmb3JtYXQubnB5AQAQAIMAAAAA"
    "AAAARQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBeE2ysrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBruTiZABQ"
    "SwMEFAAAAAgAAAAhAOjQ06hKAAAAkAAAAAkAFABzaGFwZS5ucHkBABAAkAAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6T"
    "aaGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5mBghggdIAUEsDBBQAAAAIAAAAIQDG/NwJUwAAAJAAAAAIABQA"
    "ZGF0YS5ucHkBABAAkAAAAAAAAABTAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQW"
    "pAL5GiY6mjoKtQoUAC4GhgY7BoYD9gwMDg4MQAYAUEsBAhQDFAAAAAgAAAAhAByyrtpJAAAAkAAAAAsAAAAAAAAAAAAAAIABAAAAAGluZGlj"
    "ZXMubnB5UEsBAhQDFAAAAAgAAAAhADX8ZWNRAAAAlAAAAAoAAAAAAAAAAAAAAIABhgAAAGluZHB0ci5ucHlQSwECFAMUAAAACAAAACEAUePE"
    "/UUAAACDAAAACgAAAAAAAAAAAAAAgAETAQAAZm9ybWF0Lm5weVBLAQIUAxQAAAAIAAAAIQDo0NOoSgAAAJAAAAAJAAAAAAAAAAAAAACAAZQB"
    "AABzaGFwZS5ucHlQSwECFAMUAAAACAAAACEAxvzcCVMAAACQAAAACAAAAAAAAAAAAAAAgAEZAgAAZGF0YS5ucHlQSwUGAAAAAAUABQAWAQAA"
    "pgIAAAAA";

constexpr std::string_view kScipyCoo =
    "UEsDBBQAAAAIAAAAIQD0Xwf3SQAAAJAAAAAHABQAcm93Lm5weQEAEACQAAAAAAAAAEkAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNp"
    "oq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaJjqaOgq1ChQALgYoYIJiAFBLAwQUAAAACAAAACEA6BvUbE4AAACQAAAABwAUAGNv"
    "bC5ucHkBABAAkAAAAAAAAABOAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5"
    "GiY6mjoKtQoUAC5GBgYGZgYIYAJiAFBLAwQUAAAACAAAACEAJ/IFEkUAAACDAAAACgAUAGZvcm1hdC5ucHkBABAAgwAAAAAAAABFAAAAAAAA"
    "AJvsF+obEMnIUMZQrZ6SWpxcpG6loF4TbKyuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5Gpo6CrUKFAGu5Px8AFBLAwQUAAAACAAA"
    "ACEA6NDTqEoAAACQAAAACQAUAHNoYXBlLm5weQEAEACQAAAAAAAAAEoAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RS"
    "lJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjqaOgq1ChQALmYGCGCB0gBQSwMEFAAAAAgAAAAhAGdcyO5TAAAAkAAAAAgAFABkYXRhLm5weQEA"
    "EACQAAAAAAAAAFMAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaJjqaOgq1"
    "ChQALgaGA/YMQIKBocGOgcHBAQBQSwECFAMUAAAACAAAACEA9F8H90kAAACQAAAABwAAAAAAAAAAAAAAgAEAAAAAcm93Lm5weVBLAQIUAxQA"
    "AAAIAAAAIQDoG9RsTgAAAJAAAAAHAAAAAAAAAAAAAACAAYIAAABjb2wubnB5UEsBAhQDFAAAAAgAAAAhACfyBRJFAAAAgwAAAAoAAAAAAAAA"
    "AAAAAIABCQEAAGZvcm1hdC5ucHlQSwECFAMUAAAACAAAACEA6NDTqEoAAACQAAAACQAAAAAAAAAAAAAAgAGKAQAAc2hhcGUubnB5UEsBAhQD"
    "FAAAAAgAAAAhAGdcyO5TAAAAkAAAAAgAAAAAAAAAAAAAAIABDwIAAGRhdGEubnB5UEsFBgAAAAAFAAUADwEAAJwCAAAAAA==";

Csr read(const std::string& bytes, NpzRepairs* repairs = nullptr) {
  return read_npz(std::as_bytes(std::span<const char>(bytes)), "x.npz", repairs);
}

std::string refused(const std::string& bytes) {
  return message_of([&] { read(bytes); });
}

void expect_matrix(const Csr& matrix) {
  ASSERT_EQ(matrix.n_rows(), 3u);
  EXPECT_EQ(matrix.n_columns, 4u);
  EXPECT_EQ(row_text(matrix, 0), "1:1.5 3:-2");
  EXPECT_EQ(row_text(matrix, 1), "");
  EXPECT_EQ(row_text(matrix, 2), "0:0.25 2:3");
}

std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// An archive of arrays, to be read as a matrix.
class Archive {
 public:
  Archive() : file_(folder_.path("x.npz")), zip_(file_) {}
  template <class T>
  Archive& add(const std::string& entry, std::string_view type, const std::vector<T>& items) {
    const uint64_t shape[] = {items.size()};
    const std::string header = npy_header(type, shape);
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span<const char>(header)),
                                                std::as_bytes(std::span<const T>(items))};
    zip_.add(entry, parts);
    return *this;
  }
  Archive& add_format(const std::string& format) {
    const std::string header = npy_header("|S" + std::to_string(format.size()), {});
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span<const char>(header)),
                                                std::as_bytes(std::span<const char>(format))};
    zip_.add("format.npy", parts);
    return *this;
  }
  std::string bytes() {
    zip_.finish();
    file_.commit();
    return file_bytes(folder_.path("x.npz"));
  }

 private:
  TestFolder folder_;
  OutputFile file_;
  ZipWriter zip_;
};

std::string csr_file(std::vector<int64_t> shape, std::vector<int32_t> offsets, std::vector<int32_t> columns,
                     std::vector<float> values) {
  return Archive()
      .add_format("csr")
      .add("shape.npy", "<i8", shape)
      .add("indptr.npy", "<i4", offsets)
      .add("indices.npy", "<i4", columns)
      .add("data.npy", "<f4", values)
      .bytes();
}

TEST(Npz, ReadsWhatScipyWrites) {
  expect_matrix(read(from_base64(kScipyCompressed)));
  expect_matrix(read(from_base64(kScipyStored)));
  NpzRepairs repairs;
  expect_matrix(read(from_base64(kScipy64), &repairs));
  EXPECT_EQ(repairs.unsorted_rows, 1u);
  EXPECT_EQ(repairs.summed_entries, 0u);
}

TEST(Npz, OfCscTheRowsAreMade) {
  expect_matrix(read(from_base64(kScipyCsc)));
}

TEST(Npz, ReadsTheTransposeOfEitherForm) {
  const TestFolder folder;
  const std::string csr = folder.write("csr.npz", from_base64(kScipyStored));
  const std::string csc = folder.write("csc.npz", from_base64(kScipyCsc));
  for (const std::string& path : {csr, csc}) {
    const Csr columns = read_npz_transposed(path);
    EXPECT_EQ(columns.n_columns, 3u);
    ASSERT_EQ(columns.n_rows(), 4u);
    ThreadPool pool(1);
    expect_matrix(transpose(columns, pool));
  }
}

TEST(Npz, OtherCompressorsAreRefusedByName) {
  EXPECT_NE(refused("BZh91AY&SY").find("with bzip2"), std::string::npos);
  for (const char* cut : {"BZh", "BZh9", "BZh91"}) EXPECT_TRUE(refused(cut).starts_with("data: x.npz: ")) << cut;
}

TEST(Npz, OtherFormsAreRefusedByName) {
  EXPECT_EQ(refused(from_base64(kScipyCoo)),
            "unsupported: x.npz: the matrix is in the form 'coo', expected csr or csc\n"
            "  hint: in SciPy: save_npz(path, matrix.tocsr())");
}

TEST(Npz, WritesAndReadsBackTheSameBytes) {
  const Csr matrix = read(from_base64(kScipyStored));
  const TestFolder folder;
  for (const char* name : {"a.npz", "b.npz"}) {
    OutputFile file(folder.path(name));
    write_npz(file, matrix);
    file.commit();
  }
  EXPECT_EQ(file_bytes(folder.path("a.npz")), file_bytes(folder.path("b.npz")));
  expect_matrix(read_npz(folder.path("a.npz")));
}

TEST(Npz, AMatrixWithoutRowsIsWrittenAndRead) {
  const TestFolder folder;
  OutputFile file(folder.path("x.npz"));
  Csr empty;
  empty.n_columns = 7;
  write_npz(file, empty);
  file.commit();
  const Csr matrix = read_npz(folder.path("x.npz"));
  EXPECT_EQ(matrix.n_rows(), 0u);
  EXPECT_EQ(matrix.n_columns, 7u);
}

TEST(Npz, RepeatedEntriesAreSummed) {
  NpzRepairs repairs;
  const Csr matrix = read(csr_file({1, 5}, {0, 3}, {4, 1, 4}, {1, 2, 3}), &repairs);
  EXPECT_EQ(row_text(matrix, 0), "1:2 4:4");
  EXPECT_EQ(repairs.summed_entries, 1u);
  EXPECT_NE(refused(csr_file({1, 5}, {0, 2}, {4, 4}, {3e38f, 3e38f})).find("row 0: a value is not finite"),
            std::string::npos);
}

TEST(Npz, LargeMembersAreReadInParts) {
  std::vector<int64_t> columns;
  std::vector<double> values;
  for (int i = 0; i < 300'000; ++i) {
    columns.push_back(i);
    values.push_back(i * 0.5);
  }
  const Csr matrix = read(Archive()
                              .add_format("csr")
                              .add<int64_t>("shape.npy", "<i8", {1, 300'000})
                              .add<int64_t>("indptr.npy", "<i8", {0, 300'000})
                              .add("indices.npy", "<i8", columns)
                              .add("data.npy", "<f8", values)
                              .bytes());
  ASSERT_EQ(matrix.n_nonzeros(), 300'000u);
  for (uint32_t i = 0; i < 300'000; ++i) {
    ASSERT_EQ(matrix.columns[i], i);
    ASSERT_EQ(matrix.values[i], static_cast<float>(i) * 0.5f);
  }
}

TEST(Npz, SizesAndIndicesThatDisagreeAreRefused) {
  EXPECT_EQ(refused(csr_file({2, 5}, {0, 1}, {4}, {1})),
            "data: x.npz: indptr has 2 items, expected 3, one more than rows");
  EXPECT_EQ(refused(csr_file({1, 5}, {1, 1}, {4}, {1})), "data: x.npz: indptr starts at 1, expected 0");
  EXPECT_EQ(refused(csr_file({2, 5}, {0, 1, 0}, {4}, {1})), "data: x.npz: row 1: indptr does not ascend");
  EXPECT_EQ(refused(csr_file({1, 5}, {0, 2}, {4}, {1})),
            "data: x.npz: indptr ends at 2, expected 1, the number of indices");
  EXPECT_EQ(refused(csr_file({1, 5}, {0, 1}, {4}, {1, 2})), "data: x.npz: data has 2 items, indices has 1");
  EXPECT_EQ(refused(csr_file({2, 5}, {0, 0, 1}, {5}, {1})), "data: x.npz: row 1: column 5 in a matrix of 5 columns");
  EXPECT_EQ(refused(csr_file({1, 5}, {0, 1}, {-1}, {1})),
            "data: x.npz:indices.npy: item 0 is -1, expected a whole number from 0 to 4294967295");
  EXPECT_EQ(refused(csr_file({1, 5}, {0, -1}, {1}, {1})),
            "data: x.npz:indptr.npy: item 1 is -1, expected a whole number from 0 to 9223372036854775807");
  EXPECT_EQ(refused(csr_file({1, 5, 1}, {0, 1}, {1}, {1})), "data: x.npz: the matrix has 3 dimensions, expected 2");
  EXPECT_EQ(refused(csr_file({int64_t{1} << 62, 5}, {0, 1}, {1}, {1})),
            "data: x.npz: indptr has 2 items, expected 4611686018427387905, one more than rows");
  EXPECT_EQ(refused(csr_file({1, int64_t{1} << 40}, {0, 1}, {1}, {1})),
            "unsupported: x.npz: the matrix has 1099511627776 columns, expected fewer than 4294967296");
}

TEST(Npz, ValuesThatAreNoNumbersAreRefusedWithTheirRow) {
  EXPECT_EQ(refused(csr_file({3, 5}, {0, 0, 1, 2}, {4, 1}, {1, std::numeric_limits<float>::quiet_NaN()})),
            "data: x.npz: row 2: a value is not a finite 32-bit number");
  EXPECT_EQ(refused(csr_file({1, 5}, {0, 1}, {4}, {std::numeric_limits<float>::infinity()})),
            "data: x.npz: row 0: a value is not a finite 32-bit number");
}

TEST(Npz, WhatIsNoMatrixIsRefused) {
  EXPECT_EQ(refused(""), "data: x.npz: the file is empty, expected a matrix");
  EXPECT_NE(refused("this is text, no archive").find("the zip archive cannot be read"), std::string::npos);
  EXPECT_NE(refused(Archive().add<float>("arr_0.npy", "<f4", {1}).bytes()).find("the archive holds no sparse matrix"),
            std::string::npos);
  EXPECT_NE(refused(Archive().add_format("csr").bytes()).find("the archive has no member 'shape.npy'"),
            std::string::npos);
}

TEST(Npz, CutOffAnywhereIsAnError) {
  const std::string bytes = from_base64(kScipyCompressed);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(refused(bytes.substr(0, size)).substr(0, 5), "data:") << size;
  }
}

TEST(Npz, AFlippedBitNeverGivesAnotherMatrix) {
  for (const std::string_view file : {kScipyCompressed, kScipyStored}) {
    const std::string bytes = from_base64(file);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      try {
        expect_matrix(read(damaged));  // in a date, say, which is not used
      } catch (const Error& error) {
        EXPECT_TRUE(error.code() == ErrorCode::data || error.code() == ErrorCode::unsupported) << error.message();
      }
    }
  }
}

}  // namespace
}  // namespace coppice
