// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;

namespace coppice {

/// What one attempt to read, to write or to shake hands came to.
struct IoResult {
  enum class What { done, wants_to_read, wants_to_write, end, failed };
  What what = What::done;
  size_t bytes = 0;
  std::string fault, hint;  ///< of a failed one
};

/// One connection's TLS, on a socket that does not block. Sends no signal when the other side is gone.
class TlsSession {
 public:
  TlsSession(ssl_ctx_st* context, int socket, const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  IoResult shake_hands();
  IoResult read(std::span<char> buffer);
  IoResult write(std::string_view bytes);
  /// Decrypted bytes that wait here and not in the socket: the next `read` gives some.
  bool has_bytes() const noexcept;
  /// Bytes that came and were not read, be it half a record.
  bool has_leftover() const noexcept;
  /// Tells the other side that all was sent, as far as that can be done at once.
  void say_goodbye() noexcept;

 private:
  IoResult result_of(int returned, size_t bytes);

  ssl_st* session_;
  bool is_broken_ = false;
};

/// What all connections of a client share: whom to trust. At least TLS 1.2; host names are checked.
class TlsContext {
 public:
  /// `ca_file` "" = the certificates of the system. Throws `ErrorCode::io` for a file without any.
  explicit TlsContext(const std::string& ca_file);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  std::unique_ptr<TlsSession> start(int socket, const std::string& host);

 private:
  ssl_ctx_st* context_;
};

}  // namespace coppice
