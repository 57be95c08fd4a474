// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/command_code.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

const std::string kData = "{{ steps.a.output }}";
const std::string kNone = "none";

using Arguments = std::vector<std::string>;

/// The pointer to the place that is refused.
std::string place(const Arguments& command, const std::string& input = {},
                  const std::map<std::string, std::string>& environment = {}) {
  const auto found = templated_code({command, input, environment});
  return found ? found->pointer : kNone;
}

TEST(CommandCode, WhatAnInterpreterReadsAsCodeHasNoTemplate) {
  EXPECT_EQ(place({"sh", "-c", "echo " + kData}), "/command/2");
  EXPECT_EQ(place({"/bin/bash", "-ec", kData}), "/command/2");
  EXPECT_EQ(place({"bash", "-o", "pipefail", "-c", kData}), "/command/4");
  EXPECT_EQ(place({"bash", "-o", "pipefail", kData}), "/command/3") << "the script";
  EXPECT_EQ(place({"python3", "-W", "ignore", "-c", kData}), "/command/4");
  EXPECT_EQ(place({"python3.11", "-c", kData}), "/command/2");
  EXPECT_EQ(place({"python3", "-u", kData}), "/command/2") << "the script";
  EXPECT_EQ(place({"perl", "-ne", "print if {{ inputs.x }}"}), "/command/2") << "of an input, too";
  EXPECT_EQ(place({"awk", "{% if x %}1{% endif %}", "file"}), "/command/1");
  EXPECT_EQ(place({"node", "--eval", kData}), "/command/2");
  EXPECT_EQ(place({"deno", "run", kData}), "/command/2");
  EXPECT_EQ(place({"busybox", "awk", kData}), "/command/2");
  EXPECT_EQ(place({"busybox", "sh", "-c", kData}), "/command/3");
}

TEST(CommandCode, ScriptsOfShellsThatRunTheirParametersGetNone) {
  EXPECT_EQ(place({"sh", "-c", "eval \"$1\"", "sh", kData}), "/command/4");
  EXPECT_EQ(place({"sh", "-c", "\"$1\"", "sh", kData}), "/command/4");
  EXPECT_EQ(place({"sh", "-c", "eval \"$1\"", "sh", "ls"}), kNone);
}

TEST(CommandCode, OptionsBehindTheCodeAreCode) {
  EXPECT_EQ(place({"perl", "-e", "print @ARGV", kData}), "/command/3");
  EXPECT_EQ(place({"perl", "-e", "print @ARGV", "--", kData}), kNone);
  EXPECT_EQ(place({"sed", "s/a/b/", kData}), "/command/2") << "-e and -i are read behind the script, too";
  EXPECT_EQ(place({"sed", "-n", "-e", "p", "--", kData}), kNone);
}

TEST(CommandCode, WhatAProgramThatStartsOthersIsHandedHasNone) {
  EXPECT_EQ(place({"env", "A=1", kData}), "/command/2");
  EXPECT_EQ(place({"xargs", "-n1", kData}), "/command/2");
  EXPECT_EQ(place({"ssh", "host", "ls", kData}), "/command/3");
  EXPECT_EQ(place({"make", kData}), "/command/1");
  EXPECT_EQ(place({"timeout", "5", "echo", "x"}), kNone);
}

TEST(CommandCode, AProgramThatIsReadFromStandardInputHasNone) {
  for (const Arguments& command : {Arguments{"sh"},
                                   {"bash", "-s", "x"},
                                   {"python3"},
                                   {"python3", "-"},
                                   {"python3", "-u"},
                                   {"env", "sh"},
                                   {"timeout", "5", "python3", "-"},
                                   {"xargs", "rm"},
                                   {"ssh", "host"},
                                   {"sqlite3", "x.db"},
                                   {"psql", "-q"},
                                   {"bash", "-o", "pipefail"},
                                   {"busybox", "sh"}}) {
    EXPECT_EQ(place(command, "x " + kData), "/input") << command.back();
    EXPECT_EQ(place(command, "ls"), kNone) << command.back();
  }
  EXPECT_EQ(place({"python3", "tool.py"}, kData), kNone);
  EXPECT_EQ(place({"sh", "-c", "wc -l"}, kData), kNone);
  EXPECT_EQ(place({"timeout", "5", "grep", "x"}, kData), kNone);
  EXPECT_EQ(place({"timeout", "5", "python3", "tool.py"}, kData), kNone);
  EXPECT_EQ(place({"jq", ".a"}, kData), kNone);
  EXPECT_EQ(place({"psql", "-c", "copy t from stdin"}, kData), kNone);
}

TEST(CommandCode, StatementsAndFiltersHaveNone) {
  EXPECT_EQ(place({"sqlite3", "x.db", kData}), "/command/2");
  EXPECT_EQ(place({"psql", "-c", "select '" + kData + "'"}), "/command/2");
  EXPECT_EQ(place({"duckdb", "-c", kData}), "/command/2");
  EXPECT_EQ(place({"jq", kData, "file.json"}), "/command/1");
  EXPECT_EQ(place({"jq", "--arg", "name", kData, ".[] | select(.name == $name)"}), kNone);
}

TEST(CommandCode, WhatMayBeAnOptionStandsBehindTheTwoDashes) {
  EXPECT_EQ(place({"git", kData}), "/command/1");
  EXPECT_EQ(place({"git", "log", kData}), "/command/2");
  EXPECT_EQ(place({"git", "-c", "alias.x=" + kData, "x"}), "/command/2");
  EXPECT_EQ(place({"git", "clone", "--upload-pack=" + kData, "x"}), "/command/2");
  EXPECT_EQ(place({"git", "submodule", "foreach", "--", kData}), "/command/4");
  EXPECT_EQ(place({"git", "log", "--", kData}), kNone);
  EXPECT_EQ(place({"tar", "-xf", kData}), "/command/2");
  EXPECT_EQ(place({"curl", "https://example.com/" + kData}), kNone);
  EXPECT_EQ(place({"curl", kData}), "/command/1");
  EXPECT_EQ(place({"curl", "--", kData}), kNone) << "an address; what it may be is the workflow's affair";
}

TEST(CommandCode, VariablesThatMakeProgramsLoadCodeHaveNone) {
  for (const char* name : {"BASH_ENV", "ENV", "PYTHONPATH", "PYTHONSTARTUP", "LD_PRELOAD", "LD_LIBRARY_PATH", "PATH",
                           "NODE_OPTIONS", "PERL5OPT", "PERL5LIB", "RUBYOPT", "GIT_SSH_COMMAND"}) {
    EXPECT_EQ(place({"ls"}, "", {{name, kData}}), std::string("/environment/") + name);
    EXPECT_EQ(place({"ls"}, "", {{name, "x"}}), kNone);
  }
  EXPECT_EQ(place({"ls"}, "", {{"TITLE", kData}}), kNone);
}

TEST(CommandCode, DataBehindTheCodeAreSafe) {
  EXPECT_EQ(place({"sh", "-c", "grep -- \"$1\" list", "sh", kData}), kNone);
  EXPECT_EQ(place({"python3", "tool.py", kData}), kNone);
  EXPECT_EQ(place({"python3", "tool.py", "-e", kData}), kNone);
  EXPECT_EQ(place({"python3", "-c", "import sys", kData}), kNone);
  EXPECT_EQ(place({"awk", "{print $1}", kData}), kNone);
  EXPECT_EQ(place({"printf", "%s", kData}), kNone);
  EXPECT_EQ(place({}), kNone);
}

}  // namespace
}  // namespace coppice
