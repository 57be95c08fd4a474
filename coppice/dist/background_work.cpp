// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/background_work.h"

#include <utility>

#include "coppice/core/error.h"

namespace coppice {

BackgroundWork::BackgroundWork(Transport& transport, std::string name)
    : transport_(transport), name_(std::move(name)), thread_([this] { work_on(); }) {}

BackgroundWork::~BackgroundWork() {
  if (std::uncaught_exceptions() > n_exceptions_) {
    std::string why;
    {
      const std::lock_guard lock(mutex_);
      why = failure_ ? why_ : name_ + " ended by an error";  // the thread may not have told it yet
    }
    transport_.abort(why);
  }
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  transport_.wait_beside([&] { thread_.join(); });
}

uint64_t BackgroundWork::add(std::function<void()> work) {
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
    number = ++n_added_;
  }
  changed_.notify_all();
  return number;
}

void BackgroundWork::wait_for(uint64_t number) {
  transport_.wait_beside([&] {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_done_ >= number || failure_; });
  });
  expect_going_on();
}

void BackgroundWork::expect_going_on() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
}

void BackgroundWork::throw_reason() {
  try {
    expect_going_on();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::remote) throw;
  }
}

void BackgroundWork::work_on() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    do_next(lock);
    if (failure_) return;
  }
}

void BackgroundWork::do_next(std::unique_lock<std::mutex>& lock) {
  const std::function<void()> work = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  std::exception_ptr failure;
  std::string why;
  try {
    transport_.run_beside(work);
  } catch (const std::exception& error) {
    failure = std::current_exception();
    why = name_ + ": " + error.what();
  }
  lock.lock();
  failure_ = failure;
  why_ = why;
  if (!failure) ++n_done_;
  changed_.notify_all();
  if (!failure) return;
  lock.unlock();
  transport_.abort(why);  // who hears of it finds the reason above
  lock.lock();
}

}  // namespace coppice
