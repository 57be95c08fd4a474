// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/quantity.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

TEST(Quantity, CountsTakeThePluralWhereItBelongs) {
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(2, "row"), "2 rows");
  EXPECT_EQ(counted(1, "child", "children"), "1 child");
  EXPECT_EQ(counted(2, "child", "children"), "2 children");
}

TEST(Quantity, BytesAreShownInTheUnitThatFits) {
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(12'345'678), "12.3 MB");
  EXPECT_EQ(bytes_text(999'999), "1.0 MB");
  EXPECT_EQ(bytes_text(5e15), "5000.0 TB");
}

TEST(Quantity, SizesAreReadAsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("20G", "x"), 20'000'000'000U);
  EXPECT_EQ(parse_bytes("20", "x"), 20'000'000'000U);
  EXPECT_EQ(parse_bytes("1.5 GB", "x"), 1'500'000'000U);
  EXPECT_EQ(parse_bytes("500m", "x"), 500'000'000U);
  EXPECT_EQ(parse_bytes("2KiB", "x"), 2048U);
  EXPECT_EQ(parse_bytes("1Ti", "x"), uint64_t{1} << 40);
  EXPECT_EQ(parse_bytes("7B", "x"), 7U);
  EXPECT_EQ(parse_bytes("0", "x"), 0U);
  EXPECT_EQ(parse_bytes("400000", "x", BareSize::bytes), 400'000U);
  EXPECT_EQ(parse_bytes("400k", "x", BareSize::bytes), 400'000U);
}

TEST(Quantity, OtherTextIsRefusedByTheNameOfTheOption) {
  for (const char* text : {"", "G", "-1G", "5X", "5GG", "5Gi3", "1e30T", "nan", "inf", "5 ", "99999999T", "5ib"}) {
    try {
      parse_bytes(text, "memory_limit");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(error.message().find("memory_limit is '"), std::string::npos) << error.message();
    }
  }
}

}  // namespace
}  // namespace coppice
