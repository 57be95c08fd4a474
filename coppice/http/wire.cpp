// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/wire.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace coppice {
namespace {

using What = IoResult::What;

IoResult result_of_plain(ssize_t n, What would_block) {
  if (n >= 0) return {What::done, static_cast<size_t>(n), {}, {}};
  if (errno == EAGAIN || errno == EINTR) return {would_block, 0, {}, {}};
  return {What::failed, 0, std::strerror(errno), {}};
}

[[noreturn]] void throw_broken(const std::string& fault) {
  throw Error(ErrorCode::remote, "the connection is broken: " + fault);
}

}  // namespace

Wire::Wire(TcpSocket socket) : socket_(std::move(socket)) {}

Wire::~Wire() {
  if (tls_ != nullptr && socket_.is_open()) tls_->say_goodbye();
}

Awaitable<void> Wire::start_tls(Watch& watch, std::unique_ptr<TlsSession> session) {
  while (true) {
    const IoResult result = session->shake_hands();
    if (result.what == What::done) break;
    if (result.what == What::end) throw Error(ErrorCode::remote, "TLS failed: the connection was closed");
    if (result.what == What::failed) throw Error(ErrorCode::remote, "TLS failed: " + result.fault, {}, result.hint);
    co_await watch.wait(socket_, result.what == What::wants_to_read ? Watch::Wait::to_read : Watch::Wait::to_write);
  }
  tls_ = std::move(session);
}

Awaitable<void> Wire::wait_readable(Watch& watch) {
  if (tls_ != nullptr && tls_->has_bytes()) co_return;
  co_await watch.wait(socket_, read_has_to_write_ ? Watch::Wait::to_write : Watch::Wait::to_read);
}

IoResult Wire::read(std::span<char> buffer) {
  if (tls_ != nullptr) {
    IoResult result = tls_->read(buffer);
    read_has_to_write_ = result.what == What::wants_to_write;
    return result;
  }
  IoResult result =
      result_of_plain(::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT), What::wants_to_read);
  if (result.what == What::done && result.bytes == 0) result.what = What::end;
  return result;
}

IoResult Wire::try_write(std::string_view bytes) {
  if (tls_ != nullptr) return tls_->write(bytes);
  return result_of_plain(::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
                         What::wants_to_write);
}

Awaitable<void> Wire::write(Watch& watch, std::string_view bytes, std::chrono::milliseconds idle) {
  while (!bytes.empty()) {
    const IoResult result = try_write(bytes);
    if (result.what == What::done) {
      bytes.remove_prefix(result.bytes);
      watch.move_limit(later(Clock::now(), idle));
      continue;
    }
    if (result.what == What::end) throw_broken("it was closed");
    if (result.what == What::failed) throw_broken(result.fault);
    co_await watch.wait(socket_, result.what == What::wants_to_read ? Watch::Wait::to_read : Watch::Wait::to_write);
  }
}

bool Wire::is_quiet() {
  if (tls_ != nullptr && tls_->has_leftover()) return false;
  char one = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && errno == EAGAIN;
}

bool Wire::is_closed_by_peer() {
  char one = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

void Wire::reset() noexcept {
  tls_.reset();  // it knows the socket by its number, which will be another's
  const linger at_once{1, 0};
  (void)::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace coppice
