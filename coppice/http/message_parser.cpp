// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/message_parser.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "coppice/http/characters.h"

namespace coppice {
namespace {

/// The number that is all of the text.
template <int base>
std::optional<uint64_t> whole_number(std::string_view text) noexcept {
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Calls `on_item` for each item of a list with commas, empty ones aside.
template <class OnItem>
void for_each_item(std::string_view list, const OnItem& on_item) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view item = without_blanks(list.substr(0, comma));
    if (!item.empty()) on_item(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

}  // namespace

MessageParser::MessageParser(Kind kind, MessageLimits limits, OnBody on_body)
    : kind_(kind), limits_(limits), on_body_(std::move(on_body)) {}

void MessageParser::refuse(int status, const std::string& what) const {
  if (kind_ == Kind::request) throw MessageError(status, "the request " + what);
  // Who asks again gets what is too long once more.
  throw MessageError(status, "the answer " + what, status == 413 ? ErrorCode::data : ErrorCode::remote);
}

size_t MessageParser::feed(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && state_ != State::done) {
    has_begun_ = true;
    const std::string_view rest = bytes.substr(taken);
    const bool is_data = state_ == State::body_by_length || state_ == State::body_to_end || state_ == State::chunk_data;
    taken += is_data ? feed_data(rest) : feed_line(rest);
  }
  return taken;
}

void MessageParser::feed_end() {
  if (state_ == State::done) return;
  if (state_ == State::body_to_end) {
    state_ = State::done;
    return;
  }
  if (!has_begun_) refuse(400, "is missing: the connection was closed before its first byte");
  if (!has_head()) refuse(400, "is cut off in its head");
  refuse(400, "is cut off after " + std::to_string(body_bytes_) + " bytes of its body");
}

size_t MessageParser::feed_line(std::string_view bytes) {
  const size_t newline = bytes.find('\n');
  const size_t taken = newline == std::string_view::npos ? bytes.size() : newline + 1;
  if (state_ != State::chunk_size && state_ != State::chunk_end) count_header_bytes(taken);
  if (newline == std::string_view::npos || !line_.empty()) line_.append(bytes.substr(0, taken));
  if (newline == std::string_view::npos) {
    // What speaks another protocol may never send a line.
    const std::string_view begin = std::string_view("HTTP/").substr(0, line_.size());
    if (state_ == State::start_line && kind_ == Kind::response && !std::string_view(line_).starts_with(begin)) {
      read_version(line_);
    }
    if (state_ == State::chunk_end && line_ != "\r") end_line(line_);
    if (line_.size() > limits_.header_bytes) count_header_bytes(line_.size());
    return taken;
  }
  const std::string held = std::exchange(line_, {});
  std::string_view line = held.empty() ? bytes.substr(0, taken) : std::string_view(held);
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  end_line(line);
  return taken;
}

size_t MessageParser::feed_data(std::string_view bytes) {
  if (state_ == State::body_to_end) {
    count_body_bytes(bytes.size());
    on_body_(bytes);
    return bytes.size();
  }
  const size_t taken = std::min<uint64_t>(left_, bytes.size());
  if (state_ == State::body_by_length) body_bytes_ += taken;
  left_ -= taken;
  if (left_ == 0) state_ = state_ == State::chunk_data ? State::chunk_end : State::done;
  if (taken > 0) on_body_(bytes.substr(0, taken));
  return taken;
}

void MessageParser::end_line(std::string_view line) {
  switch (state_) {
    case State::start_line:
      if (kind_ == Kind::response) return read_status_line(line);
      if (!line.empty()) read_request_line(line);  // an empty line before it is passed over (RFC 9112, section 2.2)
      return;
    case State::header_line:
      return line.empty() ? end_head() : read_header(line);
    case State::chunk_size:
      return read_chunk_size(line);
    case State::chunk_end:
      if (!line.empty()) refuse(400, "has a chunk that is longer than it says");
      state_ = State::chunk_size;
      return;
    default:  // trailers decide nothing here
      if (line.empty()) state_ = State::done;
      return;
  }
}

void MessageParser::read_version(std::string_view text) {
  is_version_1_0_ = text == "HTTP/1.0";
  if (is_version_1_0_) return;
  const bool is_version_1 = text.size() == 8 && text.starts_with("HTTP/1.") && is_digit(text[7]);
  if (!is_version_1) refuse(505, "is no HTTP/1.1: got " + shown_bytes(text));
}

void MessageParser::read_status_line(std::string_view line) {
  read_version(line.substr(0, line.find(' ')));
  const std::string_view rest = line.substr(std::min(line.find(' ') + 1, line.size()));
  const auto status = whole_number<10>(rest.substr(0, 3));
  if (!status || *status < 100 || (rest.size() > 3 && rest[3] != ' ')) {
    refuse(400, "has no status of three digits: got " + shown_bytes(line));
  }
  status_ = static_cast<int>(*status);
  state_ = State::header_line;
}

void MessageParser::read_request_line(std::string_view line) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  const bool has_parts = first != std::string_view::npos && first < last;
  if (!has_parts || !is_token(line.substr(0, first))) refuse(400, "has no method, target and version");
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const auto stands_in_none = [](char c) { return c <= ' ' || c == 0x7F; };
  if (target.empty() || std::any_of(target.begin(), target.end(), stands_in_none)) {
    refuse(400, "has a target with a character that stands in none");
  }
  read_version(line.substr(last + 1));
  method_ = std::string(line.substr(0, first));
  target_ = std::string(target);
  state_ = State::header_line;
}

void MessageParser::read_header(std::string_view line) {
  if (line[0] == ' ' || line[0] == '\t') return continue_header(line);
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name)) {
    // The value may be a secret.
    refuse(400, "has a header with a faulty name: " + shown_bytes(name));
  }
  const std::string_view value = without_blanks(line.substr(colon + 1));
  if (!is_header_value(value)) refuse(400, "has a control character in the header " + shown_bytes(name));
  note_header(name, value);
  headers_.add(std::string(name), std::string(value));
}

/// A value over several lines is obsolete; servers of old send it still (RFC 9112, section 5.2).
void MessageParser::continue_header(std::string_view line) {
  const auto& all = headers_.all();
  if (kind_ == Kind::request || all.empty()) refuse(400, "has a header over several lines");
  const std::string& name = all.back().first;
  for (const char* decides : {"content-length", "transfer-encoding", "connection"}) {
    if (equal_without_case(name, decides)) refuse(400, "has the header " + shown_bytes(name) + " over several lines");
  }
  if (!is_header_value(without_blanks(line))) refuse(400, "has a control character in the header " + shown_bytes(name));
  headers_.extend_last(' ' + std::string(without_blanks(line)));
}

void MessageParser::note_header(std::string_view name, std::string_view value) {
  if (equal_without_case(name, "content-length")) return note_content_length(value);
  if (equal_without_case(name, "connection")) return note_connection(value);
  if (equal_without_case(name, "expect")) expects_continue_ = equal_without_case(value, "100-continue");
  if (!equal_without_case(name, "transfer-encoding")) return;
  if (is_chunked_ || !equal_without_case(value, "chunked")) {
    refuse(501, "has a transfer encoding other than chunked: " + shown_bytes(value));
  }
  is_chunked_ = true;
}

void MessageParser::note_content_length(std::string_view value) {
  bool has_any = false;
  for_each_item(value, [&](std::string_view item) {
    const auto length = whole_number<10>(item);
    if (!length) refuse(400, "has the length " + shown_bytes(item) + ", which is no number");
    if (content_length_ && *content_length_ != *length) refuse(400, "has two lengths that differ");
    content_length_ = length;
    has_any = true;
  });
  if (!has_any) refuse(400, "has an empty length");
}

void MessageParser::note_connection(std::string_view value) {
  for_each_item(value, [&](std::string_view item) {
    asks_close_ = asks_close_ || equal_without_case(item, "close");
    asks_keep_alive_ = asks_keep_alive_ || equal_without_case(item, "keep-alive");
  });
}

void MessageParser::end_head() {
  if (kind_ == Kind::response && status_ < 200) {
    if (status_ == 101) refuse(400, "changes the protocol, which nobody asked for");
    headers_ = {}, content_length_.reset();
    is_chunked_ = asks_close_ = asks_keep_alive_ = false;
    state_ = State::start_line;
    return;
  }
  if (is_chunked_ && (content_length_ || is_version_1_0_)) {
    refuse(400, is_version_1_0_ ? "has chunks, which HTTP/1.0 has not" : "has both a length and chunks");
  }
  left_ = content_length_.value_or(0);
  if (kind_ == Kind::response && (never_has_body_ || status_ == 204 || status_ == 304)) {
    state_ = State::done;
  } else if (is_chunked_) {
    state_ = State::chunk_size;
  } else if (content_length_ || kind_ == Kind::request) {
    if (left_ > limits_.body_bytes) count_body_bytes(left_);
    state_ = left_ > 0 ? State::body_by_length : State::done;
  } else {
    state_ = State::body_to_end;
  }
}

void MessageParser::read_chunk_size(std::string_view line) {
  const std::string_view size = without_blanks(line.substr(0, line.find(';')));
  const auto number = whole_number<16>(size);
  if (!number || size.size() > 16)
    refuse(400, "has a chunk with the size " + shown_bytes(size) + ", which is no hexadecimal number");
  count_header_bytes(line.size() - size.size());  // of extensions there is no end otherwise
  count_body_bytes(*number);
  left_ = *number;
  state_ = left_ > 0 ? State::chunk_data : State::trailer_line;
}

void MessageParser::count_header_bytes(size_t bytes) {
  header_bytes_ += bytes;
  if (header_bytes_ > limits_.header_bytes) {
    refuse(431, "has a head of more than " + std::to_string(limits_.header_bytes) + " bytes");
  }
}

void MessageParser::count_body_bytes(uint64_t bytes) {
  if (bytes > limits_.body_bytes - body_bytes_) {
    refuse(413, "has a body of more than " + std::to_string(limits_.body_bytes) + " bytes");
  }
  body_bytes_ += bytes;
}

bool MessageParser::stays_open() const noexcept {
  const bool ends_by_itself = kind_ == Kind::request || never_has_body_ || status_ == 204 || status_ == 304 ||
                              is_chunked_ || content_length_.has_value();
  return ends_by_itself && !asks_close_ && (!is_version_1_0_ || asks_keep_alive_);
}

bool MessageParser::awaits_continue() const noexcept {
  return expects_continue_ && !is_version_1_0_ && has_head() && !is_done() && body_bytes_ == 0;
}

}  // namespace coppice
