// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/yaml.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

std::string place_in(const std::string& text, const std::string& pointer) {
  return place_text(read_yaml(text, "f").place_of(pointer));
}

std::string failure(const std::string& text) {
  try {
    (void)read_yaml(text, "f");
  } catch (const Error& error) {
    return error.message();
  }
  return "none";
}

TEST(Yaml, PlainScalarsAreReadByTheCoreSchema) {
  const auto value =
      read_yaml("[null, ~, true, False, 1, -2, 1.5, 1e3, no, on, '1', \"true\", 0x10, .inf, 12 apples, -, +3]", "f")
          .value;
  EXPECT_EQ(value.dump(),
            R"([null,null,true,false,1,-2,1.5,1000.0,"no","on","1","true","0x10",".inf","12 apples","-",3])");
}

TEST(Yaml, KeysKeepTheirOrder) {
  EXPECT_EQ(read_yaml("b: 1\na: {d: 2, c: 3}\n", "f").value.dump(), R"({"b":1,"a":{"d":2,"c":3}})");
}

TEST(Yaml, EachValueKnowsWhereItStands) {
  const std::string text = "a: 1\nb:\n  - x\n  - \"y\"\nc: |\n    first\n    second\nd:\n";
  EXPECT_EQ(place_in(text, "/a"), "f:1:4");
  EXPECT_EQ(place_in(text, "/b/0"), "f:3:5");
  EXPECT_EQ(place_in(text, "/b/1"), "f:4:6") << "behind the quote";
  EXPECT_EQ(place_in(text, "/c"), "f:6:5") << "the first line of the block";
  EXPECT_EQ(place_in(text, "/d"), "f:8:1") << "what is not written stands where its key does";
  EXPECT_EQ(place_in(text, "/b/7/z"), "f:3:3") << "what is not there stands where that around it does";
  EXPECT_EQ(read_yaml(text, "f").place_of("/c").indent, 4u);
}

TEST(Yaml, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(failure("a: 1\na: 2\n"), "f:2:1: the key 'a' stands twice");
  EXPECT_NE(failure("a: [1, 2\n").find("f:2:1: no YAML"), std::string::npos) << failure("a: [1, 2\n");
  EXPECT_NE(failure("{[1]: 2}").find("f:1:2: a key that is a list"), std::string::npos);
  EXPECT_NE(failure("a: \"\xff\"").find("UTF-8"), std::string::npos);
  EXPECT_EQ(failure("a: 1\n\"\xff\": 1"), "f:2:2: bytes that are no UTF-8");
  EXPECT_NE(failure(std::string(5000, '[')).find("f:1:"), std::string::npos);
}

TEST(Yaml, ATextWithoutAValueIsNullAtItsBeginning) {
  for (const char* text : {"", "\n\n", "# nothing\n"}) {
    EXPECT_TRUE(read_yaml(text, "f").value.is_null()) << text;
    EXPECT_EQ(place_in(text, ""), "f:1:1") << text;
  }
}

TEST(Yaml, AliasesThatMultiplyAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += before + ", ";
    text += "]\n";
  }
  EXPECT_NE(failure(text).find("too many values"), std::string::npos);
}

TEST(Yaml, ATextCutAnywhereIsReadOrRefused) {
  const std::string text =
      "steps:\n  a: {kind: llm, with: [1, 'x', \"y\"]}\n  b: |\n    text\n  c: &k {z: 1}\n  d: *k\n";
  for (size_t size = 0; size < text.size(); ++size) {
    try {
      (void)read_yaml(text.substr(0, size), "f");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
    }
  }
}

}  // namespace
}  // namespace coppice
