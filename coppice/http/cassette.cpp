// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cassette.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coppice/core/mapped_file.h"
#include "coppice/http/cassette_line.h"
#include "coppice/http/characters.h"
#include "coppice/http/message_parser.h"
#include "coppice/http/secrets.h"

namespace coppice {

/// The file, and what it held when it was opened.
class Cassette::Tape {
 public:
  Tape(std::string path, CassetteMode mode, HttpSender* to) : path_(std::move(path)), mode_(mode), to_(to) {
    if (mode != CassetteMode::replay && to == nullptr) {
      throw Error(ErrorCode::usage, "a cassette that records needs someone to send to");
    }
    std::error_code ignored;
    const bool is_there = std::filesystem::exists(path_, ignored);
    if (mode == CassetteMode::replay || is_there) read();
    if (mode != CassetteMode::replay) open();
  }
  ~Tape() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Tape(const Tape&) = delete;

  static Awaitable<HttpResponse> send(std::shared_ptr<Tape> tape, HttpCall call) {
    if (call.cancellation != nullptr) call.cancellation->throw_if_cancelled();
    const HttpRequest& request = call.request;
    if (tape->mode_ != CassetteMode::record) {
      const auto at = tape->takes_.find(cassette_key(request.method, request.target, request.body));
      if (at != tape->takes_.end()) co_return co_await replay(tape, at->second.next(), std::move(call));
      if (tape->mode_ == CassetteMode::replay) tape->refuse(request);
    }
    co_return co_await record(tape, std::move(call));
  }

 private:
  /// The answers to one request.
  struct Takes {
    std::vector<std::shared_ptr<const CassetteEntry>> all;
    size_t at = 0;
    std::shared_ptr<const CassetteEntry> next() { return all[std::min(at++, all.size() - 1)]; }
  };

  void read();
  void open();
  void append(const CassetteEntry& entry);
  [[noreturn]] void refuse(const HttpRequest& request) const;
  static Awaitable<HttpResponse> replay(std::shared_ptr<Tape> tape, std::shared_ptr<const CassetteEntry> entry,
                                        HttpCall call);
  static Awaitable<HttpResponse> record(std::shared_ptr<Tape> tape, HttpCall call);

  std::string path_;
  CassetteMode mode_;
  HttpSender* to_;
  int descriptor_ = -1;
  std::unordered_map<std::string, Takes> takes_;
};

void Cassette::Tape::read() {
  const MappedFile file(path_);
  const auto bytes = file.bytes();
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string place = path_ + ':' + std::to_string(number);
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      throw Error(ErrorCode::data, "the last line is cut off", place, "take it out and record it again");
    }
    if (mode_ != CassetteMode::record) {
      try {
        auto entry = std::make_shared<const CassetteEntry>(parse_cassette_line(text.substr(0, end)));
        takes_[cassette_key(entry->method, entry->url, entry->request_body)].all.push_back(std::move(entry));
      } catch (const Error& error) {
        throw Error(error.code(), error.what(), place);
      }
    }
    text.remove_prefix(end + 1);
  }
}

void Cassette::Tape::open() {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_io_error("write the cassette", path_, errno);
}

/// A line is there whole or not at all.
void Cassette::Tape::append(const CassetteEntry& entry) {
  const std::string line = cassette_line(entry);
  const off_t before = ::lseek(descriptor_, 0, SEEK_END);
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error_number = errno;
      if (before >= 0) (void)!::ftruncate(descriptor_, before);
      throw_io_error("write the cassette", path_, error_number);
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

void Cassette::Tape::refuse(const HttpRequest& request) const {
  std::string what = "the request " + request.method + ' ' + url_without_secrets(request.target);
  if (!request.body.empty()) what += " with the body " + shown_bytes(request.body, 200);
  throw RequestNotSent(ErrorCode::data, what + " is not in the cassette", path_,
                       "nothing is sent in its place; the option record makes a new cassette");
}

Awaitable<HttpResponse> Cassette::Tape::replay(std::shared_ptr<Tape> tape, std::shared_ptr<const CassetteEntry> entry,
                                               HttpCall call) {
  // As with a server, others have their turn before the answer is there.
  const auto loop = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(loop, boost::asio::use_awaitable);
  if (call.cancellation != nullptr) call.cancellation->throw_if_cancelled();
  HttpResponse response{entry->status, entry->headers, {}};
  response.is_replayed = true;
  const bool is_streamed = call.on_body && entry->status / 100 == 2;
  for (const std::string& piece : entry->pieces) {
    is_streamed ? call.on_body(piece) : void(response.body += piece);
  }
  if (const auto& failure = entry->failure) {
    if (!failure->was_sent) throw RequestNotSent(failure->code, failure->message, tape->path_);
    throw Error(failure->code, failure->message, tape->path_);
  }
  co_return response;
}

namespace {

/// A server may repeat the key that it was given.
void cut_out(const Secrets& secrets, CassetteEntry& entry) {
  if (secrets.empty()) return;
  secrets.cut_out(entry.pieces);
  HttpHeaders headers;
  for (const auto& [name, value] : entry.headers.all()) headers.add(name, secrets.without(value));
  entry.headers = std::move(headers);
  if (entry.failure) entry.failure->message = secrets.without(entry.failure->message);
}

}  // namespace

Awaitable<HttpResponse> Cassette::Tape::record(std::shared_ptr<Tape> tape, HttpCall call) {
  CassetteEntry entry;
  const Secrets secrets = secrets_of(call.request);
  entry.method = call.request.method;
  entry.url = call.request.target;
  entry.request_body = call.request.body;
  bool has_caller_thrown = false;
  if (call.on_body) {
    call.on_body = [&, to_caller = std::move(call.on_body)](std::string_view piece) {
      entry.pieces.emplace_back(piece);
      has_caller_thrown = true;  // until it has not
      to_caller(piece);
      has_caller_thrown = false;
    };
  }
  std::exception_ptr thrown;
  try {
    HttpResponse response = co_await tape->to_->send(std::move(call));
    entry.status = response.status;
    entry.headers = response.headers;
    if (!response.body.empty()) entry.pieces.push_back(response.body);
    cut_out(secrets, entry);
    tape->append(entry);
    co_return response;
  } catch (const Error& error) {
    const bool is_of_server = error.code() == ErrorCode::remote || error.code() == ErrorCode::timeout ||
                              dynamic_cast<const MessageError*>(&error) != nullptr;
    if (entry.status != 0 || has_caller_thrown || !is_of_server) throw;
    if (!entry.pieces.empty()) entry.status = 200;  // what came before it broke was passed on
    const bool was_sent = dynamic_cast<const RequestNotSent*>(&error) == nullptr;
    entry.failure = CassetteEntry::Failure{error.code(), error.what(), was_sent};
    cut_out(secrets, entry);
    thrown = std::current_exception();
  }
  tape->append(entry);
  std::rethrow_exception(thrown);
}

Cassette::Cassette(const std::string& path, CassetteMode mode, HttpSender* to)
    : tape_(std::make_shared<Tape>(path, mode, to)) {}

Cassette::~Cassette() = default;

// No coroutine itself: the cassette may be gone before one starts.
Awaitable<HttpResponse> Cassette::send(HttpCall call) {
  return Tape::send(tape_, std::move(call));
}

}  // namespace coppice
