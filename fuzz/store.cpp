// SPDX-License-Identifier: Apache-2.0
//
// Any bytes to the server of the store, over the loopback interface: it answers as a map would, or hangs up, and goes
// on serving others.
#include "coppice/dist/store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "fuzz/examples_target.h"

namespace {

using coppice::StoreClient;

/// A client that sends any bytes. libFuzzer's timer may interrupt each call.
class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // So that thousands of connections leave no ports behind that have to cool down.
    const linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    const auto* at = reinterpret_cast<const sockaddr*>(&address);
    const ssize_t done = TEMP_FAILURE_RETRY(::connect(socket_, at, sizeof address));
    coppice::require(done == 0 || errno == EISCONN);  // by a call that was interrupted
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = TEMP_FAILURE_RETRY(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (n <= 0) return;  // the server has hung up already
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  /// So many bytes, or fewer where the server hangs up.
  std::string receive(size_t size) {
    std::string bytes(size, '\0');
    size_t received = 0;
    while (received < size) {
      const ssize_t n = TEMP_FAILURE_RETRY(::recv(socket_, bytes.data() + received, size - received, 0));
      if (n <= 0) break;
      received += static_cast<size_t>(n);
    }
    bytes.resize(received);
    return bytes;
  }
  bool has_more() {
    char one = 0;
    return TEMP_FAILURE_RETRY(::recv(socket_, &one, 1, MSG_DONTWAIT)) > 0;
  }

 private:
  int socket_;
};

template <class T>
std::string bytes_of(T number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

uint64_t number_in(const std::string& bytes) {
  uint64_t number = 0;
  if (bytes.size() == sizeof number) std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

/// The store's requests, answered one after the other.
class PlainStore {
 public:
  /// Answers a client that sends these bytes, up to the first of them that is no request, or waits for a key.
  explicit PlainStore(std::string_view bytes) {
    constexpr size_t kHead = 8;
    while (bytes.size() >= kHead && !hangs_up_) {
      uint16_t key_bytes = 0;
      uint32_t value_bytes = 0;
      std::memcpy(&key_bytes, bytes.data() + 2, sizeof key_bytes);
      std::memcpy(&value_bytes, bytes.data() + 4, sizeof value_bytes);
      hangs_up_ = bytes[0] != 1 || key_bytes > StoreClient::kMostKeyBytes || value_bytes > StoreClient::kMostValueBytes;
      if (hangs_up_ || bytes.size() - kHead < key_bytes + value_bytes) return;
      const std::string key(bytes.substr(kHead, key_bytes)), value(bytes.substr(kHead + key_bytes, value_bytes));
      if (!handle(bytes[1], key, value)) return;
      bytes.remove_prefix(kHead + key_bytes + value_bytes);
    }
  }

  const std::string& answers() const noexcept { return answers_; }
  bool hangs_up() const noexcept { return hangs_up_; }

 private:
  /// Whether it is answered.
  bool handle(char operation, const std::string& key, const std::string& value) {
    if (operation == 1) return values_[key] = value, answer({});
    if (operation == 2) return values_.contains(key) && answer(values_[key]);
    if (operation == 3) return answer(values_[key] = bytes_of(number_in(values_[key]) + number_in(value)));
    if (operation == 4) return answer(values_.try_emplace(key, value).first->second);
    if (operation == 5) return list(key);
    hangs_up_ = operation != 6;
    if (hangs_up_) return false;
    std::erase_if(values_, [&](const auto& entry) { return entry.first.starts_with(key); });
    return answer({});
  }

  bool list(const std::string& prefix) {
    std::string all;
    for (const auto& [key, value] : values_) {
      if (!key.starts_with(prefix)) continue;
      all += bytes_of(static_cast<uint32_t>(key.size())) + bytes_of(static_cast<uint32_t>(value.size())) + key + value;
    }
    if (all.size() <= StoreClient::kMostValueBytes) return answer(all);
    return answer({}, 1);
  }

  bool answer(const std::string& value, char how = 0) {
    answers_ += std::string{1, how, 0, 0} + bytes_of(static_cast<uint32_t>(value.size())) + value;
    return true;
  }

  std::map<std::string, std::string> values_;
  std::string answers_;
  bool hangs_up_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto deadline = [] { return std::chrono::steady_clock::now() + std::chrono::seconds(10); };
  static const coppice::StoreServer store("127.0.0.1", 0);
  static StoreClient other("127.0.0.1", store.port(), deadline());
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const PlainStore plain(bytes);
  {
    Connection connection(store.port());
    connection.send(bytes);
    const std::string answers = connection.receive(plain.answers().size());
    coppice::require(plain.hangs_up() ? plain.answers().starts_with(answers) : plain.answers() == answers);
    for (int i = 0; i < 2; ++i) other.list("none", deadline());  // after the second one the store has read all of it
    coppice::require(!connection.has_more());
  }
  other.set("of another", "its value", deadline());
  coppice::require(other.get("of another", deadline()) == "its value");
  other.erase("", deadline());  // each input finds an empty store
  return 0;
}
