// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gloo_link.h"

#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/unbound_buffer.h>

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/dist/store.h"

namespace coppice {
namespace {

/// What else may be the reason where workers do not find one another.
constexpr const char* kOtherRun =
    "where an earlier run used this store: set COPPICE_JOB to another name for each run, the same for all of its "
    "workers";

/// After a time-out, from the first one who noticed it until the others have.
constexpr double kSecondsToSayWhom = 2;

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Clock::time_point in_seconds(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// Gloo writes to connections without asking for no signal: to one that the other side has closed, that would be
/// SIGPIPE and the end of this process. As long as this lives its thread, and threads that it starts, have an error
/// instead.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() noexcept {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutPipeSignal() {
    if (sigismember(&before_, SIGPIPE) == 1) return;
    const timespec at_once{0, 0};
    while (sigtimedwait(&pipe_, nullptr, &at_once) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;

 private:
  sigset_t pipe_, before_;
};

/// Gloo does not survive a name that means no address.
void expect_known(const GlooOptions& options) {
  if (!options.interface.empty()) return;
  std::string host = options.address;
  if (host.empty()) {
    char own[256] = {};
    gethostname(own, sizeof own - 1);
    host = own;
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
  if (failed == 0) return freeaddrinfo(found);
  const std::string whose = options.address.empty() ? ", this machine's own name," : "";
  throw Error(ErrorCode::usage, "the address '" + host + "'" + whose + " is not known: " + gai_strerror(failed), {},
              "--address says under which one the other workers reach this one, or --interface of which network");
}

/// The store as Gloo wants it.
class GlooStore final : public gloo::rendezvous::Store {
 public:
  GlooStore(StoreClient& client, std::string prefix, Clock::time_point deadline, const GlooOptions& options)
      : client_(client), prefix_(std::move(prefix)), deadline_(deadline), options_(options) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    client_.set(prefix_ + key, {data.data(), data.size()}, deadline_);
  }
  std::vector<char> get(const std::string& key) override {
    wait({key});
    const std::string value = client_.get(prefix_ + key, deadline_);
    return {value.begin(), value.end()};
  }
  void wait(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) {
      for (auto pause = milliseconds(1);; pause = std::min(2 * pause, milliseconds(50))) {
        if (client_.list(prefix_ + key, std::max(deadline_, in_seconds(1))).contains(prefix_ + key)) break;
        if (Clock::now() >= deadline_) {
          const std::string number = key.substr(key.find('_') + 1);  // "rank_3", "3"
          throw Error(ErrorCode::timeout, "worker " + number + " had come, and did not say where it is reached", {},
                      kOtherRun);
        }
        if (options_.while_waiting) options_.while_waiting();
        std::this_thread::sleep_for(pause);
      }
    }
  }
  void wait(const std::vector<std::string>& keys, const milliseconds&) override { wait(keys); }

 private:
  StoreClient& client_;
  std::string prefix_;
  Clock::time_point deadline_;
  const GlooOptions& options_;
};

class GlooLink final : public MessageLink {
 public:
  GlooLink(uint32_t worker, uint32_t n_workers, const GlooOptions& options)
      : job_(options.job + "/"),
        store_(options.store_host, options.store_port, in_seconds(options.seconds)),
        context_(static_cast<int>(worker), static_cast<int>(n_workers)) {
    const Clock::time_point deadline = in_seconds(options.seconds);
    expect_known(options);
    meet(options, deadline);
    gloo::transport::tcp::attr attributes;
    if (options.interface.empty()) attributes.hostname = options.address;
    attributes.iface = options.interface;
    GlooStore store(store_, job_ + "gloo/", deadline, options);
    const WithoutPipeSignal without_signal;
    try {
      auto device = gloo::transport::tcp::CreateDevice(attributes);
      // Gloo waits five times as long for connections; operations have time limits of their own.
      const double limit_seconds = std::min(options.seconds, options.mesh_seconds) / 5;
      context_.setTimeout(milliseconds(std::max<int64_t>(1, static_cast<int64_t>(1000 * limit_seconds))));
      context_.connectFullMesh(store, device);
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error(ErrorCode::remote, std::string("cannot connect to the other workers: ") + error.what());
    }
  }

  uint32_t worker() const noexcept override { return static_cast<uint32_t>(context_.rank); }
  uint32_t n_workers() const noexcept override { return static_cast<uint32_t>(context_.size); }

  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    uint32_t other = 0;  // whom Gloo is asked for: what it throws does not say
    try {
      const WithoutPipeSignal without_signal;
      UnderWay under_way(*this);
      begin(out, in, channel, under_way, other);
      for (const Buffer& message : under_way.incoming) {
        other = message.worker;
        message.buffer->waitRecv(left_until(deadline));
      }
      for (const Buffer& message : under_way.outgoing) {
        other = message.worker;
        message.buffer->waitSend(left_until(deadline));
      }
    } catch (const Error&) {
      throw;
    } catch (
        const std::exception&) {  // gloo::Exception, or EnforceNotMet, which is none, on connections closed by then
      fail(other, deadline);
    }
    expect_going_on();
  }

  void abort(const std::string& why) noexcept override {
    try {
      {
        const std::lock_guard lock(store_mutex_);
        if (!std::exchange(has_said_why_, true)) store_.set(job_ + "abort", why, in_seconds(1));
      }
    } catch (const std::exception&) {  // without a reason, then
    }
    close_connections();
    wake_all(why.empty() ? "it was stopped" : why);
  }

 private:
  struct Buffer {
    std::unique_ptr<gloo::transport::UnboundBuffer> buffer;
    uint32_t worker;
  };

  /// Messages of an exchange, for as long as it lasts; each thread has one at a time.
  struct UnderWay {
    explicit UnderWay(GlooLink& of) : link(of) {
      const std::lock_guard lock(link.mutex_);
      link.under_way_.push_back(this);
    }
    ~UnderWay() {
      const std::lock_guard lock(link.mutex_);
      std::erase(link.under_way_, this);
      incoming.clear(), outgoing.clear();
    }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    GlooLink& link;
    std::vector<Buffer> incoming, outgoing;
  };

  /// `other`: whose message is at work when it throws.
  void begin(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel, UnderWay& under_way,
             uint32_t& other) {
    const std::lock_guard lock(mutex_);
    if (!why_aborted_.empty()) throw_aborted();
    for (const Incoming& message : in) {
      if (message.bytes.empty()) continue;
      other = message.from;
      under_way.incoming.push_back({context_.createUnboundBuffer(message.bytes.data(), message.bytes.size()), other});
      under_way.incoming.back().buffer->recv(static_cast<int>(other), channel);
    }
    for (const Outgoing& message : out) {
      if (message.bytes.empty()) continue;
      other = message.to;
      void* const bytes = const_cast<std::byte*>(message.bytes.data());  // which are only read
      under_way.outgoing.push_back({context_.createUnboundBuffer(bytes, message.bytes.size()), other});
      under_way.outgoing.back().buffer->send(static_cast<int>(other), channel);
    }
  }

  void expect_going_on() {
    const std::lock_guard lock(mutex_);
    if (!why_aborted_.empty()) throw_aborted();
  }
  [[noreturn]] void throw_aborted() const { throw Error(ErrorCode::remote, "this worker gave up: " + why_aborted_); }

  void close_connections() noexcept {
    const std::lock_guard lock(close_mutex_);
    try {
      if (!std::exchange(is_closed_, true)) context_.closeConnections();
    } catch (const std::exception&) {  // Gloo stumbles over those that the other side is closing
    }
  }

  /// So that a worker which is missing can be named.
  void meet(const GlooOptions& options, Clock::time_point deadline) {
    const std::string key_folder = job_ + "come/";
    const auto key = [&](uint32_t worker) { return key_folder + std::to_string(worker); };
    const std::string own_size = std::to_string(n_workers());
    store_.set(key(worker()), own_size, deadline);
    for (auto pause = milliseconds(1);; pause = std::min(2 * pause, milliseconds(50))) {
      const auto come = store_.list(key_folder, std::max(deadline, in_seconds(1)));
      for (const auto& [name, size] : come) {
        if (size == own_size) continue;
        throw Error(ErrorCode::usage,
                    "worker " + std::to_string(worker()) + " is one of " + own_size + ", worker " +
                        name.substr(key_folder.size()) + " is one of " + size,
                    {}, kOtherRun);
      }
      if (come.size() >= n_workers()) return;
      uint32_t other = 0;
      while (come.contains(key(other))) ++other;
      if (Clock::now() >= deadline) {
        throw Error(ErrorCode::timeout, "workers that did not come in time: " + std::to_string(other));
      }
      if (options.while_waiting) options.while_waiting();
      std::this_thread::sleep_for(pause);
    }
  }

  static milliseconds left_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    return std::clamp(left, milliseconds(1), milliseconds(std::chrono::hours(24 * 365)));
  }

  [[noreturn]] void fail(uint32_t other, Clock::time_point deadline) {
    say_whom_it_waits_for(other, Clock::now() >= deadline);
    close_connections();  // so that others, which wait for this worker, hear of it
    expect_going_on();
    const Error reason = reason_to_fail(other);
    wake_all(reason.what());
    throw reason;
  }

  /// Before its connections are closed: those who lose them shall know why.
  void say_whom_it_waits_for(uint32_t other, bool is_late) noexcept {
    try {
      const std::lock_guard lock(store_mutex_);
      store_.set(waiting_key(std::to_string(worker())), std::to_string(other), in_seconds(1));
      if (is_late) store_.set_if_absent(job_ + "late", std::to_string(worker()), in_seconds(1));
    } catch (const Error&) {  // then the others cannot hear of it
    }
  }
  std::string waiting_key(const std::string& worker) const { return job_ + "waiting/" + worker; }

  Error reason_to_fail(uint32_t other) {
    try {
      const std::lock_guard lock(store_mutex_);
      // Whoever gives up says so before it closes its connections.
      for (const auto& [key, why] : store_.list(job_ + "abort", in_seconds(1))) {
        return Error(ErrorCode::remote, "another worker gave up: " + why);
      }
      for (const auto& [key, first] : store_.list(job_ + "late", in_seconds(1))) {
        const std::string missing = verdict(first);
        return Error(ErrorCode::timeout, missing == std::to_string(worker())
                                             ? "the other workers gave up waiting for this one"
                                             : "workers that did not come in time: " + missing);
      }
    } catch (const Error&) {  // nobody said why
    }
    return Error(ErrorCode::remote, "the connection to worker " + std::to_string(other) + " is gone");
  }

  /// What the first to find out says, for all. `first` has waited for too long for one that may wait for another one
  /// itself. As `first` has closed its connections, and all have the same time limit, those say whom they wait for: who
  /// does not is missing. If all do, the missing one has come meanwhile, and waits for those who have gone.
  std::string verdict(const std::string& first) {
    const std::string key = job_ + "missing";
    for (const Clock::time_point end = in_seconds(kSecondsToSayWhom);;) {
      const auto said = store_.list(key, in_seconds(1));
      if (!said.empty()) return said.begin()->second;
      const std::map<std::string, std::string> waiting = store_.list(job_ + "waiting/", in_seconds(1));
      std::set<std::string> seen;
      std::string last = first;
      while (seen.insert(last).second && waiting.contains(waiting_key(last))) last = waiting.at(waiting_key(last));
      const bool has_come = waiting.contains(waiting_key(last));
      if (has_come || Clock::now() >= end) {
        return store_.set_if_absent(key, has_come ? "one that has come since" : last, in_seconds(1));
      }
      std::this_thread::sleep_for(milliseconds(10));
    }
  }

  /// Closing does not wake whoever waits here, on other threads.
  void wake_all(const std::string& why) noexcept {
    const std::lock_guard lock(mutex_);
    if (why_aborted_.empty()) why_aborted_ = why;
    for (const UnderWay* exchange : under_way_) {
      for (const Buffer& message : exchange->incoming) message.buffer->abortWaitRecv();
      for (const Buffer& message : exchange->outgoing) message.buffer->abortWaitSend();
    }
  }

  std::string job_;
  std::mutex store_mutex_;     ///< abort comes from any thread
  bool has_said_why_ = false;  ///< the first reason counts
  StoreClient store_;
  gloo::rendezvous::Context context_;
  std::mutex close_mutex_;
  bool is_closed_ = false;
  std::mutex mutex_;  ///< of what follows
  std::vector<UnderWay*> under_way_;
  std::string why_aborted_;  ///< by this worker
};

}  // namespace

std::shared_ptr<MessageLink> connect_by_gloo(uint32_t worker, uint32_t n_workers, const GlooOptions& options) {
  check(worker < n_workers, "a worker is one of them");
  return std::make_shared<GlooLink>(worker, n_workers, options);
}

}  // namespace coppice
