// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/shell_script.h"

#include <gtest/gtest.h>

namespace coppice {
namespace {

TEST(ShellScript, RunsItsParametersWhereACommandBegins) {
  for (const char* script : {"eval \"$1\"",
                             "eval x=$1",
                             "\"$1\"",
                             "$1 a b",
                             "\"$@\"",
                             "true; $*",
                             "true && \"$1\"",
                             "ls | $1",
                             "exec \"$@\"",
                             "echo `$1`",
                             "echo \"`$1`\"",
                             "echo $($1)",
                             "echo \"a $($1) b\"",
                             "if true; then $1; fi",
                             "x=$1; $x",
                             "A=1 $1",
                             "( $1 )",
                             "{ $1; }",
                             "sh -c \"$1\"",
                             "bash -ec \"echo $1\"",
                             "exec -a x $1",
                             "timeout -k 5 $1",
                             ". $1",
                             "source \"$1\"",
                             "/bin/sh -c $1",
                             "cat <<E\n$1\nE",
                             "! $1",
                             "sleep $((2 * $1))",
                             "echo \"$(( $1 ))\"",
                             "$(cat \"$1\")"}) {
    EXPECT_TRUE(runs_parameters(script)) << script;
  }
}

TEST(ShellScript, HandsThemToProgramsThatAreWrittenOut) {
  for (const char* script :
       {"", "grep -- \"$1\" list.txt", "echo '$1; eval' | wc", "x=$(grep -c \"$1\" list); echo \"$x\"",
        "A=$1 sort file", "printf '%s' \"$1\" > out.txt", "awk '{print $1}' file", "python3 tool.py \"$1\"",
        "test -n \"$1\" && echo yes", "echo \"$(date) $1\"", "sleep $((1 + 1)) && cat \"$1\"", "echo `date` \"$1\"",
        "for i in \"$@\"; do echo \"$i\"; done", "grep -e \"$1\" list", "echo \"a;b $1\" # c",
        "cp -- \"$1\" \"out/$2\""}) {
    EXPECT_FALSE(runs_parameters(script)) << script;
  }
}

TEST(ShellScript, AnyBytesAreRead) {
  for (const char* script :
       {"'", "\"", "`", "$(", ")", "\\", "$", "\"$(", "`$(`)", "))", "$((1+1))", "$((", "$((1)", "$(()"}) {
    (void)runs_parameters(script);
  }
}

}  // namespace
}  // namespace coppice
