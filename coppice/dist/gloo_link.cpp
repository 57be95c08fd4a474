// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gloo_link.h"

#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/unbound_buffer.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/store.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Clock::time_point in_seconds(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// The store as Gloo wants it.
class GlooStore final : public gloo::rendezvous::Store {
 public:
  GlooStore(StoreClient& client, std::string prefix, Clock::time_point deadline)
      : client_(client), prefix_(std::move(prefix)), deadline_(deadline) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    client_.set(prefix_ + key, {data.data(), data.size()}, deadline_);
  }
  std::vector<char> get(const std::string& key) override {
    const std::string value = client_.get(prefix_ + key, deadline_);
    return {value.begin(), value.end()};
  }
  void wait(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) client_.get(prefix_ + key, deadline_);
  }
  void wait(const std::vector<std::string>& keys, const milliseconds&) override { wait(keys); }

 private:
  StoreClient& client_;
  std::string prefix_;
  Clock::time_point deadline_;
};

class GlooLink final : public MessageLink {
 public:
  GlooLink(uint32_t worker, uint32_t n_workers, const GlooOptions& options)
      : job_(options.job + "/"),
        store_(options.store_host, options.store_port, in_seconds(options.seconds)),
        context_(static_cast<int>(worker), static_cast<int>(n_workers)) {
    const Clock::time_point deadline = in_seconds(options.seconds);
    meet(deadline);
    gloo::transport::tcp::attr attributes;
    attributes.hostname = options.address;
    attributes.iface = options.interface;
    GlooStore store(store_, job_ + "gloo/", deadline);
    try {
      auto device = gloo::transport::tcp::CreateDevice(attributes);
      context_.setTimeout(milliseconds(static_cast<int64_t>(1000 * options.seconds)));
      context_.connectFullMesh(store, device);
    } catch (const gloo::Exception& error) {
      throw Error(ErrorCode::remote, std::string("cannot connect to the other workers: ") + error.what());
    }
  }

  uint32_t worker() const noexcept override { return static_cast<uint32_t>(context_.rank); }
  uint32_t n_workers() const noexcept override { return static_cast<uint32_t>(context_.size); }

  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    uint32_t other = 0;  // whom Gloo is asked for: what it throws does not say
    try {
      std::vector<Buffer> incoming, outgoing;
      for (const Incoming& message : in) {
        if (message.bytes.empty()) continue;
        other = message.from;
        incoming.push_back({context_.createUnboundBuffer(message.bytes.data(), message.bytes.size()), other});
        incoming.back().buffer->recv(static_cast<int>(other), channel);
      }
      for (const Outgoing& message : out) {
        if (message.bytes.empty()) continue;
        other = message.to;
        void* const bytes = const_cast<std::byte*>(message.bytes.data());  // which are only read
        outgoing.push_back({context_.createUnboundBuffer(bytes, message.bytes.size()), other});
        outgoing.back().buffer->send(static_cast<int>(other), channel);
      }
      for (const Buffer& message : incoming) {
        other = message.worker;
        message.buffer->waitRecv(left_until(deadline));
      }
      for (const Buffer& message : outgoing) {
        other = message.worker;
        message.buffer->waitSend(left_until(deadline));
      }
    } catch (const gloo::Exception&) {
      fail(other, deadline);
    }
  }

  void abort(const std::string& why) noexcept override {
    try {
      store_.set(job_ + "abort", why, in_seconds(1));
    } catch (const std::exception&) {  // without a reason, then
    }
    context_.closeConnections();
  }

 private:
  struct Buffer {
    std::unique_ptr<gloo::transport::UnboundBuffer> buffer;
    uint32_t worker;
  };

  /// So that a worker which is missing can be named.
  void meet(Clock::time_point deadline) {
    const auto key = [&](uint32_t worker) { return job_ + "come/" + std::to_string(worker); };
    store_.set(key(worker()), "", deadline);
    for (uint32_t other = 0; other < n_workers(); ++other) {
      try {
        store_.get(key(other), deadline);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::timeout) throw;
        throw Error(ErrorCode::timeout, "workers that did not come in time: " + std::to_string(other));
      }
    }
  }

  static milliseconds left_until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    return std::clamp(left, milliseconds(1), milliseconds(std::chrono::hours(24 * 365)));
  }

  [[noreturn]] void fail(uint32_t other, Clock::time_point deadline) {
    const bool is_late = Clock::now() >= deadline;
    context_.closeConnections();  // so that others, which wait for this worker, hear of it
    std::string why;
    try {
      why = store_.get(job_ + "abort", in_seconds(0.2));
    } catch (const Error&) {  // nobody said why
    }
    if (!why.empty()) throw Error(ErrorCode::remote, "another worker gave up: " + why);
    if (is_late) throw Error(ErrorCode::timeout, "workers that did not come in time: " + std::to_string(other));
    throw Error(ErrorCode::remote, "the connection to worker " + std::to_string(other) + " is gone");
  }

  std::string job_;
  StoreClient store_;
  gloo::rendezvous::Context context_;
};

}  // namespace

std::shared_ptr<MessageLink> connect_by_gloo(uint32_t worker, uint32_t n_workers, const GlooOptions& options) {
  check(worker < n_workers, "a worker is one of them");
  return std::make_shared<GlooLink>(worker, n_workers, options);
}

}  // namespace coppice
