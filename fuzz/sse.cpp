// SPDX-License-Identifier: Apache-2.0
//
// A stream of events: the same ones whether it comes at once or in pieces, whose sizes the first byte tells.
#include "coppice/http/sse.h"

#include <cstdint>
#include <string>

#include "coppice/core/error.h"
#include "fuzz/examples_target.h"

namespace {

/// All events as one text, and what became of the stream.
std::string events_of(std::string_view text, size_t piece_bytes) {
  std::string events;
  coppice::SseParser parser(1000);
  const auto take = [&events](const coppice::SseEvent& event) {
    coppice::require(event.event.find_first_of("\r\n") == std::string::npos);
    coppice::require(event.id.find_first_of("\r\n") == std::string::npos);
    coppice::require(event.data.find('\r') == std::string::npos && event.data.size() <= 1000);
    events += event.event + '\r' + event.data + '\r' + event.id + '\r';
  };
  try {
    for (; !text.empty(); text.remove_prefix(std::min(piece_bytes, text.size()))) {
      parser.feed(text.substr(0, piece_bytes), take);
    }
    events += parser.is_inside_event() ? "inside" : "outside";
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::remote);
    events += "too long";
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  coppice::require(events_of(text, text.size()) == events_of(text, 1 + bytes[0] % 16));
  return 0;
}
