// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

#include "coppice/dist/transport.h"

namespace coppice {

/// Work with other workers that a thread beside that of this worker does, one piece after the other, while this one
/// goes on. All workers add the same pieces in the same order, and these use subgroups of `transport` that nothing else
/// uses meanwhile.
///
/// A piece that throws is the last one; the operations of all workers are then aborted.
/// Threads: all calls from the one that made it.
class BackgroundWork {
 public:
  /// Borrows the transport. `name`: of this worker, for the others' errors.
  BackgroundWork(Transport& transport, std::string name);
  /// Ends with the last piece, as others take part in it; by an exception: aborts.
  ~BackgroundWork();
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;

  /// The number of this piece, from 1.
  uint64_t add(std::function<void()> work);

  /// Returns once this piece and those before it are done. Throws what one of them threw.
  void wait_for(uint64_t number);

  /// Throws what a piece threw, if one has.
  void expect_going_on();

  /// Of two threads of a worker that fail, one may do so only because the other one has: throws what a piece threw, if
  /// that says more than that others are gone.
  void throw_reason();

 private:
  void work_on();
  void do_next(std::unique_lock<std::mutex>& lock);

  Transport& transport_;
  std::string name_;
  int n_exceptions_ = std::uncaught_exceptions();
  std::mutex mutex_;  ///< of what follows, the thread aside
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  uint64_t n_added_ = 0, n_done_ = 0;
  bool is_ending_ = false;
  std::exception_ptr failure_;
  std::string why_;  ///< what the others are told of it
  std::jthread thread_;
};

}  // namespace coppice
