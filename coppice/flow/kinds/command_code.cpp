// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/command_code.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include "coppice/flow/kinds/command_variables.h"
#include "coppice/flow/kinds/shell_script.h"

namespace coppice {
namespace {

constexpr std::array<std::string_view, 8> kShells = {"sh", "bash", "dash", "zsh", "ksh", "fish", "ash", "rbash"};

/// Programs whose first argument that is no option, or what stands behind an option such as -c, is code.
constexpr std::array<std::string_view, 15> kInterpreters = {"python", "pypy", "perl", "ruby",    "node",
                                                            "deno",   "bun",  "php",  "lua",     "awk",
                                                            "gawk",   "mawk", "sed",  "Rscript", "R"};

/// Programs that run what they are handed, here or elsewhere.
constexpr std::array<std::string_view, 26> kLaunchers = {
    "env",     "xargs", "parallel", "nice",    "ionice", "nohup",  "timeout",  "time",   "watch",
    "sudo",    "doas",  "su",       "runuser", "setsid", "stdbuf", "unbuffer", "chroot", "unshare",
    "nsenter", "flock", "script",   "ssh",     "find",   "strace", "make",     "gmake"};

/// Those of them that run what stands on their standard input, or hand it to what they start as its arguments.
constexpr std::array<std::string_view, 13> kInputRunners = {"xargs", "parallel", "su",      "runuser", "chroot",
                                                            "ssh",   "unshare",  "nsenter", "script",  "sudo",
                                                            "doas",  "make",     "gmake"};

/// Clients of databases: a statement may read and write files, and run programs.
constexpr std::array<std::string_view, 6> kDatabaseClients = {"sqlite",  "psql",   "mysql",
                                                              "mariadb", "duckdb", "sqlplus"};

/// Programs with options that run something or write where they are told. With them a template stands behind "--".
constexpr std::array<std::string_view, 16> kWithDangerousOptions = {
    "git", "tar",   "bsdtar", "rsync",  "scp",    "sftp", "curl",   "wget",
    "zip", "unzip", "sort",   "ffmpeg", "pandoc", "gpg",  "docker", "podman"};

/// What stands behind these words of git is configuration, or a command to run.
constexpr std::array<std::string_view, 6> kGitRunners = {"bisect", "submodule", "filter-branch",
                                                         "config", "rebase",    "difftool"};

/// Options behind which code stands: sh -c, perl -e, php -r, python -m, sed --expression, ...
constexpr std::array<std::string_view, 13> kCodeOptions = {
    "-c", "-e", "-E", "-r", "-m", "-p", "-n", "-f", "--eval", "--execute", "--expression", "--command", "--file"};

constexpr const char* kBehindTheCode =
    R"(data go behind the code: ["sh", "-c", "grep -- \"$1\" list.txt", "sh", "{{ steps.a.output }}"])";

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

bool is_option(const std::string& argument) {
  return argument.size() > 1 && argument[0] == '-';
}

/// Is it -c, or short options of which the last one is, as in -ec?
bool announces_code(const std::string& option) {
  if (contains(kCodeOptions, option)) return true;
  if (!is_option(option) || option.size() < 3 || option[1] == '-') return false;
  return contains(kCodeOptions, std::string("-") + option.back());
}

/// Looks at one command; one that starts another is followed into it.
class CommandCode {
 public:
  explicit CommandCode(const WrittenCommand& written) : written_(written), command_(written.command) {}

  std::optional<TemplatedCode> find(size_t begin) {
    const std::string_view program = program_name(command_[begin]);
    if (program == "busybox") return begin + 1 < command_.size() ? find_in_argument(begin + 1) : std::nullopt;
    if (contains(kLaunchers, program)) return find_in_launcher(begin);
    if (contains(kShells, program) || contains(kInterpreters, program)) return find_in_interpreter(begin);
    if (contains(kDatabaseClients, program)) return find_in_database_client(begin);
    if (program == "jq") return find_in_jq(begin);
    if (contains(kWithDangerousOptions, program)) return find_in_options(begin);
    return std::nullopt;
  }

 private:
  std::optional<TemplatedCode> find_in_argument(size_t i) {
    if (has_template(command_[i])) return argument(i);
    return find(i);
  }

  std::optional<TemplatedCode> find_in_launcher(size_t begin) {
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      if (has_template(command_[i])) return argument(i);
    }
    if (contains(kInputRunners, program_name(command_[begin]))) return input(begin);
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      if (const auto found = find(i)) return found;  // an argument that is no program has none of their names
    }
    return std::nullopt;
  }

  std::optional<TemplatedCode> find_in_interpreter(size_t begin) {
    bool is_behind_option = false;
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      const std::string& one = command_[i];
      if (has_template(one)) return argument(i);
      if (announces_code(one)) return find_behind_code(begin, i + 1);
      if (one == "-" || one == "-s" || one == "/dev/stdin") return input(begin);
      if (is_option(one)) {
        is_behind_option = true;
        continue;
      }
      const bool is_file = one.find_first_of("./") != one.npos;
      const bool may_be_value = is_behind_option && !is_file;  // bash -o pipefail
      if (!may_be_value && !is_subcommand(begin, one)) return find_behind_script(begin, i + 1);
      is_behind_option = false;
    }
    return input(begin);
  }

  /// deno run script.ts
  bool is_subcommand(size_t begin, const std::string& word) const {
    const std::string_view program = program_name(command_[begin]);
    return (program == "deno" || program == "bun") && (word == "run" || word == "eval" || word == "x");
  }

  /// `i` is that of the code that an option announced.
  std::optional<TemplatedCode> find_behind_code(size_t begin, size_t i) {
    if (i >= command_.size()) return std::nullopt;
    if (has_template(command_[i])) return argument(i);
    const std::string_view program = program_name(command_[begin]);
    const size_t data = next_template(i + 1);
    if (data == command_.size()) return std::nullopt;
    if (contains(kShells, program)) {
      if (!runs_parameters(command_[i])) return std::nullopt;
      return TemplatedCode{pointer(data),
                           fmt::format("the script of {} runs what it is given: '{}'", command_[begin], command_[i]),
                           "a script that only hands \"$1\" on to a program that is written out takes it"};
    }
    if (program == "python" || program == "pypy") return std::nullopt;  // they hand all else to the script
    return find_unparted(i + 1);
  }

  /// Behind a script are data; sed alone reads options behind it, too.
  std::optional<TemplatedCode> find_behind_script(size_t begin, size_t i) {
    return program_name(command_[begin]) == "sed" ? find_unparted(i) : std::nullopt;
  }

  /// What is read as an option unless "--" or a word that is none stands before it.
  std::optional<TemplatedCode> find_unparted(size_t from) {
    for (size_t i = from; i < command_.size() && command_[i] != "--"; ++i) {
      if (has_template(command_[i]) && may_be_option(command_[i])) return option(i);
    }
    return std::nullopt;
  }

  static bool may_be_option(const std::string& argument) {
    return argument[0] == '-' || argument[0] == '{';  // a template that it begins with
  }

  /// With its statement among its arguments it reads data, else statements.
  std::optional<TemplatedCode> find_in_database_client(size_t begin) {
    const size_t data = next_template(begin + 1);
    if (data < command_.size()) return argument(data);
    size_t n_words = 0;
    bool has_code = false;
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      if (!is_option(command_[i])) ++n_words;
      if (announces_code(command_[i])) has_code = true;
    }
    const std::string_view program = program_name(command_[begin]);
    const bool names_statement = program == "sqlite" || program == "duckdb";
    return has_code || (names_statement && n_words > 1) ? std::nullopt : input(begin);
  }

  /// Its filter; values stand behind --arg NAME.
  std::optional<TemplatedCode> find_in_jq(size_t begin) {
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      const std::string& one = command_[i];
      if (one == "--arg" || one == "--argjson") {
        i += 2;
      } else if (has_template(one)) {
        return argument(i);
      } else if (!is_option(one)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::optional<TemplatedCode> find_in_options(size_t begin) {
    const bool is_git = program_name(command_[begin]) == "git";
    bool is_parted = false;
    for (size_t i = begin + 1; i < command_.size(); ++i) {
      const std::string& one = command_[i];
      if (is_git && !has_template(one) && contains(kGitRunners, one)) {
        const size_t data = next_template(i + 1);
        if (data < command_.size()) return argument(data);
      }
      if (one == "--" && !(is_git && i == begin + 1)) is_parted = true;
      if (is_parted || !has_template(one)) continue;
      const bool is_value = i > begin + 1 && is_option(command_[i - 1]);  // git -c alias.x={{ }}
      const bool is_first = is_git && i == begin + 1;
      if (is_first || is_value || may_be_option(one)) return option(i);
    }
    return std::nullopt;
  }

  size_t next_template(size_t from) const {
    size_t i = from;
    while (i < command_.size() && !has_template(command_[i])) ++i;
    return i;
  }

  static std::string pointer(size_t i) { return "/command/" + std::to_string(i); }

  TemplatedCode argument(size_t i) const {
    return {
        pointer(i),
        fmt::format("'command' hands a template to {}, which reads it as code: '{}'", command_.front(), command_[i]),
        kBehindTheCode};
  }
  TemplatedCode option(size_t i) const {
    return {pointer(i),
            fmt::format("'command' hands a template to {}, which may read it as an option: '{}'", command_.front(),
                        command_[i]),
            "behind \"--\" it is none"};
  }
  std::optional<TemplatedCode> input(size_t begin) const {
    if (!has_template(written_.input)) return std::nullopt;
    return TemplatedCode{
        "/input", fmt::format("{} runs what stands on its standard input, and 'input' has a template", command_[begin]),
        "name a script in 'command': then 'input' is data"};
  }

  const WrittenCommand& written_;
  const std::vector<std::string>& command_;
};

}  // namespace

std::optional<TemplatedCode> templated_code(const WrittenCommand& written) {
  for (const auto& [name, value] : written.environment) {
    if (!loads_code(name) || !has_template(value)) continue;
    return TemplatedCode{
        "/environment/" + name,
        fmt::format("'environment' has a template for {}, which decides what programs load or run", name),
        "write it out"};
  }
  if (written.command.empty()) return std::nullopt;
  return CommandCode(written).find(0);
}

}  // namespace coppice
