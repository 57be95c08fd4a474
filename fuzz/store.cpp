// SPDX-License-Identifier: Apache-2.0
//
// Any bytes to the server of the store, over the loopback interface: it answers or hangs up, and goes on serving
// others.
#include "coppice/dist/store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "fuzz/examples_target.h"

namespace {

int connect_to(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  coppice::require(socket >= 0);
  // So that thousands of connections leave no ports behind that have to cool down.
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  coppice::require(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

/// Sends all of it and nothing more, and reads until the server hangs up.
void talk(uint16_t port, const uint8_t* data, size_t size) {
  const int socket = connect_to(port);
  while (size > 0) {
    const ssize_t n = ::send(socket, data, size, MSG_NOSIGNAL);
    if (n <= 0) break;  // it has hung up already
    data += n, size -= static_cast<size_t>(n);
  }
  ::shutdown(socket, SHUT_WR);
  std::array<char, 65536> answer;
  while (::recv(socket, answer.data(), answer.size(), 0) > 0) {
  }
  ::close(socket);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto deadline = [] { return std::chrono::steady_clock::now() + std::chrono::seconds(10); };
  static const coppice::StoreServer store("127.0.0.1", 0);
  static coppice::StoreClient other("127.0.0.1", store.port(), deadline());
  talk(store.port(), data, size);
  other.set("of another", "its value", deadline());
  coppice::require(other.get("of another", deadline()) == "its value");
  return 0;
}
