// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "coppice/http/watch.h"

namespace coppice {

/// Looks up the addresses of hosts without holding up the event loop: the system's resolver blocks, so each name that
/// is asked for gets a thread of its own, which those who ask for it meanwhile share. Nobody waits for that thread who
/// has given up. What was found holds for some seconds.
///
/// Threads: of the event loop alone, its own aside.
class HostNames {
 public:
  using Addresses = std::vector<boost::asio::ip::address>;
  /// Addresses, or why there are none.
  struct Found {
    Addresses addresses;
    std::string fault;
  };
  /// Whom to ask, on a thread of its own; may block.
  using Resolver = std::function<Found(const std::string& host)>;

  /// `loop` outlives it.
  explicit HostNames(boost::asio::io_context& loop, Resolver resolver = ask_system);
  ~HostNames();
  HostNames(const HostNames&) = delete;
  HostNames& operator=(const HostNames&) = delete;

  /// At least one, in the order in which to try them. Throws `ErrorCode::remote` where there is none.
  Awaitable<Addresses> look_up(Watch& watch, std::string host);

 private:
  struct Lookup;
  struct Mailbox;

  static Found ask_system(const std::string& host);
  std::shared_ptr<Lookup> ask(const std::string& host);

  boost::asio::io_context& loop_;
  Resolver resolver_;
  std::shared_ptr<Mailbox> mailbox_;
  std::map<std::string, std::shared_ptr<Lookup>> lookups_;
};

}  // namespace coppice
