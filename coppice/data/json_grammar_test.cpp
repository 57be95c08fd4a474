// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/json_grammar.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

TEST(JsonGrammar, NumbersAreThoseOfTheRfc) {
  for (const char* token : {"0", "-0", "7", "120", "-3.25", "0.0", "1e5", "1E+5", "10.50e-07", "0e0"}) {
    EXPECT_TRUE(is_json_number(token)) << token;
  }
  for (const char* token : {"", "-", "+1", "01", "-00", ".5", "1.", "1.e5", "1e", "1e+", "1e5.", "1x", "0x1", "1 2",
                            "--1", "1-", "1.5.2", "Infinity"}) {
    EXPECT_FALSE(is_json_number(token)) << token;
  }
}

TEST(JsonGrammar, EscapesAreThoseOfTheRfc) {
  EXPECT_EQ(find_bad_escape(""), std::string_view::npos);
  EXPECT_EQ(find_bad_escape(R"(none "at" all)"), std::string_view::npos);
  EXPECT_EQ(find_bad_escape(R"(\"\\\/\b\f\n\r\t\u00e9\uABCD\ud83d)"), std::string_view::npos);
  EXPECT_EQ(find_bad_escape(R"(ab\q)"), 2u);
  EXPECT_EQ(find_bad_escape(R"(\\\q)"), 2u);
  EXPECT_EQ(find_bad_escape(R"(\u12)"), 0u);
  EXPECT_EQ(find_bad_escape(R"(\n\u12g4)"), 2u);
  EXPECT_EQ(find_bad_escape("a\\"), 1u);
  EXPECT_EQ(find_bad_escape("\\u"), 0u);
}

}  // namespace
}  // namespace coppice
