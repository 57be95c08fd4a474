// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "coppice/core/held_json.h"
#include "coppice/core/repeated_keys.h"

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

TEST(HeldJson, IsEmptyOnceItIsTakenApart) {
  nlohmann::json value = parse_json(R"({"a":[1,{"b":[2,3]}],"c":"d"})");
  take_apart(value);
  EXPECT_EQ(value, nlohmann::json::object());
  EXPECT_TRUE(parse_held_json("[1,[2,").value.is_discarded());
  EXPECT_EQ(parse_held_json("[1,[2]]").value, nlohmann::json({1, {2}}));
}

TEST(RepeatedKeys, AreThoseOfOneObject) {
  const auto refuse = [](const std::string& key) { throw std::runtime_error(key); };
  const auto repeated = [&](const char* text) -> std::string {
    try {
      const auto parsed = nlohmann::json::parse(text, watch_repeated_keys(refuse));
      EXPECT_FALSE(parsed.is_null());
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(repeated(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})"), "none");
  EXPECT_EQ(repeated(R"({"a":{"a":1},"b":[{"a":1}],"a":1})"), "a");
  EXPECT_EQ(repeated(R"([{"a":1},{"b":{"c":1,"c":2}}])"), "c");
}

}  // namespace
}  // namespace coppice
