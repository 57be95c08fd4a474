// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

// The crew whose part this thread runs, and which of its threads this is.
thread_local const void* current_crew = nullptr;
thread_local size_t current_worker = 0;

}  // namespace

size_t default_threads() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1u, std::thread::hardware_concurrency());
}

struct ThreadPool::Crew {
  using Work = std::function<void(size_t, size_t)>;

  std::mutex mutex;
  std::condition_variable work_ready;
  std::condition_variable work_done;
  const Work* work = nullptr;
  size_t parts = 0;
  size_t round = 0;
  size_t busy = 0;
  bool closing = false;
  std::atomic<size_t> next_part{0};
  size_t failed_part = std::numeric_limits<size_t>::max();
  std::exception_ptr failure;
  size_t size = 1;
  std::vector<std::jthread> members;  // last: joins before the rest goes

  void start() {
    members.reserve(size - 1);
    for (size_t worker = 1; worker < size; ++worker) {
      members.emplace_back([this, worker] { member(worker); });
    }
  }

  /// Ends the members, which wait for work and would wait for ever.
  void close() {
    std::lock_guard lock(mutex);
    closing = true;
    work_ready.notify_all();
  }

  void take_parts(const Work& run_part, size_t count, size_t worker) {
    current_crew = this;
    current_worker = worker;
    for (size_t part; (part = next_part.fetch_add(1, std::memory_order_relaxed)) < count;) {
      try {
        run_part(part, worker);
      } catch (...) {
        std::lock_guard lock(mutex);
        if (part < failed_part) {
          failed_part = part;
          failure = std::current_exception();
        }
        next_part.store(count, std::memory_order_relaxed);
      }
    }
    current_crew = nullptr;
  }

  void member(size_t worker) {
    size_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      work_ready.wait(lock, [&] { return closing || round != seen; });
      if (closing) return;
      seen = round;
      const Work* current = work;
      const size_t count = parts;
      lock.unlock();
      take_parts(*current, count, worker);
      lock.lock();
      if (--busy == 0) work_done.notify_one();
    }
  }
};

ThreadPool::ThreadPool(size_t threads) : crew_(std::make_unique<Crew>()) {
  crew_->size = threads == 0 ? default_threads() : threads;
  try {
    crew_->start();
  } catch (const std::system_error& error) {
    const size_t started = crew_->members.size() + 1;
    crew_->close();
    throw Error(ErrorCode::memory,
                "only " + std::to_string(started) + " of " + counted(crew_->size, "thread") +
                    " could be started: " + error.code().message(),
                {}, "give fewer: --threads 1 starts none; ulimit -u and ulimit -v show the limits of the shell");
  } catch (...) {
    crew_->close();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  crew_->close();
}

size_t ThreadPool::threads() const noexcept {
  return crew_->size;
}

void ThreadPool::run(size_t parts, const std::function<void(size_t, size_t)>& work) {
  if (current_crew != nullptr || crew_->size == 1 || parts <= 1) {
    const size_t worker = current_crew == crew_.get() ? current_worker : 0;
    for (size_t part = 0; part < parts; ++part) work(part, worker);
    return;
  }
  Crew& crew = *crew_;
  {
    std::lock_guard lock(crew.mutex);
    crew.work = &work;
    crew.parts = parts;
    crew.next_part.store(0, std::memory_order_relaxed);
    crew.failed_part = std::numeric_limits<size_t>::max();
    crew.failure = nullptr;
    crew.busy = crew.size - 1;
    ++crew.round;
  }
  crew.work_ready.notify_all();
  crew.take_parts(work, parts, 0);
  std::unique_lock lock(crew.mutex);
  crew.work_done.wait(lock, [&] { return crew.busy == 0; });
  if (crew.failure) std::rethrow_exception(crew.failure);
}

void ThreadPool::for_ranges(size_t count, size_t grain, const std::function<void(size_t, size_t, size_t)>& work) {
  grain = std::max<size_t>(1, grain);
  run((count + grain - 1) / grain, [&](size_t part, size_t worker) {
    const size_t begin = part * grain;
    work(begin, std::min(count, begin + grain), worker);
  });
}

}  // namespace coppice
