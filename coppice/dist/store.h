// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// Where workers find one another: keys and values over TCP, kept by whoever starts the workers and lives longer than
/// any of them.
///
/// What is told to it is in the memory of one process, and gone with it. It trusts whoever reaches its port: bind it to
/// an address of the cluster's own network.
class StoreServer {
 public:
  /// Listens on `address` ("127.0.0.1", or "" for all) at `port`, 0 for a free one. Throws `ErrorCode::io`.
  StoreServer(const std::string& address, uint16_t port);
  ~StoreServer();
  StoreServer(const StoreServer&) = delete;
  StoreServer& operator=(const StoreServer&) = delete;

  uint16_t port() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A connection to a store. Throws `ErrorCode::remote` where the store cannot be reached or is gone, and
/// `ErrorCode::timeout` where it does not answer in time. Threads: one call at a time.
class StoreClient {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Tries again until the deadline: the store may be started after those that need it.
  StoreClient(const std::string& host, uint16_t port, Deadline deadline);
  ~StoreClient();
  StoreClient(StoreClient&&) noexcept;
  StoreClient& operator=(StoreClient&&) = delete;

  static constexpr size_t kMostKeyBytes = 1024, kMostValueBytes = size_t{16} << 20;

  void set(std::string_view key, std::string_view value, Deadline deadline);
  /// Waits until the key is there. Throws `ErrorCode::timeout` naming it.
  std::string get(std::string_view key, Deadline deadline);
  /// Adds to the number of that key, 0 at first, and returns what it comes to.
  int64_t add(std::string_view key, int64_t number, Deadline deadline);
  /// Sets the key if it is not there yet. Returns what it has then: of several who ask, all get what the first one
  /// wanted.
  std::string set_if_absent(std::string_view key, std::string_view value, Deadline deadline);
  /// All keys that begin so, with their values; at once, unlike `get`. Throws `ErrorCode::remote` when that is more
  /// than a value may be.
  std::map<std::string, std::string> list(std::string_view prefix, Deadline deadline);
  /// Removes all keys that begin so.
  void erase(std::string_view prefix, Deadline deadline);

 private:
  std::string ask(uint8_t operation, std::string_view key, std::string_view value, Deadline deadline);

  int socket_ = -1;
  std::string where_;
};

}  // namespace coppice
