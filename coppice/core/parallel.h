// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace coppice {

/// A fixed crew of threads; the calling thread is one of them.
///
/// Work is split into parts that do not depend on the number of threads, so that results do not either. An exception
/// in a part stops the handing out of further parts and is rethrown to the caller (the one of the lowest part, of
/// those that failed). A loop started inside a part runs inline.
/// Threads: one loop at a time; `run` may be called from the thread that made the pool only.
class ThreadPool {
 public:
  /// `threads` 0 = as many as the machine has cores. Throws `ErrorCode::memory` when the system starts no more threads.
  explicit ThreadPool(size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  size_t threads() const noexcept;

  /// Calls `work(part, worker)` for each part in [0, parts), lowest first; worker in [0, threads()) names the thread
  /// for scratch memory.
  void run(size_t parts, const std::function<void(size_t part, size_t worker)>& work);

  /// Splits [0, count) into ranges of `grain` and calls `work(begin, end, worker)` for each.
  void for_ranges(size_t count, size_t grain, const std::function<void(size_t begin, size_t end, size_t worker)>& work);

 private:
  struct Crew;
  std::unique_ptr<Crew> crew_;
};

/// What 0 threads means here: the cores this process may use.
size_t default_threads() noexcept;

}  // namespace coppice
