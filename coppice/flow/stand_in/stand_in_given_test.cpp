// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_given.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace coppice {
namespace {

using nlohmann::json;

const json kAda = {{"name", "Ada Byron"}, {"firm", {{"name", "Byron & Sons"}, {"kind", "main"}}}, {"age", 36}};
const json kBo = {{"name", "Bo \"B\" Li"}, {"firm", {{"name", "Li <Ltd>"}, {"kind", "side"}}}, {"age", 40}};

std::string to_bo(const std::string& answer) {
  return with_given(answer, given_texts(answer, kAda), kBo);
}

TEST(StandInGiven, AnAnswerToAnotherInputSaysWhatThatOneIs) {
  EXPECT_EQ(given_texts("To Ada Byron of Byron & Sons, aged 36, on main street.", kAda),
            (GivenTexts{{"/name", "Ada Byron"}, {"/firm/name", "Byron & Sons"}}));
  EXPECT_EQ(to_bo("To Ada Byron of Byron & Sons, Ada Byron."), "To Bo \"B\" Li of Li <Ltd>, Bo \"B\" Li.");
  EXPECT_EQ(to_bo("nobody"), "nobody");
  EXPECT_EQ(to_bo("<b>Byron &amp; Sons</b>"), "<b>Li &lt;Ltd&gt;</b>");
}

TEST(StandInGiven, JsonStaysJson) {
  EXPECT_EQ(json::parse(to_bo(R"({"text": "for Ada Byron"})")), json({{"text", "for Bo \"B\" Li"}}));
}

TEST(StandInGiven, PartsOfWordsAndLoneSmallWordsStay) {
  EXPECT_EQ(to_bo("<main>xAda Byron, Ada Byrons</main>"), "<main>xAda Byron, Ada Byrons</main>");
  EXPECT_TRUE(given_texts("ab", {{"x", "ab"}}).empty());
}

TEST(StandInGiven, LongerTextsGoFirstAndWhatWasReplacedIsNotLookedAtAgain) {
  const json before = {{"a", "Rhine"}, {"b", "Rhine Falls"}}, after = {{"a", "Rhine Falls"}, {"b", "Rhine"}};
  const std::string answer = "Rhine Falls, Rhine.";
  EXPECT_EQ(with_given(answer, given_texts(answer, before), after), "Rhine, Rhine Falls.");
}

TEST(StandInGiven, WhatTheOtherInputHasNotStays) {
  const std::string answer = "Ada Byron of Byron & Sons";
  const GivenTexts given = given_texts(answer, kAda);
  for (const json& other : {json(nullptr), json(1), json({{"name", 5}}), json({{"firm", {1, 2}}}), json::array()}) {
    EXPECT_EQ(with_given(answer, given, other), answer) << other;
  }
  EXPECT_TRUE(given_texts(answer, nullptr).empty());
  EXPECT_TRUE(given_texts(answer, json::object()).empty());
  EXPECT_TRUE(given_texts(answer, "Ada Byron").empty());
}

}  // namespace
}  // namespace coppice
