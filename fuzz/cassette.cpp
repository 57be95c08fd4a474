// SPDX-License-Identifier: Apache-2.0
//
// Any text as a line of a cassette: refused, or an entry that comes back as it was written. Any text as the body of an
// answer and of a request comes back.
#include <cstdint>
#include <string>

#include "coppice/http/cassette_line.h"
#include "fuzz/examples_target.h"

namespace {

void expect_equal(const coppice::CassetteEntry& a, const coppice::CassetteEntry& b) {
  coppice::require(a.method == b.method && a.url == b.url && a.request_body == b.request_body);
  coppice::require(a.status == b.status && a.headers.all() == b.headers.all() && a.pieces == b.pieces);
  coppice::require(a.failure.has_value() == b.failure.has_value());
  if (a.failure) coppice::require(a.failure->code == b.failure->code && a.failure->message == b.failure->message);
}

void expect_comes_back(const coppice::CassetteEntry& entry) {
  const std::string line = coppice::cassette_line(entry);
  coppice::require(line.find('\n') == line.size() - 1);
  expect_equal(coppice::parse_cassette_line(line), entry);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  coppice::CassetteEntry any;
  any.method = "POST";
  any.url = coppice::url_without_secrets(text);
  coppice::require(coppice::url_without_secrets(any.url) == any.url);
  any.request_body = text;
  any.status = 200;
  any.pieces = {text, text.substr(0, size / 2)};
  expect_comes_back(any);
  coppice::require(coppice::cassette_key("POST", text, text) == coppice::cassette_key("POST", any.url, text));
  try {
    // Fewer headers are written than a line may have.
    const std::string line = coppice::cassette_line(coppice::parse_cassette_line(text));
    expect_comes_back(coppice::parse_cassette_line(line));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
