// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace coppice {
namespace {

std::string nested(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(JsonText, NestingIsCountedOutsideOfTextsAlone) {
  EXPECT_FALSE(nests_deeper("1", 0));
  EXPECT_FALSE(nests_deeper(R"({"a":[1,{"b":2}],"c":[[3]]})", 3));
  EXPECT_TRUE(nests_deeper(R"({"a":[1,{"b":2}]})", 2));
  EXPECT_FALSE(nests_deeper(R"(["[[[","\"[[[","\\",{}])", 2));
  EXPECT_FALSE(nests_deeper("[],[],[]", 1));
  EXPECT_FALSE(nests_deeper("]]][", 1));
  EXPECT_FALSE(nests_deeper(R"("\)", 1));
}

TEST(JsonText, WhatNestsTooDeepIsNoValue) {
  EXPECT_TRUE(parse_json(nested(kDeepestJson)).is_array());
  EXPECT_TRUE(parse_json(nested(kDeepestJson + 1)).is_discarded());
  EXPECT_TRUE(parse_json(nested(1'000'000)).is_discarded());
  EXPECT_TRUE(parse_json("{").is_discarded());
  EXPECT_EQ(parse_json(R"({"a":1})")["a"], 1);
}

TEST(JsonText, AFaultHasALineAndAColumn) {
  EXPECT_EQ(line_and_column("", 0), "1:1");
  EXPECT_EQ(line_and_column("[1,", 3), "1:3");
  EXPECT_EQ(line_and_column("[\n\n 1 2", 6), "3:3");
  EXPECT_EQ(json_fault_without_place("[json.exception.parse_error.101] parse error at line 1, column 2: syntax error"),
            "syntax error");
  EXPECT_EQ(json_fault_without_place("[json.exception.out_of_range.406] number overflow"), "number overflow");
}

TEST(JsonText, MessagesShowAListByItsKindAlone) {
  EXPECT_EQ(json_value_text(parse_json("[1,[2]]")), "a list");
  EXPECT_EQ(json_value_text(parse_json("{}")), "an object");
  EXPECT_EQ(json_value_text(parse_json("\"x\"")), "\"x\"");
  EXPECT_EQ(json_value_text(parse_json("1.5")), "1.5");
}

}  // namespace
}  // namespace coppice
