// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/in_process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/parallel.h"
#include "coppice/dist/permits.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

/// "3, 5 and 7".
std::string listed(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) text += i + 1 == numbers.size() ? " and " : ", ";
    text += std::to_string(numbers[i]);
  }
  return text;
}

Clock::time_point in_seconds(double seconds) {
  constexpr double kYear = 366.0 * 86400;
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, kYear)));
}

/// Whether the workers shall stop, and whom to wake then.
class Stop {
 public:
  class Sleeper {
   public:
    virtual void wake() = 0;

   protected:
    ~Sleeper() = default;
  };

  void add(Sleeper& sleeper) {
    const std::lock_guard lock(mutex_);
    sleepers_.push_back(&sleeper);
  }
  void stop(const std::string& why) noexcept {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    why_ = why;
    stopped_ = true;
    for (Sleeper* sleeper : sleepers_) sleeper->wake();
  }
  bool stopped() const noexcept { return stopped_; }
  void expect_going_on() {
    if (!stopped_) return;
    const std::lock_guard lock(mutex_);
    throw Error(ErrorCode::remote, "another worker gave up: " + why_);
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> stopped_ = false;
  std::string why_;
  std::vector<Sleeper*> sleepers_;
};

/// Where the members of a group come together, again and again.
class Meeting final : public Stop::Sleeper {
 public:
  Meeting(std::vector<uint32_t> workers, Stop& stop, Permits& permits)
      : brought(workers.size()),
        workers_(std::move(workers)),
        places_(workers_.size(), Place::empty),
        stop_(stop),
        permits_(permits) {
    stop_.add(*this);
  }

  std::vector<std::span<const std::byte>> brought;  ///< by rank, while all are here
  std::array<std::vector<float>, 2> sums;           ///< of the last two reductions, in turns

  /// Returns once all members have come. Whoever waits gives the permit to compute away; whoever gives up has not come,
  /// as what it brought goes away with it.
  void come(uint32_t rank, Clock::time_point deadline) {
    stop_.expect_going_on();
    std::unique_lock lock(mutex_);
    if (is_last(rank)) return;
    const uint64_t this_one = meetings_;
    permits_.release();
    const bool woken = all_here_.wait_until(lock, deadline, [&] { return meetings_ != this_one || stop_.stopped(); });
    const bool came = meetings_ != this_one;
    const std::string missing = listed(missing_workers());
    if (!came) take_back(rank);
    lock.unlock();
    permits_.acquire();
    if (came) return;
    if (!woken) throw Error(ErrorCode::timeout, "workers that did not come in time: " + missing);
    stop_.expect_going_on();
  }

  /// After all have come: returns once none of them looks at what others brought any more. Neither time nor a stop ends
  /// the wait, since what a member has brought goes away with it.
  void leave(uint32_t rank) {
    std::unique_lock lock(mutex_);
    if (is_last(rank)) return;
    const uint64_t this_one = meetings_;
    permits_.release();
    all_here_.wait(lock, [&] { return meetings_ != this_one; });
    lock.unlock();
    permits_.acquire();
  }

  void wake() override {
    { const std::lock_guard lock(mutex_); }  // who is about to wait does so first
    all_here_.notify_all();
  }

 private:
  enum class Place : uint8_t { empty, taken, left };

  bool is_last(uint32_t rank) {
    places_[rank] = Place::taken;
    if (++n_come_ < workers_.size()) return false;
    n_come_ = 0;
    places_.assign(places_.size(), Place::empty);
    ++meetings_;
    all_here_.notify_all();
    return true;
  }

  void take_back(uint32_t rank) {
    places_[rank] = Place::left;
    --n_come_;
  }

  /// Those who never came; where there are none, those who gave up.
  std::vector<uint32_t> missing_workers() const {
    std::vector<uint32_t> missing;
    for (const Place place : {Place::empty, Place::left}) {
      for (size_t rank = 0; rank < workers_.size(); ++rank) {
        if (places_[rank] == place) missing.push_back(workers_[rank]);
      }
      if (!missing.empty()) break;
    }
    return missing;
  }

  std::vector<uint32_t> workers_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  std::vector<Place> places_;
  size_t n_come_ = 0;
  uint64_t meetings_ = 0;
  Stop& stop_;
  Permits& permits_;
};

/// Of a member at a meeting for which all have come; it leaves also by an exception, as others wait for that.
class Presence {
 public:
  Presence(Meeting& meeting, uint32_t rank) : meeting_(meeting), rank_(rank) {}
  ~Presence() { meeting_.leave(rank_); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  Meeting& meeting_;
  uint32_t rank_;
};

/// Messages for one worker.
class Mailbox final : public Stop::Sleeper {
 public:
  explicit Mailbox(Stop& stop) : stop_(stop) { stop_.add(*this); }

  void put(uint32_t from, uint32_t channel, std::span<const std::byte> bytes) {
    const std::lock_guard lock(mutex_);
    messages_[{from, channel}].emplace_back(bytes.begin(), bytes.end());
    changed_.notify_all();
  }
  std::vector<std::byte> take(uint32_t from, uint32_t channel, Clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    auto& queue = messages_[{from, channel}];
    const bool came = changed_.wait_until(lock, deadline, [&] { return !queue.empty() || stop_.stopped(); });
    if (!came) throw Error(ErrorCode::timeout, "workers that did not come in time: " + std::to_string(from));
    if (queue.empty()) {
      lock.unlock();  // whoever stops all holds its own lock and asks for this one
      stop_.expect_going_on();
    }
    std::vector<std::byte> bytes = std::move(queue.front());
    queue.pop_front();
    return bytes;
  }
  void wake() override {
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
  }

 private:
  Stop& stop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<uint32_t, uint32_t>, std::deque<std::vector<std::byte>>> messages_;  ///< by worker and channel
};

/// What the workers of one job share.
class World {
 public:
  World(Stop& stop, uint32_t n_workers, size_t cores) : stop_(stop), permits_(cores) {
    for (uint32_t i = 0; i < n_workers; ++i) boxes_.emplace_back(stop);
  }

  Stop& stop() noexcept { return stop_; }
  Permits& permits() noexcept { return permits_; }
  Mailbox& box(uint32_t worker) noexcept { return boxes_[worker]; }

  /// The meeting of a group: of the channel's number and these workers.
  Meeting& meeting(uint32_t channel, const std::vector<uint32_t>& workers) {
    const std::lock_guard lock(mutex_);
    auto& found = meetings_[{channel, workers}];
    if (!found) found = std::make_unique<Meeting>(workers, stop_, permits_);
    return *found;
  }

 private:
  Stop& stop_;
  Permits permits_;
  std::deque<Mailbox> boxes_;  ///< by worker
  std::mutex mutex_;
  std::map<std::pair<uint32_t, std::vector<uint32_t>>, std::unique_ptr<Meeting>> meetings_;
};

class SharedMemoryTransport final : public Transport {
 public:
  SharedMemoryTransport(World& world, std::vector<uint32_t> workers, uint32_t rank, uint32_t channel)
      : Transport(rank, static_cast<uint32_t>(workers.size())),
        world_(world),
        workers_(std::move(workers)),
        channel_(channel),
        meeting_(world.meeting(channel, workers_)) {}

  void abort(const std::string& why) noexcept override { world_.stop().stop(why); }

  void run_beside(const std::function<void()>& work) override {
    const WithPermit permit(world_.permits());
    work();
  }
  void wait_beside(const std::function<void()>& wait) override {
    const WithoutPermit permit(world_.permits());
    wait();
  }

 private:
  // As messages would have them, for the counters.
  static constexpr uint64_t kSeal = sizeof(MessageTransport::Seal), kNumber = sizeof(uint64_t) + kSeal;

  void do_all_reduce(std::span<float> values) override {
    const auto [sent, received] = MessageTransport::reduced_bytes(values.size(), rank(), size());
    count_sent(sent), count_received(received);
    std::vector<float>& sums = meeting_.sums[n_reductions_++ % 2];
    if (rank() == 0) sums.resize(values.size());
    {
      const Presence here = bring(std::as_bytes(values));
      add_slice(sums);
    }
    std::copy(sums.begin(), sums.end(), values.begin());
  }

  /// Of one slice of the values, the sums over the members.
  void add_slice(std::vector<float>& sums) {
    const size_t begin = sums.size() * rank() / size(), end = sums.size() * (rank() + 1) / size();
    for (uint32_t member = 0; member < size(); ++member) {
      const auto* theirs = reinterpret_cast<const float*>(meeting_.brought[member].data());
      check(meeting_.brought[member].size() == sums.size() * sizeof(float), "all reduce as many values");
      if (member == 0) {
        std::copy(theirs + begin, theirs + end, sums.begin() + static_cast<std::ptrdiff_t>(begin));
      } else {
        for (size_t i = begin; i < end; ++i) sums[i] += theirs[i];
      }
    }
  }

  std::vector<std::vector<std::byte>> do_all_gather(std::span<const std::byte> own) override {
    const Presence here = bring(own);
    std::vector<std::vector<std::byte>> all;
    uint64_t bytes = 0, most = 0;
    for (const auto& theirs : meeting_.brought) {
      all.emplace_back(theirs.begin(), theirs.end());
      bytes += theirs.size();
      most = std::max<uint64_t>(most, theirs.size());
    }
    const uint64_t others = size() - 1, seals = kSeal * others, sizes = kNumber * others + seals;
    const bool at_once = MessageTransport::gathers_at_once(most, size());
    count_sent(sizes + (at_once ? others * most : bytes - all[(rank() + 1) % size()].size()));
    count_received(sizes + (at_once ? others * most : bytes - own.size()));
    return all;
  }

  void do_broadcast(std::span<std::byte> bytes, uint32_t root) override {
    count_along_chain(bytes.size() + kSeal, (rank() + size() - root) % size());
    const Presence here = bring(bytes);
    const std::span<const std::byte> roots = meeting_.brought[root];
    check(roots.size() == bytes.size(), "all have room for as many bytes");
    if (rank() != root) std::copy(roots.begin(), roots.end(), bytes.begin());
  }

  void do_barrier() override {
    const uint64_t bytes = kNumber * (size() - 1);
    count_sent(bytes), count_received(bytes);
    meeting_.come(rank(), in_seconds(time_limit()));
  }

  /// Nobody waits for the other one to take it.
  void do_send(std::span<const std::byte> bytes, uint32_t to) override {
    count_sent(kNumber + bytes.size() + kSeal);
    world_.box(workers_[to]).put(workers_[rank()], channel_, bytes);
  }

  std::vector<std::byte> do_receive(uint32_t from) override {
    const auto deadline = in_seconds(time_limit());
    Mailbox& box = world_.box(workers_[rank()]);
    const WithoutPermit permit(world_.permits());
    std::vector<std::byte> bytes = box.take(workers_[from], channel_, deadline);
    count_received(kNumber + bytes.size() + kSeal);
    return bytes;
  }

  std::unique_ptr<Transport> do_subgroup(std::span<const uint32_t> members, uint32_t own_rank) override {
    constexpr uint32_t kMost = 32;
    check(++n_subgroups_ < kMost && channel_ < UINT32_MAX / kMost - 1, "few subgroups");
    std::vector<uint32_t> workers;
    for (const uint32_t member : members) workers.push_back(workers_[member]);
    return std::make_unique<SharedMemoryTransport>(world_, std::move(workers), own_rank,
                                                   channel_ * kMost + n_subgroups_);
  }

  /// As a chain of members would, from one to the next.
  void count_along_chain(uint64_t bytes, uint32_t place) {
    if (place + 1 < size()) count_sent(bytes);
    if (place > 0) count_received(bytes);
  }

  /// Returns once all members have come with theirs.
  Presence bring(std::span<const std::byte> bytes) {
    meeting_.brought[rank()] = bytes;
    meeting_.come(rank(), in_seconds(time_limit()));
    return {meeting_, rank()};
  }

  World& world_;
  std::vector<uint32_t> workers_;
  uint32_t channel_;
  uint32_t n_subgroups_ = 0;
  Meeting& meeting_;
  size_t n_reductions_ = 0;
};

class MailboxLink final : public MessageLink {
 public:
  MailboxLink(std::deque<Mailbox>& boxes, uint32_t worker, Stop& stop) : boxes_(boxes), worker_(worker), stop_(stop) {}

  uint32_t worker() const noexcept override { return worker_; }
  uint32_t n_workers() const noexcept override { return static_cast<uint32_t>(boxes_.size()); }
  void exchange(std::span<const Outgoing> out, std::span<const Incoming> in, uint32_t channel,
                Deadline deadline) override {
    stop_.expect_going_on();
    for (const Outgoing& message : out) boxes_[message.to].put(worker_, channel, message.bytes);
    for (const Incoming& message : in) {
      const std::vector<std::byte> bytes = boxes_[worker_].take(message.from, channel, deadline);
      check(bytes.size() == message.bytes.size(), "a message has the size that is expected");
      std::copy(bytes.begin(), bytes.end(), message.bytes.begin());
    }
  }
  void abort(const std::string& why) noexcept override { stop_.stop(why); }

 private:
  std::deque<Mailbox>& boxes_;
  uint32_t worker_;
  Stop& stop_;
};

/// Runs `work(worker)` on a thread for each; what the first one throws ends the others and is thrown on.
void run_threads(uint32_t n_workers, Stop& stop, const std::function<void(uint32_t)>& work) {
  std::mutex mutex;
  std::exception_ptr first, after_stop;  // what follows from another's end is worth less than its reason
  const auto fail = [&](const std::string& why, bool is_told) {
    {
      const std::lock_guard lock(mutex);
      std::exception_ptr& place = is_told ? after_stop : first;
      if (!place) place = std::current_exception();
    }
    stop.stop(why);
  };
  {
    std::vector<std::jthread> threads;
    for (uint32_t worker = 0; worker < n_workers; ++worker) {
      threads.emplace_back([&, worker] {
        try {
          work(worker);
        } catch (const Error& error) {
          fail("worker " + std::to_string(worker) + ": " + error.what(), error.code() == ErrorCode::remote);
        } catch (const std::exception& error) {
          fail("worker " + std::to_string(worker) + ": " + error.what(), false);
        }
      });
    }
  }
  if (first) std::rethrow_exception(first);
  if (after_stop) std::rethrow_exception(after_stop);
}

std::vector<uint32_t> numbers_to(uint32_t n) {
  std::vector<uint32_t> numbers(n);
  for (uint32_t i = 0; i < n; ++i) numbers[i] = i;
  return numbers;
}

}  // namespace

void run_workers(uint32_t n_workers, size_t cores, const std::function<void(Transport&)>& work) {
  Stop stop;
  World world(stop, n_workers, cores == 0 ? default_threads() : cores);
  run_threads(n_workers, stop, [&](uint32_t worker) {
    SharedMemoryTransport transport(world, numbers_to(n_workers), worker, 0);
    const WithPermit permit(world.permits());
    work(transport);
  });
}

void run_workers_by_messages(uint32_t n_workers, const std::function<void(Transport&)>& work) {
  run_workers_over_links(
      n_workers, [](std::shared_ptr<MessageLink> link) { return link; }, work);
}

void run_workers_over_links(uint32_t n_workers, const WrapLink& wrap, const std::function<void(Transport&)>& work) {
  Stop stop;
  std::deque<Mailbox> boxes;
  for (uint32_t i = 0; i < n_workers; ++i) boxes.emplace_back(stop);
  run_threads(n_workers, stop, [&](uint32_t worker) {
    MessageTransport transport(wrap(std::make_shared<MailboxLink>(boxes, worker, stop)));
    work(transport);
  });
}

}  // namespace coppice
