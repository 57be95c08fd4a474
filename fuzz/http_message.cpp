// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as messages of HTTP/1.1, answers and requests, from the second byte on: refused or read, and the same
// whether they come at once or in pieces, whose sizes the first byte tells.
#include <cstdint>
#include <string>

#include "coppice/http/characters.h"
#include "coppice/http/message_parser.h"
#include "fuzz/examples_target.h"

namespace {

using coppice::MessageParser;

/// Why that was refused may depend on the pieces: where a line is too long, the end of it decides nothing any more.
struct Read {
  std::string text = "refused";
  size_t taken = 0;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view bytes, MessageParser::Kind kind, size_t piece_bytes) {
  Read result;
  std::string body;
  MessageParser parser(kind, {300, 100}, [&body](std::string_view piece) { body += piece; });
  try {
    for (std::string_view rest = bytes; !rest.empty() && !parser.is_done();) {
      const size_t taken = parser.feed(rest.substr(0, piece_bytes));
      coppice::require(taken > 0);
      result.taken += taken;
      rest.remove_prefix(taken);
    }
    parser.feed_end();
  } catch (const coppice::MessageError& error) {
    coppice::require(error.status() >= 400 && error.status() < 600);
    return {};
  }
  coppice::require(parser.is_done() && body.size() <= 100);
  result.text = parser.method() + ' ' + parser.target() + std::to_string(parser.status()) + body;
  for (const auto& [name, value] : parser.headers().all()) {
    coppice::require(coppice::is_token(name) && coppice::is_header_value(value));
    result.text += '\n' + name + ':' + value;
  }
  result.text += parser.stays_open() ? "open" : "closed";
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  for (const auto kind : {MessageParser::Kind::request, MessageParser::Kind::response}) {
    coppice::require(read(text, kind, text.size()) == read(text, kind, 1 + bytes[0] % 16));
  }
  return 0;
}
