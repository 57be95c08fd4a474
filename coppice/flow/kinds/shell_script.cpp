// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/shell_script.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coppice {
namespace {

/// A piece of a script: a word without its quotes, or what parts commands.
struct ShellPiece {
  enum class Kind : uint8_t {
    word,
    separator,     ///< ; | & ( ) and the end of a line: a command begins
    arithmetic,    ///< with a variable in it: bash runs what stands in its value, x[$(a command)]
    substitution,  ///< $( or `: a command inside of a word begins
    end            ///< of a substitution: the word around it goes on
  };
  Kind kind = Kind::word;
  std::string text;
  bool begins_with_variable = false, has_variable = false;
};

/// Behind these words a command begins anew.
constexpr std::array<std::string_view, 23> kBeforeCommands = {
    "exec", "command", "builtin", "env",   "sudo",  "doas", "nohup", "nice",   "time", "timeout", "xargs", "then",
    "do",   "else",    "elif",    "while", "until", "if",   "!",     "setsid", "{",    "}",       "trap"};

constexpr std::array<std::string_view, 14> kCodeReaders = {"sh",      "bash", "dash", "zsh",  "ksh", "ash", "python",
                                                           "python3", "perl", "ruby", "node", "php", "lua", "su"};

template <size_t n>
bool contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Cuts a script into pieces.
class ShellPieces {
 public:
  explicit ShellPieces(std::string_view script) : script_(script) {}

  std::vector<ShellPiece> all() {
    for (; at_ < script_.size(); ++at_) read(script_[at_]);
    end_word();
    return std::move(pieces_);
  }

 private:
  /// What is open around a place.
  struct Around {
    char quote, closed_by;
    bool is_substitution;
  };

  void read(char c) {
    if (quote_ == '\'') return c == '\'' ? void(quote_ = 0) : add(c);
    if (c == '\\' && at_ + 1 < script_.size()) return add(script_[++at_]);
    if (c == '`' && !around_.empty() && around_.back().closed_by == '`') return close();
    if (c == '`') return begin_substitution('`');
    if (script_.substr(at_).starts_with("$((")) return read_arithmetic();
    if (c == '$' && at_ + 1 < script_.size() && script_[at_ + 1] == '(') {
      ++at_;
      return begin_substitution(')');
    }
    if (quote_ == '"') return c == '"' ? void(quote_ = 0) : add_expanded(c);
    if (c == '"' || c == '\'') {
      is_word_ = true;
      quote_ = c;
    } else if (c == ' ' || c == '\t') {
      end_word();
    } else if (c == '(') {
      around_.push_back({0, ')', false});
      separate(ShellPiece::Kind::separator);
    } else if (c == ')' && !around_.empty()) {
      close();
    } else if (std::string_view(";|&)\n").find(c) != std::string_view::npos) {
      separate(ShellPiece::Kind::separator);
    } else {
      add_expanded(c);
    }
  }

  void read_arithmetic() {
    const size_t end = std::min(script_.find("))", at_), script_.size());
    if (script_.substr(at_ + 3, end - at_ - 3).find('$') != std::string_view::npos) {
      pieces_.push_back({ShellPiece::Kind::arithmetic, {}, false, false});
    }
    add_expanded('$');
    at_ = end + 1;
  }

  /// What the command prints stands in the word, as the value of a variable does.
  void begin_substitution(char closed_by) {
    add_expanded('$');
    around_.push_back({quote_, closed_by, true});
    quote_ = 0;
    separate(ShellPiece::Kind::substitution);
  }
  void close() {
    const Around closed = around_.back();
    around_.pop_back();
    separate(closed.is_substitution ? ShellPiece::Kind::end : ShellPiece::Kind::separator);
    quote_ = closed.quote;
  }

  void add(char c) {
    is_word_ = true;
    word_.text += c;
  }
  void add_expanded(char c) {
    if (c == '$') {
      word_.begins_with_variable |= word_.text.empty();
      word_.has_variable = true;
    }
    add(c);
  }
  void end_word() {
    if (is_word_) pieces_.push_back(std::move(word_));
    word_ = {};
    is_word_ = false;
  }
  void separate(ShellPiece::Kind kind) {
    end_word();
    pieces_.push_back({kind, {}, false, false});
  }

  std::string_view script_;
  size_t at_ = 0;
  char quote_ = 0;
  bool is_word_ = false;
  ShellPiece word_;
  std::vector<Around> around_;
  std::vector<ShellPiece> pieces_;
};

bool is_assignment(const ShellPiece& word) {
  const size_t equals = word.text.find('=');
  return equals != std::string::npos && equals > 0 && !word.begins_with_variable && word.text[0] != '-';
}

/// One command of a script, as far as it is read.
struct ShellCommand {
  bool at_begin = true, reads_code = false, code_is_next = false;
  bool is_behind_option = false;

  bool runs_variable(const ShellPiece& word) const {
    if (word.text == "eval" || word.text == "source" || (at_begin && word.text == ".")) return true;
    return (at_begin && word.begins_with_variable) || (code_is_next && word.has_variable);
  }
  void add(const ShellPiece& word) {
    reads_code |= contains(kCodeReaders, std::string_view(word.text).substr(word.text.rfind('/') + 1));
    const bool is_option = word.text.size() > 1 && word.text[0] == '-';
    code_is_next = reads_code && is_option && (word.text.back() == 'c' || word.text.back() == 'e');
    const bool is_number = !word.text.empty() && word.text[0] >= '0' && word.text[0] <= '9';
    const bool goes_on = is_option || is_behind_option || is_number || is_assignment(word);  // exec -a name, env A=1
    at_begin = contains(kBeforeCommands, word.text) || (at_begin && goes_on);
    is_behind_option = is_option;
  }
};

}  // namespace

bool runs_parameters(std::string_view script) {
  std::vector<ShellCommand> commands(1);  // the innermost one last
  for (const ShellPiece& piece : ShellPieces(script).all()) {
    switch (piece.kind) {
      case ShellPiece::Kind::word:
        if (commands.back().runs_variable(piece)) return true;
        commands.back().add(piece);
        break;
      case ShellPiece::Kind::separator:
        commands.back() = {};
        break;
      case ShellPiece::Kind::arithmetic:
        return true;
      case ShellPiece::Kind::substitution:
        commands.emplace_back();
        break;
      case ShellPiece::Kind::end:
        commands.pop_back();
        break;
    }
  }
  return false;
}

}  // namespace coppice
