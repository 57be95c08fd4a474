// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/sse.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {

void SseParser::feed(std::string_view piece, const std::function<void(const SseEvent&)>& on_event) {
  while (!piece.empty()) {
    if (std::exchange(after_return_, false) && piece[0] == '\n') {  // of a line's \r\n
      piece.remove_prefix(1);
      continue;
    }
    const size_t end = std::min(piece.find_first_of("\r\n"), piece.size());
    if (line_.size() + end + event_.data.size() > max_event_bytes_) {
      throw Error(ErrorCode::remote,
                  "an event of the stream is longer than " + std::to_string(max_event_bytes_) + " bytes");
    }
    if (end == piece.size()) {
      line_ += piece;
      return;
    }
    after_return_ = piece[end] == '\r';
    if (line_.empty()) {
      end_line(piece.substr(0, end), on_event);
    } else {
      line_ += piece.substr(0, end);
      const std::string line = std::exchange(line_, {});
      end_line(line, on_event);
    }
    piece.remove_prefix(end + 1);
  }
}

void SseParser::end_line(std::string_view line, const std::function<void(const SseEvent&)>& on_event) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.empty()) {
    SseEvent event = std::exchange(event_, {});
    event_.id = event.id;  // holds for those that follow
    if (std::exchange(has_data_, false)) on_event(event);
    return;
  }
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (field == "event") {
    event_.event = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
}

bool SseParser::is_inside_event() const noexcept {
  return !line_.empty() || has_data_ || !event_.event.empty();
}

}  // namespace coppice
