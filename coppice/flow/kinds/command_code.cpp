// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/command_code.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace coppice {
namespace {

/// Programs whose first argument that is no option, or what stands behind an option such as -c, is code.
constexpr std::array<std::string_view, 22> kInterpreters = {
    "sh",   "bash", "dash", "zsh", "ksh", "fish", "ash", "busybox", "python", "pypy", "perl",
    "ruby", "node", "deno", "bun", "php", "lua",  "awk", "gawk",    "mawk",   "sed",  "Rscript"};

/// Programs that run what they are handed, here or elsewhere.
constexpr std::array<std::string_view, 24> kLaunchers = {
    "env",    "xargs",   "parallel", "nice",  "ionice",  "nohup",  "timeout", "time",
    "watch",  "sudo",    "doas",     "su",    "runuser", "setsid", "stdbuf",  "unbuffer",
    "chroot", "unshare", "nsenter",  "flock", "script",  "ssh",    "find",    "strace"};

/// Options behind which code stands: sh -c, perl -e, php -r, python -m, sed --expression, ...
constexpr std::array<std::string_view, 12> kCodeOptions = {
    "-c", "-e", "-E", "-r", "-m", "-p", "-n", "-f", "--eval", "--execute", "--expression", "--command"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_template(const std::string& text) {
  return text.find("{{") != text.npos || text.find("{%") != text.npos;
}

/// "/usr/bin/python3.11" -> "python".
std::string_view program_name(std::string_view command) {
  if (const size_t slash = command.rfind('/'); slash != command.npos) command.remove_prefix(slash + 1);
  while (!command.empty() && (std::isdigit(static_cast<unsigned char>(command.back())) != 0 || command.back() == '.')) {
    command.remove_suffix(1);
  }
  return command;
}

/// Is it -c, or short options of which the last one is, as in -ec?
bool announces_code(const std::string& option) {
  if (contains(kCodeOptions, option)) return true;
  if (option.size() < 3 || option[0] != '-' || option[1] == '-') return false;
  return contains(kCodeOptions, std::string("-") + option.back());
}

}  // namespace

std::optional<size_t> templated_code(const std::vector<std::string>& command) {
  if (command.empty()) return std::nullopt;
  const std::string_view program = program_name(command.front());
  const bool starts_others = contains(kLaunchers, program);
  if (!starts_others && !contains(kInterpreters, program)) return std::nullopt;
  bool may_be_over = false;  // the script has come, unless that was the value of an option, as in -o pipefail
  for (size_t i = 1; i < command.size(); ++i) {
    if (!may_be_over && has_template(command[i])) return i;
    if (starts_others) continue;
    if (announces_code(command[i])) {
      return i + 1 < command.size() && has_template(command[i + 1]) ? std::optional(i + 1) : std::nullopt;
    }
    if (command[i].starts_with("-") && command[i].size() > 1) continue;
    const bool is_file = command[i].find_first_of("./") != command[i].npos;
    if (is_file) return std::nullopt;  // behind it are data
    may_be_over = true;
  }
  return std::nullopt;
}

}  // namespace coppice
