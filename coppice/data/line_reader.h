// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/data/input_stream.h"

namespace coppice {

/// One line of a text file, without its line end.
struct Line {
  std::string_view text;  ///< at least `LineReader::kPadding` bytes may be read behind it
  uint64_t number = 0;    ///< from 1
};

/// Throws `ErrorCode::data` if the bytes at the start of `input` are the byte order mark of UTF-16 or UTF-32.
void expect_utf8_mark(std::string_view start, const std::string& input);

/// The lines of a stream: ended by LF or CRLF, the last one also by the end of the stream; a UTF-8 byte order mark at
/// the start is dropped.
///
/// A line longer than `max_line_bytes` is `ErrorCode::data`, and reading can go on behind it. UTF-16 and UTF-32, told
/// by their byte order mark, are refused. Memory: 1 MiB, or twice the longest line.
/// Cost: one pass of memchr. Threads: one at a time.
class LineReader {
 public:
  static constexpr size_t kPadding = 64;
  static constexpr uint64_t kDefaultMaxLineBytes = uint64_t{1} << 30;

  explicit LineReader(InputStream stream, uint64_t max_line_bytes = kDefaultMaxLineBytes);

  /// The next line, valid until the next call; nothing at the end.
  std::optional<Line> next();

  const std::string& name() const noexcept { return stream_.name(); }

  /// Lines given out or refused so far.
  uint64_t lines() const noexcept { return lines_; }

  /// `take` gets the bytes of each line that is refused as too long, part by part, before `next` throws.
  void watch_refused(std::function<void(std::string_view part)> take) { take_refused_ = std::move(take); }

  /// Bytes of the lines given out so far, line ends included.
  uint64_t bytes() const noexcept { return bytes_; }

  /// "file:line" of the latest line.
  std::string where() const;

 private:
  bool refill();
  void grow(size_t size);
  void drop_byte_order_mark();
  Line finish(size_t length, size_t end_bytes);
  [[noreturn]] void refuse_long_line();

  InputStream stream_;
  uint64_t max_line_bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  ///< start of the line in work
  size_t end_ = 0;    ///< end of the bytes in the buffer
  uint64_t lines_ = 0;
  uint64_t bytes_ = 0;
  std::function<void(std::string_view part)> take_refused_;
  bool started_ = false;
  bool at_end_ = false;
};

}  // namespace coppice
