// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/store.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <thread>
#include <tuple>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

enum Operation : uint8_t { kSet = 1, kGet = 2, kAdd = 3, kSetIfAbsent = 4, kList = 5, kErase = 6 };
enum Answer : uint8_t { kDone = 0, kRefused = 1 };

/// Before each request: what is asked, and how many bytes of key and value follow. Before each answer likewise, its
/// value alone.
struct RequestHead {
  uint8_t version = 1;
  uint8_t operation = 0;
  uint16_t key_bytes = 0;
  uint32_t value_bytes = 0;
};
struct AnswerHead {
  uint8_t version = 1;
  uint8_t answer = kDone;
  uint16_t reserved = 0;
  uint32_t value_bytes = 0;
};
static_assert(sizeof(RequestHead) == 8 && sizeof(AnswerHead) == 8);

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

int64_t number_in(std::string_view bytes) noexcept {
  int64_t number = 0;
  if (bytes.size() == sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

[[noreturn]] void fail(const std::string& what, int error_number) {
  throw Error(ErrorCode::io, what + ": " + std::strerror(error_number));
}

void send_at_once(int socket) noexcept {
  const int on = 1;
  (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Addresses {
  explicit Addresses(const std::string& host, uint16_t port, int flags) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags;
    const int failed =
        getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &wanted, &first);
    if (failed != 0) {
      throw Error(ErrorCode::remote, "the address '" + host + "' is not known: " + gai_strerror(failed));
    }
  }
  ~Addresses() { freeaddrinfo(first); }
  Addresses(const Addresses&) = delete;
  Addresses& operator=(const Addresses&) = delete;

  addrinfo* first = nullptr;
};

/// What the server keeps of requests, and of answers, that a client does not wait for: one of the longest, or more.
constexpr size_t kMostPending = sizeof(RequestHead) + StoreClient::kMostKeyBytes + StoreClient::kMostValueBytes;

/// Until the server looks again whether it can take one more client.
constexpr int kPauseMilliseconds = 100;

/// One that has connected, as the server sees it.
struct Connection {
  int socket;
  std::string in, out;
  std::string waits_for;  ///< a key that was asked for and is not there yet
  bool is_waiting = false, is_broken = false;
};

}  // namespace

class StoreServer::Impl {
 public:
  Impl(const std::string& address, uint16_t port) {
    const Addresses addresses(address, port, AI_PASSIVE);
    int error_number = EADDRNOTAVAIL;
    for (const addrinfo* at = addresses.first; at != nullptr && listener_ < 0; at = at->ai_next) {
      error_number = listen_at(*at);
    }
    if (listener_ < 0) fail("cannot listen at port " + std::to_string(port), error_number);
    stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_ < 0) fail("cannot make an event", errno);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Impl() {
    const uint64_t one = 1;
    (void)!write(stop_, &one, sizeof one);
    thread_.join();
    for (const Connection& connection : connections_) close(connection.socket);
    close(listener_), close(stop_);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  uint16_t port() const noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                               : reinterpret_cast<sockaddr_in&>(address).sin_port);
  }

 private:
  /// 0, or why not.
  int listen_at(const addrinfo& at) {
    const int listener = socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol);
    if (listener < 0) return errno;
    const int on = 1;
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, at.ai_addr, at.ai_addrlen) == 0 && listen(listener, SOMAXCONN) == 0) {
      listener_ = listener;
      return 0;
    }
    const int error_number = errno;
    close(listener);
    return error_number;
  }

  void serve() {
    std::vector<pollfd> polled;
    while (true) {
      const short accepts = can_accept_ ? POLLIN : short{0};
      polled.assign({{stop_, POLLIN, 0}, {listener_, accepts, 0}});
      for (const Connection& connection : connections_) {
        // Who asks has to take the answers, and to wait for them.
        const bool takes = connection.out.empty() && connection.in.size() < kMostPending;
        const short events = takes ? POLLIN : connection.out.empty() ? short{0} : POLLOUT;
        polled.push_back({connection.socket, events, 0});
      }
      if (poll(polled.data(), polled.size(), can_accept_ ? -1 : kPauseMilliseconds) < 0 && errno != EINTR) return;
      can_accept_ = true;
      if (polled[0].revents != 0) return;
      size_t at = 2;
      for (Connection& connection : connections_) {
        if (polled[at++].revents != 0) exchange(connection);
      }
      if (polled[1].revents != 0) accept_one();
      connections_.remove_if([](const Connection& connection) {
        if (connection.is_broken) close(connection.socket);
        return connection.is_broken;
      });
    }
  }

  void accept_one() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    // Out of descriptors, say: whoever waits is taken once another one has gone, and not asked for all the time.
    if (socket < 0) return void(can_accept_ = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED);
    send_at_once(socket);
    connections_.push_back({socket, {}, {}, {}});
  }

  void exchange(Connection& connection) {
    std::array<char, 65536> buffer;
    while (connection.in.size() < kMostPending) {
      const ssize_t n = recv(connection.socket, buffer.data(), buffer.size(), 0);
      if (n > 0) connection.in.append(buffer.data(), static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) connection.is_broken = true;
      if (n < static_cast<ssize_t>(buffer.size())) break;
    }
    do {
      while (!connection.is_broken && !connection.is_waiting && connection.out.size() < kMostPending &&
             answer_one(connection)) {
      }
      flush(connection);
    } while (!connection.is_broken && !connection.is_waiting && connection.out.empty() && has_request(connection));
  }

  static void flush(Connection& connection) {
    while (!connection.out.empty()) {
      const ssize_t n = send(connection.socket, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) return void(connection.is_broken = true);
      connection.out.erase(0, static_cast<size_t>(n));
    }
  }

  static bool has_request(const Connection& connection) noexcept {
    RequestHead head;
    if (connection.in.size() < sizeof head) return false;
    std::memcpy(&head, connection.in.data(), sizeof head);
    return connection.in.size() >= sizeof head + head.key_bytes + head.value_bytes;
  }

  /// Whether a whole request was there.
  bool answer_one(Connection& connection) {
    RequestHead head;
    if (connection.in.size() < sizeof head) return false;
    std::memcpy(&head, connection.in.data(), sizeof head);
    if (head.version != 1 || head.key_bytes > StoreClient::kMostKeyBytes ||
        head.value_bytes > StoreClient::kMostValueBytes) {
      connection.is_broken = true;  // no client of ours
      return false;
    }
    const size_t size = sizeof head + head.key_bytes + head.value_bytes;
    if (connection.in.size() < size) return false;
    const std::string key = connection.in.substr(sizeof head, head.key_bytes);
    const std::string value = connection.in.substr(sizeof head + head.key_bytes, head.value_bytes);
    connection.in.erase(0, size);
    handle(connection, head.operation, key, value);
    return true;
  }

  void handle(Connection& connection, uint8_t operation, const std::string& key, const std::string& value) {
    if (operation == kSet) {
      values_[key] = value;
      answer(connection, {});
      wake(key);
    } else if (operation == kGet) {
      const auto found = values_.find(key);
      connection.is_waiting = found == values_.end();
      connection.waits_for = key;
      if (!connection.is_waiting) answer(connection, found->second);
    } else if (operation == kAdd) {
      // Unsigned: where it does not fit it goes round.
      const auto sum = static_cast<uint64_t>(number_in(values_[key])) + static_cast<uint64_t>(number_in(value));
      values_[key].assign(reinterpret_cast<const char*>(&sum), sizeof sum);
      answer(connection, values_[key]);
      wake(key);
    } else if (operation == kSetIfAbsent) {
      const bool is_new = values_.try_emplace(key, value).second;
      answer(connection, values_[key]);
      if (is_new) wake(key);
    } else if (operation == kList) {
      list(connection, key);
    } else if (operation == kErase) {
      const auto [begin, end] = range(key);
      values_.erase(begin, end);
      answer(connection, {});
    } else {
      connection.is_broken = true;
    }
  }

  /// Of the keys that begin so.
  auto range(const std::string& prefix)
      -> std::pair<std::map<std::string, std::string>::iterator, std::map<std::string, std::string>::iterator> {
    const auto begin = values_.lower_bound(prefix);
    auto end = begin;
    while (end != values_.end() && end->first.starts_with(prefix)) ++end;
    return {begin, end};
  }

  void list(Connection& connection, const std::string& prefix) {
    const auto [begin, end] = range(prefix);
    std::string all;
    for (auto at = begin; at != end && all.size() <= StoreClient::kMostValueBytes; ++at) {
      append(all, static_cast<uint32_t>(at->first.size()));
      append(all, static_cast<uint32_t>(at->second.size()));
      all.append(at->first).append(at->second);
    }
    if (all.size() <= StoreClient::kMostValueBytes) return answer(connection, all);
    answer(connection, {}, kRefused);
  }

  void wake(const std::string& key) {
    for (Connection& connection : connections_) {
      if (!connection.is_waiting || connection.waits_for != key) continue;
      connection.is_waiting = false;
      answer(connection, values_[key]);
      flush(connection);
    }
  }

  static void answer(Connection& connection, const std::string& value, Answer how = kDone) {
    AnswerHead head;
    head.answer = how;
    head.value_bytes = static_cast<uint32_t>(value.size());
    append(connection.out, head);
    connection.out += value;
  }

  int listener_ = -1, stop_ = -1;
  bool can_accept_ = true;
  std::list<Connection> connections_;
  std::map<std::string, std::string> values_;
  std::jthread thread_;
};

StoreServer::StoreServer(const std::string& address, uint16_t port) : impl_(std::make_unique<Impl>(address, port)) {}
StoreServer::~StoreServer() = default;

uint16_t StoreServer::port() const noexcept {
  return impl_->port();
}

namespace {

/// Milliseconds left, for poll: at least 0, and no more than it can wait for.
int milliseconds_to(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
}

/// Whether the socket can be read from, or written to, before the deadline.
bool wait_for(int socket, short events, Clock::time_point deadline) {
  while (true) {
    pollfd polled{socket, events, 0};
    const int n = poll(&polled, 1, milliseconds_to(deadline));
    if (n > 0) return true;
    if (n == 0 && Clock::now() >= deadline) return false;
    if (n < 0 && errno != EINTR) fail("cannot wait for the store", errno);
  }
}

/// A socket that is connected, or -1 and why not.
std::pair<int, int> connect_to(const addrinfo& at, Clock::time_point deadline) {
  const int socket = ::socket(at.ai_family, at.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at.ai_protocol);
  if (socket < 0) return {-1, errno};
  int error_number = connect(socket, at.ai_addr, at.ai_addrlen) == 0 ? 0 : errno;
  if (error_number == EINPROGRESS) {
    error_number = ETIMEDOUT;
    socklen_t size = sizeof error_number;
    if (wait_for(socket, POLLOUT, deadline)) getsockopt(socket, SOL_SOCKET, SO_ERROR, &error_number, &size);
  }
  if (error_number == 0) return {socket, 0};
  close(socket);
  return {-1, error_number};
}

}  // namespace

StoreClient::StoreClient(const std::string& host, uint16_t port, Deadline deadline)
    : where_(host + ":" + std::to_string(port)) {
  const Addresses addresses(host, port, 0);
  int error_number = ECONNREFUSED;
  while (true) {
    for (const addrinfo* at = addresses.first; at != nullptr; at = at->ai_next) {
      std::tie(socket_, error_number) = connect_to(*at, deadline);
      if (socket_ < 0) continue;
      send_at_once(socket_);
      return;
    }
    if (Clock::now() + std::chrono::milliseconds(100) > deadline) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  throw Error(ErrorCode::remote, std::string("cannot reach the store: ") + std::strerror(error_number), where_,
              "`coppice dist store` or `coppice dist launch` starts one");
}

StoreClient::~StoreClient() {
  if (socket_ >= 0) close(socket_);
}

StoreClient::StoreClient(StoreClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), where_(std::move(other.where_)) {}

std::string StoreClient::ask(uint8_t operation, std::string_view key, std::string_view value, Deadline deadline) {
  check(key.size() <= kMostKeyBytes && value.size() <= kMostValueBytes, "keys and values of the store are short");
  RequestHead head;
  head.operation = operation;
  head.key_bytes = static_cast<uint16_t>(key.size());
  head.value_bytes = static_cast<uint32_t>(value.size());
  std::string request;
  append(request, head);
  request.append(key).append(value);
  const auto gone = [&] { throw Error(ErrorCode::remote, "the store is gone", where_); };
  const auto late = [&] {
    throw Error(ErrorCode::timeout, "the store did not answer in time for '" + std::string(key) + "'", where_);
  };
  for (size_t sent = 0; sent < request.size();) {
    const ssize_t n = send(socket_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<size_t>(n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) gone();
    if (n < 0 && !wait_for(socket_, POLLOUT, deadline)) late();
  }
  const auto receive = [&](char* bytes, size_t size) {
    for (size_t received = 0; received < size;) {
      const ssize_t n = recv(socket_, bytes + received, size - received, 0);
      if (n > 0) received += static_cast<size_t>(n);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) gone();
      if (n < 0 && !wait_for(socket_, POLLIN, deadline)) late();
    }
  };
  AnswerHead answer;
  receive(reinterpret_cast<char*>(&answer), sizeof answer);
  if (answer.version != 1 || answer.value_bytes > kMostValueBytes) {
    throw Error(ErrorCode::remote, "what answers is no store of this version", where_);
  }
  std::string result(answer.value_bytes, '\0');
  receive(result.data(), result.size());
  if (answer.answer != kDone) {
    throw Error(ErrorCode::remote, "the store has more keys than it can list for '" + std::string(key) + "'", where_);
  }
  return result;
}

void StoreClient::set(std::string_view key, std::string_view value, Deadline deadline) {
  ask(kSet, key, value, deadline);
}
std::string StoreClient::get(std::string_view key, Deadline deadline) {
  return ask(kGet, key, {}, deadline);
}
int64_t StoreClient::add(std::string_view key, int64_t number, Deadline deadline) {
  std::string value;
  append(value, number);
  return number_in(ask(kAdd, key, value, deadline));
}

std::string StoreClient::set_if_absent(std::string_view key, std::string_view value, Deadline deadline) {
  return ask(kSetIfAbsent, key, value, deadline);
}
std::map<std::string, std::string> StoreClient::list(std::string_view prefix, Deadline deadline) {
  const std::string all = ask(kList, prefix, {}, deadline);
  std::map<std::string, std::string> entries;
  for (size_t at = 0; at < all.size();) {
    uint32_t sizes[2] = {};
    const bool has_sizes = all.size() - at >= sizeof sizes;
    if (has_sizes) std::memcpy(sizes, all.data() + at, sizeof sizes);
    at += sizeof sizes;
    if (!has_sizes || all.size() - at < uint64_t{sizes[0]} + sizes[1]) {
      throw Error(ErrorCode::remote, "what answers is no store of this version", where_);
    }
    entries.emplace(all.substr(at, sizes[0]), all.substr(at + sizes[0], sizes[1]));
    at += size_t{sizes[0]} + sizes[1];
  }
  return entries;
}
void StoreClient::erase(std::string_view prefix, Deadline deadline) {
  ask(kErase, prefix, {}, deadline);
}

}  // namespace coppice
