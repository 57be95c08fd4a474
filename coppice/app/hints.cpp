// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/hints.h"

#include <algorithm>
#include <cctype>

#include "coppice/app/flags.h"

namespace coppice::app {
namespace {

bool is_of_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string hint_with_flags(std::string_view hint, const std::vector<std::string>& options) {
  std::string told;
  for (size_t begin = 0; begin < hint.size();) {
    const auto word_end = std::find_if_not(hint.begin() + static_cast<ptrdiff_t>(begin), hint.end(), is_of_word);
    const std::string word(hint.begin() + static_cast<ptrdiff_t>(begin), word_end);
    begin += std::max<size_t>(word.size(), 1);
    if (word.empty()) {
      told += hint[begin - 1];
      continue;
    }
    const bool called_option = told.ends_with("option ");
    const bool is_bare = told.empty() || told.back() == ' ' || told.back() == '(';
    const bool is_option = is_bare && (called_option || word.find('_') != std::string::npos) &&
                           std::find(options.begin(), options.end(), word) != options.end();
    if (is_option && called_option) told.resize(told.size() - (told.ends_with("the option ") ? 11 : 7));
    told += is_option ? flag_name(word) : word;
  }
  return told;
}

}  // namespace

std::string with_flags(std::string_view message, const std::vector<std::string>& options) {
  constexpr std::string_view kHint = "hint: ";
  std::string told;
  while (!message.empty()) {
    const std::string_view line = message.substr(0, std::min(message.find('\n'), message.size() - 1) + 1);
    const size_t hint = line.find_first_not_of(' ');
    const bool is_hint = hint != std::string_view::npos && line.substr(hint).starts_with(kHint);
    told += is_hint ? std::string(line.substr(0, hint + kHint.size())) +
                          hint_with_flags(line.substr(hint + kHint.size()), options)
                    : std::string(line);
    message.remove_prefix(line.size());
  }
  return told;
}

}  // namespace coppice::app
