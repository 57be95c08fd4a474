// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// OpenSSL's own words for what went wrong last, and its queue empty.
std::string last_fault() {
  unsigned long last = 0;
  while (const unsigned long code = ERR_get_error()) last = code;
  if (last == 0) return "unknown fault";
  const char* const reason = ERR_reason_error_string(last);
  return reason != nullptr ? reason : "fault " + std::to_string(last);
}

int socket_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

/// OpenSSL's own way to write to a socket ends the program with a signal where the other side is gone.
int bio_write(BIO* bio, const char* bytes, size_t size, size_t* written) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(socket_of(bio), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  *written = static_cast<size_t>(std::max<ssize_t>(n, 0));
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return n > 0 ? 1 : 0;
}

int bio_read(BIO* bio, char* bytes, size_t size, size_t* got) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(socket_of(bio), bytes, size, MSG_DONTWAIT);
  *got = static_cast<size_t>(std::max<ssize_t>(n, 0));
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return n > 0 ? 1 : 0;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  return command == BIO_CTRL_EOF && BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
}

int bio_create(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

/// Made once and kept for good, as OpenSSL does with its own.
const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "coppice socket");
    if (made == nullptr) throw Error(ErrorCode::memory, "no memory for TLS");
    BIO_meth_set_write_ex(made, bio_write);
    BIO_meth_set_read_ex(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    BIO_meth_set_create(made, bio_create);
    return made;
  }();
  return method;
}

bool is_address(const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

/// Whose certificate is expected, and what name is asked for.
bool expect_host(SSL* session, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 && SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

bool is_of_unknown_authority(long fault) noexcept {
  return fault == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY || fault == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
         fault == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT || fault == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

}  // namespace

TlsSession::TlsSession(ssl_ctx_st* context, int socket, const std::string& host) : session_(SSL_new(context)) {
  BIO* const bio = session_ == nullptr ? nullptr : BIO_new(socket_method());
  if (bio == nullptr) {
    SSL_free(session_);
    throw Error(ErrorCode::memory, "no memory for TLS");
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(socket)));
  SSL_set_bio(session_, bio, bio);
  SSL_set_connect_state(session_);
  if (!expect_host(session_, host)) {
    const std::string fault = last_fault();
    SSL_free(session_);
    throw Error(ErrorCode::remote, "cannot ask for a certificate of '" + host + "': " + fault);
  }
}

TlsSession::~TlsSession() {
  SSL_free(session_);
}

IoResult TlsSession::result_of(int returned, size_t bytes) {
  if (returned == 1) return {IoResult::What::done, bytes, {}, {}};
  const int fault = SSL_get_error(session_, returned);
  is_broken_ = fault == SSL_ERROR_SYSCALL || fault == SSL_ERROR_SSL;
  switch (fault) {
    case SSL_ERROR_WANT_READ:
      return {IoResult::What::wants_to_read, 0, {}, {}};
    case SSL_ERROR_WANT_WRITE:
      return {IoResult::What::wants_to_write, 0, {}, {}};
    case SSL_ERROR_ZERO_RETURN:
      return {IoResult::What::end, 0, {}, {}};
    case SSL_ERROR_SYSCALL: {
      const int number = errno;
      ERR_clear_error();
      return {IoResult::What::failed, 0, number == 0 ? "the connection was closed" : std::strerror(number), {}};
    }
    default:
      return {IoResult::What::failed, 0, last_fault(), {}};
  }
}

IoResult TlsSession::shake_hands() {
  ERR_clear_error();
  errno = 0;
  IoResult result = result_of(SSL_do_handshake(session_), 0);
  const long verified = SSL_get_verify_result(session_);
  if (result.what == IoResult::What::failed && verified != X509_V_OK) {
    result.fault = "its certificate is not accepted: " + std::string(X509_verify_cert_error_string(verified));
    if (is_of_unknown_authority(verified)) {
      result.hint = "where the authority is one of your own, name the file with its certificate";
    }
  }
  return result;
}

IoResult TlsSession::read(std::span<char> buffer) {
  ERR_clear_error();
  errno = 0;
  size_t bytes = 0;
  const int returned = SSL_read_ex(session_, buffer.data(), buffer.size(), &bytes);
  return result_of(returned, bytes);
}

IoResult TlsSession::write(std::string_view bytes) {
  ERR_clear_error();
  errno = 0;
  size_t written = 0;
  const int returned = SSL_write_ex(session_, bytes.data(), bytes.size(), &written);
  return result_of(returned, written);
}

bool TlsSession::has_bytes() const noexcept {
  return SSL_pending(session_) > 0;
}

bool TlsSession::has_leftover() const noexcept {
  return SSL_has_pending(session_) == 1;
}

void TlsSession::say_goodbye() noexcept {
  ERR_clear_error();
  if (!is_broken_ && SSL_is_init_finished(session_) == 1) SSL_shutdown(session_);
  ERR_clear_error();
}

TlsContext::TlsContext(const std::string& ca_file) : context_(SSL_CTX_new(TLS_client_method())) {
  if (context_ == nullptr) throw Error(ErrorCode::memory, "no memory for TLS");
  ERR_clear_error();
  const int trusts = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context_)
                                     : SSL_CTX_load_verify_file(context_, ca_file.c_str());
  if (trusts != 1) {
    const std::string fault = last_fault();
    SSL_CTX_free(context_);
    throw Error(ErrorCode::io, "cannot read certificates to trust: " + fault, ca_file,
                "expected a file with certificates in PEM");
  }
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  // A connection that waits holds no buffers (32 kB otherwise); what could not be sent may move meanwhile.
  SSL_CTX_set_mode(context_,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context_, kHttp11.data(), kHttp11.size());
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

std::unique_ptr<TlsSession> TlsContext::start(int socket, const std::string& host) {
  return std::make_unique<TlsSession>(context_, socket, host);
}

}  // namespace coppice
