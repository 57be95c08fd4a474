// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/terminal_text.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace coppice::app {
namespace {

bool is_control(unsigned char c) {
  return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F;
}

/// U+0080 to U+009F, which some terminals take for ESC and a letter.
bool begins_late_control(std::string_view text) {
  return text.size() > 1 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
}

}  // namespace

std::string text_for(int descriptor, std::string_view text) {
  const bool may_have_control = std::any_of(
      text.begin(), text.end(), [](char c) { return is_control(static_cast<unsigned char>(c)) || c == '\xC2'; });
  if (!may_have_control || ::isatty(descriptor) == 0) return std::string(text);
  std::string made;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("\r\n")) continue;
    if (begins_late_control(rest)) {
      made += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else if (is_control(static_cast<unsigned char>(text[i]))) {
      made += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      made += text[i];
    }
  }
  return made;
}

}  // namespace coppice::app
