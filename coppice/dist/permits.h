// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace coppice {

/// How many workers may compute at a time. (std::counting_semaphore of libstdc++ before GCC 13 sleeps for ever now and
/// then, where one gives its permit back while two come: bug 104928 of GCC.)
class Permits {
 public:
  explicit Permits(size_t count) : left_(count) {}
  void acquire() {
    std::unique_lock lock(mutex_);
    one_is_left_.wait(lock, [&] { return left_ > 0; });
    --left_;
  }
  void release() {
    {
      const std::lock_guard lock(mutex_);
      ++left_;
    }
    one_is_left_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable one_is_left_;
  size_t left_;
};

class WithPermit {
 public:
  explicit WithPermit(Permits& permits) : permits_(permits) { permits_.acquire(); }
  ~WithPermit() { permits_.release(); }
  WithPermit(const WithPermit&) = delete;
  WithPermit& operator=(const WithPermit&) = delete;

 private:
  Permits& permits_;
};

/// Of someone who has one.
class WithoutPermit {
 public:
  explicit WithoutPermit(Permits& permits) : permits_(permits) { permits_.release(); }
  ~WithoutPermit() { permits_.acquire(); }
  WithoutPermit(const WithoutPermit&) = delete;
  WithoutPermit& operator=(const WithoutPermit&) = delete;

 private:
  Permits& permits_;
};

}  // namespace coppice
