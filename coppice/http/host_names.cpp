// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/host_names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

namespace coppice {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kFoundHolds{10};

/// Those of a numeric address, or nothing.
HostNames::Addresses parse_address(const std::string& host) {
  boost::system::error_code is_none;
  const asio::ip::address address = asio::ip::make_address(host, is_none);
  return is_none ? HostNames::Addresses() : HostNames::Addresses{address};
}

asio::ip::address address_of(const sockaddr* at) {
  if (at->sa_family == AF_INET) {
    return asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(at)->sin_addr.s_addr));
  }
  const auto* const six = reinterpret_cast<const sockaddr_in6*>(at);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &six->sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes, six->sin6_scope_id);
}

}  // namespace

HostNames::Found HostNames::ask_system(const std::string& host) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* first = nullptr;
  int failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &first);
  if (failed != 0) {  // a machine with nothing but its loopback has no address configured
    wanted.ai_flags = 0;
    failed = ::getaddrinfo(host.c_str(), nullptr, &wanted, &first);
  }
  if (failed != 0) return {{}, failed == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(failed)};
  Found found;
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) found.addresses.push_back(address_of(at->ai_addr));
  }
  ::freeaddrinfo(first);
  if (found.addresses.empty()) found.fault = "it has no address";
  return found;
}

/// One name that is or was asked for.
struct HostNames::Lookup {
  Found found;
  bool is_done = false;
  Clock::time_point holds_until;
  std::vector<LoopTimer*> waiting;
};

/// How a thread reaches the event loop, for as long as there is one that wants to know.
struct HostNames::Mailbox {
  std::mutex mutex;
  asio::io_context* loop;
};

HostNames::HostNames(asio::io_context& loop, Resolver resolver)
    : loop_(loop), resolver_(std::move(resolver)), mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->loop = &loop;
}

HostNames::~HostNames() {
  const std::scoped_lock lock(mailbox_->mutex);
  mailbox_->loop = nullptr;
}

std::shared_ptr<HostNames::Lookup> HostNames::ask(const std::string& host) {
  std::erase_if(lookups_, [now = Clock::now()](const auto& known) {
    return known.second->is_done && known.second->holds_until <= now;
  });
  if (const auto known = lookups_.find(host); known != lookups_.end()) return known->second;
  const auto lookup = lookups_[host] = std::make_shared<Lookup>();
  const auto deliver = [lookup](Found found) {
    lookup->is_done = true;
    if (found.fault.empty()) lookup->holds_until = Clock::now() + kFoundHolds;
    lookup->found = std::move(found);
    for (LoopTimer* const wake : lookup->waiting) wake->cancel();
  };
  const auto work = [resolver = resolver_, mailbox = mailbox_, host, deliver]() noexcept {
    try {
      Found found = resolver(host);
      const std::scoped_lock lock(mailbox->mutex);
      if (mailbox->loop == nullptr) return;
      asio::post(*mailbox->loop, [deliver, found = std::move(found)]() mutable { deliver(std::move(found)); });
    } catch (const std::exception&) {  // no memory: those who wait learn it when their time is over
    }
  };
  try {
    std::thread(work).detach();
  } catch (const std::system_error& error) {
    deliver({{}, std::string("no thread to look it up: ") + error.what()});
  }
  return lookup;
}

Awaitable<HostNames::Addresses> HostNames::look_up(Watch& watch, std::string host) {
  Addresses numeric = parse_address(host);
  if (!numeric.empty()) co_return numeric;
  const std::shared_ptr<Lookup> lookup = ask(host);
  if (!lookup->is_done) {
    LoopTimer wake(loop_, Clock::time_point::max());
    struct Waiting {
      Waiting(std::vector<LoopTimer*>& all, LoopTimer* one) : among(all), waits(one) { among.push_back(waits); }
      ~Waiting() { std::erase(among, waits); }
      Waiting(const Waiting&) = delete;
      std::vector<LoopTimer*>& among;
      LoopTimer* waits;
    };
    const Waiting waiting(lookup->waiting, &wake);
    co_await watch.wait(wake);
  }
  if (!lookup->found.fault.empty()) {
    throw Error(ErrorCode::remote, "the host '" + host + "' is not known: " + lookup->found.fault);
  }
  co_return lookup->found.addresses;
}

}  // namespace coppice
