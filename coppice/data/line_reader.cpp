// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/line_reader.h"

#include <cstring>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

}  // namespace

void expect_utf8_mark(std::string_view start, const std::string& input) {
  const std::string_view first = start.substr(0, 4);
  const bool utf_16 = first.starts_with("\xff\xfe") || first.starts_with("\xfe\xff");
  const bool utf_32 = first == std::string_view("\0\0\xfe\xff", 4) || first == std::string_view("\xff\xfe\0\0", 4);
  if (!utf_16 && !utf_32) return;
  throw Error(ErrorCode::data, utf_32 ? "the text is UTF-32, expected UTF-8" : "the text is UTF-16, expected UTF-8",
              input + ":1:1", utf_32 ? "convert it: iconv -f utf-32 -t utf-8" : "convert it: iconv -f utf-16 -t utf-8");
}

LineReader::LineReader(InputStream stream, uint64_t max_line_bytes)
    : stream_(std::move(stream)), max_line_bytes_(max_line_bytes), buffer_(kBufferBytes + kPadding) {}

std::string LineReader::where() const {
  return name() + ":" + std::to_string(lines_);
}

std::optional<Line> LineReader::next() {
  if (!std::exchange(started_, true)) drop_byte_order_mark();
  size_t searched = 0;
  for (;;) {
    const char* start = buffer_.data() + begin_;
    const size_t waiting = end_ - begin_;
    if (waiting > searched) {
      const void* found = std::memchr(start + searched, '\n', waiting - searched);
      if (found != nullptr) {
        const size_t length = static_cast<size_t>(static_cast<const char*>(found) - start);
        if (length > max_line_bytes_) refuse_long_line();
        return finish(length, 1);
      }
      searched = waiting;
    }
    if (searched > max_line_bytes_) refuse_long_line();
    if (refill()) continue;
    if (searched == 0) return std::nullopt;
    return finish(searched, 0);
  }
}

Line LineReader::finish(size_t length, size_t end_bytes) {
  std::string_view text(buffer_.data() + begin_, length);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  begin_ += length + end_bytes;
  bytes_ += length + end_bytes;
  return {text, ++lines_};
}

/// Moves the line in work to the front and reads more behind it; false at the end of the stream.
bool LineReader::refill() {
  if (at_end_) return false;
  const size_t waiting = end_ - begin_;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, waiting);
    begin_ = 0;
    end_ = waiting;
  }
  if (end_ + kPadding == buffer_.size()) grow(buffer_.size() * 2);
  const size_t count = stream_.read(std::span<char>(buffer_).subspan(end_, buffer_.size() - kPadding - end_));
  end_ += count;
  at_end_ = count == 0;
  return count > 0;
}

void LineReader::grow(size_t size) {
  std::vector<char> larger(size);
  std::memcpy(larger.data(), buffer_.data(), end_);
  buffer_ = std::move(larger);
}

void LineReader::refuse_long_line() {
  ++lines_;
  const std::string place = where();
  for (;;) {
    const std::string_view waiting(buffer_.data() + begin_, end_ - begin_);
    const std::string_view line = waiting.substr(0, waiting.find('\n'));
    if (take_refused_) take_refused_(line);
    begin_ += line.size();
    if (line.size() < waiting.size()) {
      ++begin_;
      break;
    }
    if (!refill()) break;
  }
  throw Error(ErrorCode::data, "the line is longer than " + std::to_string(max_line_bytes_) + " bytes", place,
              "set max_line_bytes higher if such lines are meant");
}

void LineReader::drop_byte_order_mark() {
  const std::string_view first = stream_.peek(4);
  if (first.substr(0, 3) == "\xef\xbb\xbf") {
    char mark[3];
    stream_.read(mark);
    return;
  }
  expect_utf8_mark(first, name());
}

}  // namespace coppice
