// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/utf8.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

TEST(Utf8, ValidTextStays) {
  const std::string text = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80";
  EXPECT_TRUE(is_valid_utf8(text));
  EXPECT_EQ(repair_utf8(text), text);
  EXPECT_EQ(repair_utf8(""), "");
}

TEST(Utf8, TheValidBytesEndAtTheFirstFault) {
  EXPECT_EQ(valid_utf8_bytes(""), 0u);
  EXPECT_EQ(valid_utf8_bytes("a\xc3\xa9"), 3u);
  EXPECT_EQ(valid_utf8_bytes("a\xc3\xa9\xff!"), 3u);
  EXPECT_EQ(valid_utf8_bytes("\xe4\xb8"), 0u);
}

// The Unicode Standard 15.0, tables 3-8 to 3-11.
TEST(Utf8, EachMaximalBadSequenceBecomesOneReplacement) {
  const std::string r = "\xef\xbf\xbd";
  EXPECT_EQ(repair_utf8("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
                        "A"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
                        "A"),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(repair_utf8("\xf4\x91\x92\x93\xff"
                        "A\x80\xbf"
                        "B"),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(repair_utf8("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
                        "A"),
            r + r + r + r + "A");
}

TEST(Utf8, TheRepairedTextIsValidForEveryPairOfBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
      const std::string repaired = repair_utf8(text);
      EXPECT_TRUE(is_valid_utf8(repaired));
      EXPECT_EQ(is_valid_utf8(text), repaired == text);
    }
  }
}

}  // namespace
}  // namespace coppice
