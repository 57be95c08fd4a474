// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/sse.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {

namespace {

/// Where one character stands next, asked from places that only go forward: each byte is looked at once.
class NextPlace {
 public:
  NextPlace(std::string_view text, char wanted) : text_(text), wanted_(wanted) {}

  size_t from(size_t begin) {
    if (begin < searched_from_ || begin > place_) search(begin);
    return place_;
  }

 private:
  void search(size_t begin) {
    const void* const found = std::memchr(text_.data() + begin, wanted_, text_.size() - begin);
    place_ = found ? static_cast<size_t>(static_cast<const char*>(found) - text_.data()) : text_.size();
    searched_from_ = begin;
  }

  std::string_view text_;
  char wanted_;
  size_t place_ = 0, searched_from_ = std::string_view::npos;
};

}  // namespace

void SseParser::feed(std::string_view piece, const std::function<void(const SseEvent&)>& on_event) {
  NextPlace newline(piece, '\n'), carriage_return(piece, '\r');
  for (size_t begin = 0; begin < piece.size();) {
    if (std::exchange(after_return_, false) && piece[begin] == '\n') {  // of a line's \r\n
      ++begin;
      continue;
    }
    const size_t end = std::min(newline.from(begin), carriage_return.from(begin));
    const std::string_view line = piece.substr(begin, end - begin);
    if (line_.size() + line.size() + event_.data.size() > max_event_bytes_) {
      throw Error(ErrorCode::remote,
                  "an event of the stream is longer than " + std::to_string(max_event_bytes_) + " bytes");
    }
    if (end == piece.size()) {
      line_ += line;
      return;
    }
    after_return_ = piece[end] == '\r';
    if (line_.empty()) {
      end_line(line, on_event);
    } else {
      line_ += line;
      const std::string whole = std::exchange(line_, {});
      end_line(whole, on_event);
    }
    begin = end + 1;
  }
}

void SseParser::end_event(const std::function<void(const SseEvent&)>& on_event) {
  // Emptied, not made anew: the next event is about as long. Its id holds for those that follow.
  struct Emptied {
    ~Emptied() {
      event.event.clear();
      event.data.clear();
    }
    SseEvent& event;
  } const emptied{event_};
  if (std::exchange(has_data_, false)) on_event(event_);
}

void SseParser::end_line(std::string_view line, const std::function<void(const SseEvent&)>& on_event) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (std::exchange(at_start_, false) && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  if (line.empty()) return end_event(on_event);
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
