// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/json_error.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

TEST(JsonError, NamesThePlaceInTheFile) {
  const Error error = json_error("{\"a\": 1,\n \"b\": }", "prices", "p.json");
  EXPECT_EQ(error.code(), ErrorCode::data);
  EXPECT_EQ(error.where(), "p.json:2:7");
  EXPECT_TRUE(std::string(error.what()).starts_with("prices: no valid JSON: ")) << error.what();
}

TEST(JsonError, OfALineItIsThatOfTheFile) {
  EXPECT_EQ(json_error("{\"b\": }", "", "in.jsonl", 12).where(), "in.jsonl:12:7");
}

TEST(JsonError, NestingAndLargeNumbersHaveNoPlace) {
  const Error deep = json_error(std::string(300, '['), "", "x");
  EXPECT_EQ(std::string(deep.what()), "lists and objects nest deeper than 256");
  EXPECT_EQ(deep.where(), "x");
  EXPECT_EQ(json_error("1e999", "", "x", 3).where(), "x:3");
}

}  // namespace
}  // namespace coppice
