// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_rules.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using nlohmann::json;

StandInQuestion question(const std::string& prompt) {
  StandInQuestion asked;
  asked.path = "/v1/chat/completions";
  asked.model = "m";
  asked.prompt = asked.text = prompt;
  asked.system = "be kind";
  asked.draw = 0.25;
  return asked;
}

StandInRule rule(const char* text) {
  return read_rules(json::array({json::parse(text)}), "answers").at(0);
}

std::optional<std::string> answered(const char* text, const StandInQuestion& asked) {
  const StandInRule read = rule(text);
  const auto found = fits(read, asked);
  if (!found) return std::nullopt;
  return rule_text(read.content, asked, *found);
}

TEST(StandInRules, FitByWhatTheRequestHas) {
  StandInQuestion asked = question("a red rose");
  asked.schema = json::parse(R"({"properties": {"title": {}, "body": {}}})");
  for (const char* when : {R"({})", R"({"contains": "rose"})", R"({"contains": ["x", "red"]})",
                           R"({"model": ["a", "m"]})", R"({"all_of": ["red", "rose"]})",
                           R"({"schema_has_property": ["title", "body"]})", R"({"path": "/v1/chat/completions"})"}) {
    EXPECT_TRUE(answered((std::string(R"({"text": "yes", "when": )") + when + "}").c_str(), asked)) << when;
  }
  for (const char* when : {R"({"contains": "Rose"})", R"({"contains": ["x", "y"]})", R"({"model": "n"})",
                           R"({"all_of": ["red", "tulip"]})", R"({"schema_has_property": "x"})",
                           R"({"path": "/v1/images/generations"})"}) {
    EXPECT_FALSE(answered((std::string(R"({"text": "yes", "when": )") + when + "}").c_str(), asked)) << when;
  }
  asked.schema = nullptr;
  EXPECT_FALSE(answered(R"({"text": "yes", "when": {"schema_has_property": "title"}})", asked));
  asked.path = "/v1/images/generations";
  EXPECT_FALSE(answered(R"({"text": "yes"})", asked)) << "a rule is for chats where it says nothing";
}

TEST(StandInRules, AStepIsKnownByItsNameOrElseByWhatItsQuestionsSay) {
  const char* const text = R"({"text": "yes", "when": {"step": "poet", "step_texts": ["red", "rose"]}})";
  const char* const named = R"({"text": "yes", "when": {"step": "poet"}})";
  StandInQuestion asked = question("a red rose");
  EXPECT_TRUE(answered(text, asked));
  EXPECT_FALSE(answered(named, asked)) << "a server is not told";
  asked.step = "poet";
  EXPECT_TRUE(answered(named, asked));
  asked.text = "a tulip";
  EXPECT_TRUE(answered(text, asked)) << "the name is enough";
  asked.step = "critic";
  asked.text = "a red rose";
  EXPECT_FALSE(answered(text, asked)) << "what is told counts";
  asked.step.clear();
  asked.text = "a red tulip";
  EXPECT_FALSE(answered(text, asked));
}

TEST(StandInRules, OneOfSomeTextsSaysWhatTheRunWasGiven) {
  const char* const text = R"({"one_of": ["Dear Ada", "Hello Ada"], "given": [{"/name": "Ada"}, {}]})";
  StandInQuestion asked = question("x");
  EXPECT_EQ(answered(text, asked), "Dear Ada") << "nothing is known of the run";
  const json inputs = {{"name", "Bo"}};
  asked.inputs = &inputs;
  EXPECT_EQ(answered(text, asked), "Dear Bo");
  asked.draw = 0.75;
  EXPECT_EQ(answered(text, asked), "Hello Ada");
  for (const char* given : {"[{}]", R"([{"name": "Ada"}, {}])", R"([{"/name": 1}, {}])", "{}"}) {
    EXPECT_THROW(rule((R"({"one_of": ["a", "b"], "given": )" + std::string(given) + "}").c_str()), Error) << given;
  }
}

TEST(StandInRules, FindWhatStandsBetweenMarks) {
  const StandInQuestion asked = question("Name: Ada Byron. Age: 36");
  EXPECT_EQ(answered(R"({"find": {"name": ["Name: ", "."]}, "template": "Dear {{ name }}"})", asked), "Dear Ada Byron");
  EXPECT_EQ(answered(R"({"find": {"age": ["Age: ", ""]}, "template": "{{ age }}"})", asked), "36") << "to the end";
  EXPECT_FALSE(answered(R"({"find": {"x": ["Town: ", "."]}, "text": "a"})", asked)) << "the rule does not fit";
  EXPECT_FALSE(answered(R"({"find": {"x": ["Age: ", "."]}, "text": "a"})", asked)) << "no end";
  EXPECT_EQ(answered(R"({"find": {"x": ["Town: ", ".", "London"]}, "template": "{{ found.x }}"})", asked), "London");
}

TEST(StandInRules, ContentsAreTextsValuesOrTemplatesOfEither) {
  const StandInQuestion asked = question("roses along the wall, roses");
  EXPECT_EQ(answered(R"({"text": "{{ not read }}"})", asked), "{{ not read }}");
  EXPECT_EQ(answered(R"({"json": {"b": [1, "{{ x }}"], "a": null}})", asked), R"({"a":null,"b":[1,"{{ x }}"]})");
  EXPECT_EQ(answered(R"({"template": "{{ words[0] }} {{ model }} {{ draw }} {{ system }}"})", asked),
            "roses m 0.25 be kind");
  EXPECT_EQ(
      answered(R"({"template": {"n": "{{ words | length }}", "all": "{{ words }}", "t": "a {{ words[1] }}", "k": 2}})",
               asked),
      R"({"all":["roses","along","wall"],"k":2,"n":3,"t":"a along"})");
}

TEST(StandInRules, WhatThePromptSaysIsNeverReadAsATemplate) {
  const StandInQuestion asked = question("Name: {{ system }}.");
  EXPECT_EQ(answered(R"({"find": {"name": ["Name: ", "."]}, "template": ["{{ name }}", "{{ prompt }}"]})", asked),
            R"(["{{ system }}","Name: {{ system }}."])");
}

TEST(StandInRules, ATemplateThatReadsWhatIsNotThereIsAnError) {
  EXPECT_THROW(answered(R"({"template": "{{ nothing }}"})", question("x")), Error);
}

}  // namespace
}  // namespace coppice
