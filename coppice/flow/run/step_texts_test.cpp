// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/step_texts.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using Texts = std::vector<std::string>;

const nlohmann::json kWorkflow = nlohmann::json::parse(R"({
  "files": {"rules": {"text": "  Keep to the rules.\n"}},
  "steps": {
    "a": {"persona": "You are a poet.", "with": {"model": "m", "system": "Be short.",
          "prompt": "Write of {{ inputs.x }}, and then\n{{ files.rules }} ok"}},
    "b": {"with": {"model": "m", "prompt": "{{ files.rules }}"}},
    "c": {"with": {"model": "m", "prompt": "{% if inputs.x %}Say yes.{% endif %}"}},
    "d": {"with": {"value": "x", "fix": {"model": "m", "prompt": "Mend these: {{ findings }}"}}},
    "e": {"with": {"model": "m", "prompt": "{{ nothing"}}
  }})");

TEST(StepTexts, AreWhatEachQuestionSays) {
  EXPECT_EQ(step_texts(kWorkflow, "a"), (Texts{"You are a poet.", "Be short.", "Write of", ", and then"}));
  EXPECT_EQ(step_texts(kWorkflow, "b"), (Texts{"Keep to the rules."})) << "a file that is the whole prompt";
  EXPECT_EQ(step_texts(kWorkflow, "c"), Texts()) << "a block may leave it out";
  EXPECT_EQ(step_texts(kWorkflow, "d"), (Texts{"Mend these:"}));
  EXPECT_EQ(step_texts(kWorkflow, "e"), Texts());
  EXPECT_EQ(step_texts(kWorkflow, "none"), Texts());
  EXPECT_EQ(step_texts(nullptr, "a"), Texts());
}

TEST(StepTexts, LongOnesAreCutBetweenLetters) {
  nlohmann::json workflow;
  std::string prompt;
  for (int i = 0; i < 300; ++i) prompt += "\xC3\xA4";
  prompt.insert(0, "x");
  workflow["steps"]["a"]["with"] = {{"model", "m"}, {"prompt", prompt}};
  EXPECT_EQ(step_texts(workflow, "a"), Texts{prompt.substr(0, 399)});
}

}  // namespace
}  // namespace coppice
