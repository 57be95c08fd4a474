// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/command_code.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

const std::string kData = "{{ steps.a.output }}";

TEST(CommandCode, WhatAnInterpreterReadsAsCodeHasNoTemplate) {
  EXPECT_EQ(templated_code({"sh", "-c", "echo " + kData}), 2U);
  EXPECT_EQ(templated_code({"/bin/bash", "-ec", kData}), 2U);
  EXPECT_EQ(templated_code({"bash", "-o", "pipefail", "-c", kData}), 4U);
  EXPECT_EQ(templated_code({"python3", "-W", "ignore", "-c", kData}), 4U);
  EXPECT_EQ(templated_code({"python3.11", "-c", kData}), 2U);
  EXPECT_EQ(templated_code({"python3", "-u", kData}), 2U) << "the script";
  EXPECT_EQ(templated_code({"perl", "-ne", "print if {{ inputs.x }}"}), 2U) << "of an input, too";
  EXPECT_EQ(templated_code({"awk", "{% if x %}1{% endif %}", "file"}), 1U);
  EXPECT_EQ(templated_code({"node", "--eval", kData}), 2U);
}

TEST(CommandCode, WhatAProgramThatStartsOthersIsHandedHasNone) {
  EXPECT_EQ(templated_code({"env", "A=1", kData}), 2U);
  EXPECT_EQ(templated_code({"xargs", "-n1", kData}), 2U);
  EXPECT_EQ(templated_code({"ssh", "host", "ls", kData}), 3U);
  EXPECT_EQ(templated_code({"timeout", "5", "echo", "x"}), std::nullopt);
}

TEST(CommandCode, DataBehindTheCodeAreSafe) {
  EXPECT_EQ(templated_code({"sh", "-c", "grep -- \"$1\" list", "sh", kData}), std::nullopt);
  EXPECT_EQ(templated_code({"python3", "tool.py", kData}), std::nullopt);
  EXPECT_EQ(templated_code({"python3", "tool.py", "-e", kData}), std::nullopt);
  EXPECT_EQ(templated_code({"awk", "{print $1}", kData}), std::nullopt);
  EXPECT_EQ(templated_code({"printf", "%s", kData}), std::nullopt);
  EXPECT_EQ(templated_code({}), std::nullopt);
}

}  // namespace
}  // namespace coppice
