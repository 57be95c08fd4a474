// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/regular_expression.h"

#include <string>

#include "coppice/core/error.h"
#include "fuzz/examples_target.h"

/// Two lines, an expression and a text: in groups, and with what may be repeated, it matches the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const size_t line = input.find('\n');
  const std::string pattern(input.substr(0, line));
  const std::string_view text = line == std::string_view::npos ? "" : input.substr(line + 1);
  try {
    const bool matches = coppice::RegularExpression(pattern).matches_in(text);
    coppice::require(coppice::RegularExpression("(?:" + pattern + ")").matches_in(text) == matches);
    coppice::require(coppice::RegularExpression("(" + pattern + "){1,2}").matches_in(text) == matches);
    coppice::require(coppice::RegularExpression("(" + pattern + ")*").matches_in(text));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::usage || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
