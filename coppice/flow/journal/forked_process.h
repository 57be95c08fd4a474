// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <utility>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coppice {

/// A process that tests start and kill. It runs `work` with the end of a pipe that the test reads, and ends with what
/// `work` returns, or 99 for an exception. The test must have no other threads.
class ForkedProcess {
 public:
  explicit ForkedProcess(const std::function<int(int pipe)>& work) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    id_ = ::fork();
    if (id_ == 0) {
      ::close(ends[0]);
      int result = 99;
      try {
        result = work(ends[1]);
      } catch (...) {
      }
      ::_exit(result);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
  }
  ~ForkedProcess() {
    kill();
    wait();
    if (pipe_ >= 0) ::close(pipe_);
  }
  ForkedProcess(ForkedProcess&& other) noexcept
      : id_(std::exchange(other.id_, -1)), pipe_(std::exchange(other.pipe_, -1)) {}
  ForkedProcess& operator=(ForkedProcess&& other) noexcept {  // ours ends with `other`
    std::swap(id_, other.id_);
    std::swap(pipe_, other.pipe_);
    return *this;
  }

  pid_t id() const noexcept { return id_; }
  int pipe() const noexcept { return pipe_; }

  void kill(int signal = SIGKILL) const noexcept {
    if (id_ > 0) ::kill(id_, signal);
  }
  /// What it ended with; -1 where it was killed.
  int wait() noexcept {
    if (id_ <= 0) return -1;
    int status = 0;
    ::waitpid(std::exchange(id_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t id_ = -1;
  int pipe_ = -1;
};

}  // namespace coppice
