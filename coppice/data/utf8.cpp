// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

/// Length of the well-formed character at the front of `text`, or of the longest ill-formed start of one.
struct Step {
  size_t length;
  bool valid;
};

Step next_character(std::string_view text) noexcept {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {1, true};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return {1, false};
  // Table 3-7: only the second byte has a range of its own, which keeps out overlong forms, surrogates and > U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false};
    const bool fits = i == 1 ? byte(i) >= low && byte(i) <= high : (byte(i) & 0xc0) == 0x80;
    if (!fits) return {i, false};
  }
  return {length, true};
}

}  // namespace

size_t valid_utf8_bytes(std::string_view text) noexcept {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const Step step = next_character(text.substr(bytes));
    if (!step.valid) break;
    bytes += step.length;
  }
  return bytes;
}

std::string repair_utf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size() + 64);
  while (!text.empty()) {
    const Step step = next_character(text);
    if (step.valid) {
      repaired.append(text.substr(0, step.length));
    } else {
      repaired.append("\xef\xbf\xbd");
    }
    text.remove_prefix(step.length);
  }
  return repaired;
}

}  // namespace coppice
