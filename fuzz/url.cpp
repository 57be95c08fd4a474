// SPDX-License-Identifier: Apache-2.0
//
// Any text as a URL: refused, or parts that come together to one that has the same parts. No part breaks out of the
// line of a request.
#include "coppice/http/url.h"

#include <cstdint>
#include <string>

#include "coppice/core/error.h"
#include "coppice/http/request_head.h"
#include "fuzz/examples_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  coppice::require(coppice::percent_decode(coppice::percent_encode(text)) == text);
  try {
    const coppice::Url url = coppice::parse_url(text);
    const coppice::Url again = coppice::parse_url(url.scheme + "://" + url.authority() + url.target);
    coppice::require(again.scheme == url.scheme && again.host == url.host);
    coppice::require(again.port == url.port && again.target == url.target);
    const std::string head = coppice::request_head({}, url, "fuzz");
    size_t lines = 0;
    for (const char c : head) lines += c == '\n' ? 1 : 0;
    coppice::require(lines == 5 && head.find_first_of(std::string("\0\t", 2)) == std::string::npos);
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::usage);
  }
  return 0;
}
