// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/http/message.h"

namespace coppice {

/// What is wrong with a message, and the status with which a server says so.
class MessageError : public Error {
 public:
  MessageError(int status, const std::string& what, ErrorCode code = ErrorCode::remote)
      : Error(code, what), status_(status) {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

struct MessageLimits {
  size_t header_bytes = size_t{64} << 10;  ///< of all that is neither body nor the frame of a chunk, trailers too
  size_t body_bytes = size_t{64} << 20;
};

/// Reads one message of HTTP/1.1 from bytes that come in pieces of any size. Interim answers (1xx) are passed over.
///
/// Strict where senders and readers could disagree on where a message ends: a length beside chunks, lengths that
/// differ, an encoding other than "chunked", a name before a space are refused. Throws `MessageError`; nothing can be
/// fed after that. Cost: one pass; keeps no more than an unfinished line. Source: RFC 9112.
class MessageParser {
 public:
  enum class Kind : uint8_t { request, response };
  /// Gets the body, piece by piece, after `has_head`; what it throws comes out of `feed`.
  using OnBody = std::function<void(std::string_view piece)>;

  MessageParser(Kind kind, MessageLimits limits, OnBody on_body);

  /// The answer to HEAD: it has no body, whatever its head says.
  void expect_no_body() noexcept { never_has_body_ = true; }

  /// Returns how many bytes are of this message: fewer than all where it ended before.
  size_t feed(std::string_view bytes);
  /// The sender has closed the connection. Throws where that cuts the message off.
  void feed_end();

  bool has_begun() const noexcept { return has_begun_; }  ///< a byte of it has come
  bool has_head() const noexcept { return state_ >= State::body_by_length; }
  bool is_done() const noexcept { return state_ == State::done; }
  /// May another message follow on the connection?
  bool stays_open() const noexcept;
  /// The client waits for "100 Continue" before it sends the body.
  bool awaits_continue() const noexcept;

  // Of the head, once it is there.
  int status() const noexcept { return status_; }
  const std::string& method() const noexcept { return method_; }
  bool is_version_1_0() const noexcept { return is_version_1_0_; }
  std::optional<uint64_t> content_length() const noexcept { return content_length_; }
  std::string& target() noexcept { return target_; }
  HttpHeaders& headers() noexcept { return headers_; }

 private:
  enum class State : uint8_t {
    start_line,
    header_line,
    body_by_length,  // from here on the head is there
    body_to_end,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer_line,
    done
  };

  size_t feed_line(std::string_view bytes);
  size_t feed_data(std::string_view bytes);
  void end_line(std::string_view line);
  void read_status_line(std::string_view line);
  void read_request_line(std::string_view line);
  void read_version(std::string_view text);
  void read_header(std::string_view line);
  void note_header(std::string_view name, std::string_view value);
  void note_content_length(std::string_view value);
  void note_connection(std::string_view value);
  void continue_header(std::string_view line);
  void end_head();
  void read_chunk_size(std::string_view line);
  void count_header_bytes(size_t bytes);
  void count_body_bytes(uint64_t bytes);
  [[noreturn]] void refuse(int status, const std::string& what) const;

  Kind kind_;
  State state_ = State::start_line;
  bool has_begun_ = false, never_has_body_ = false, is_version_1_0_ = false, is_chunked_ = false;
  bool asks_close_ = false, asks_keep_alive_ = false, expects_continue_ = false;
  int status_ = 0;
  MessageLimits limits_;
  OnBody on_body_;
  size_t header_bytes_ = 0;
  uint64_t body_bytes_ = 0;
  uint64_t left_ = 0;  ///< of the body or the chunk
  std::optional<uint64_t> content_length_;
  std::string line_;  ///< one that is not yet complete
  std::string method_, target_;
  HttpHeaders headers_;
};

}  // namespace coppice
