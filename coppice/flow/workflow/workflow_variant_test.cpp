// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/workflow/workflow_variant.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr const char* kText = R"(workflow: w
steps:
  a: {kind: llm, with: {model: small, prompt: x}, variants: {single: null}}
  b: {kind: llm, with: {model: small}, variants: {single: {with: {model: big}}}}
variants:
  single:
    budget: {run: 2}
    steps:
      c: {kind: template}
  cheap:
    steps: {b: {with: {model: tiny}}}
)";

TEST(WorkflowVariant, NamesAreThoseOfTheFileAndOfItsSteps) {
  EXPECT_EQ(variant_names(read_yaml(kText, "f")), (std::vector<std::string>{"single", "cheap"}));
  EXPECT_TRUE(variant_names(read_yaml("[1]", "f")).empty());
}

TEST(WorkflowVariant, WithoutANameItIsTheFileAsItIs) {
  EXPECT_EQ(in_variant(read_yaml(kText, "f"), "").value.dump(),
            R"({"workflow":"w","steps":{"a":{"kind":"llm","with":{"model":"small","prompt":"x"}},)"
            R"("b":{"kind":"llm","with":{"model":"small"}}}})");
}

TEST(WorkflowVariant, PatchesAddChangeAndTakeAway) {
  EXPECT_EQ(in_variant(read_yaml(kText, "f"), "single").value.dump(),
            R"({"workflow":"w","steps":{"b":{"kind":"llm","with":{"model":"big"}},"c":{"kind":"template"}},)"
            R"("budget":{"run":2}})");
  EXPECT_EQ(in_variant(read_yaml(kText, "f"), "cheap").value["steps"]["b"]["with"]["model"], "tiny");
}

TEST(WorkflowVariant, WhatAPatchBringsStandsWhereThePatchDoes) {
  const YamlDocument made = in_variant(read_yaml(kText, "f"), "single");
  EXPECT_EQ(place_text(made.place_of("/steps/c/kind")), "f:9:17");
  EXPECT_EQ(place_text(made.place_of("/steps/b/with/model")), "f:4:74");
}

TEST(WorkflowVariant, ANameThatIsNotThereIsRefusedWithTheNearest) {
  try {
    (void)in_variant(read_yaml(kText, "f"), "singel");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("did you mean 'single'?"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace coppice
