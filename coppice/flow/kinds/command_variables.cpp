// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/command_variables.h"

#include <algorithm>
#include <array>

namespace coppice {
namespace {

constexpr std::array<std::string_view, 45> kNames = {"PATH",
                                                     "HOME",
                                                     "SHELL",
                                                     "IFS",
                                                     "ENV",
                                                     "PS4",
                                                     "PROMPT_COMMAND",
                                                     "SHELLOPTS",
                                                     "BASHOPTS",
                                                     "ZDOTDIR",
                                                     "PAGER",
                                                     "MANPAGER",
                                                     "EDITOR",
                                                     "VISUAL",
                                                     "BROWSER",
                                                     "LESSOPEN",
                                                     "LESSCLOSE",
                                                     "LESS",
                                                     "MAKEFLAGS",
                                                     "MAKEFILES",
                                                     "GNUMAKEFLAGS",
                                                     "CLASSPATH",
                                                     "JAVA_OPTS",
                                                     "JAVA_TOOL_OPTIONS",
                                                     "_JAVA_OPTIONS",
                                                     "JDK_JAVA_OPTIONS",
                                                     "PHPRC",
                                                     "PHP_INI_SCAN_DIR",
                                                     "TAR_OPTIONS",
                                                     "RSYNC_RSH",
                                                     "SSH_ASKPASS",
                                                     "SUDO_ASKPASS",
                                                     "GCONV_PATH",
                                                     "AWKPATH",
                                                     "AWKLIBPATH",
                                                     "CURL_HOME",
                                                     "WGETRC",
                                                     "PSQLRC",
                                                     "PSQL_EDITOR",
                                                     "PSQL_PAGER",
                                                     "MYSQL_HOME",
                                                     "TERMINFO",
                                                     "POSIXLY_CORRECT",
                                                     "GREP_OPTIONS",
                                                     "CDPATH"};

constexpr std::array<std::string_view, 18> kBeginnings = {"LD_",  "DYLD_",   "BASH_", "PYTHON",   "PERL",    "RUBY",
                                                          "GEM_", "BUNDLE_", "NODE_", "NPM_",     "DENO_",   "BUN_",
                                                          "LUA_", "GIT_",    "R_",    "OPENSSL_", "DOTNET_", "XDG_"};

}  // namespace

bool loads_code(std::string_view variable) {
  if (std::find(kNames.begin(), kNames.end(), variable) != kNames.end()) return true;
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](std::string_view beginning) { return variable.starts_with(beginning); });
}

}  // namespace coppice
