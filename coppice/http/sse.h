// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace coppice {

struct SseEvent {
  std::string event;  ///< "" = "message"
  std::string data;   ///< lines joined by \n
  std::string id;
};

/// Cuts a stream of server-sent events, which comes in pieces of any size, into events.
///
/// Source: WHATWG HTML, section 9.2.6: lines end with \n, \r or \r\n; a leading byte order mark, comments and unknown
/// fields are passed over; an event that its blank line does not end is none.
class SseParser {
 public:
  explicit SseParser(size_t max_event_bytes = size_t{16} << 20) : max_event_bytes_(max_event_bytes) {}

  /// Calls `on_event` for each event that `piece` completes. Throws `ErrorCode::remote` for an event that is too long.
  void feed(std::string_view piece, const std::function<void(const SseEvent&)>& on_event);

  /// Did the stream end in the middle of an event?
  bool is_inside_event() const noexcept;

 private:
  void end_event(const std::function<void(const SseEvent&)>& on_event);
  void end_line(std::string_view line, const std::function<void(const SseEvent&)>& on_event);

  size_t max_event_bytes_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false, after_return_ = false, at_start_ = true;
};

}  // namespace coppice
