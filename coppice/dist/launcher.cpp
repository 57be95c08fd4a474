// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/launcher.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/dist/store.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

/// This program's variables, but for those that are set.
std::vector<std::string> with_variables(const std::vector<std::string>& set) {
  std::vector<std::string> variables = set;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string variable = *at;
    const std::string name = variable.substr(0, variable.find('=') + 1);
    const bool is_set =
        std::any_of(set.begin(), set.end(), [&](const std::string& own) { return own.starts_with(name); });
    if (!is_set) variables.push_back(variable);
  }
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts a program that ends when this one does. Throws where it cannot be started.
pid_t start(std::vector<std::string> command, const std::vector<std::string>& variables) {
  std::vector<std::string> all = with_variables(variables);
  const std::vector<char*> arguments = pointers_to(command), environment = pointers_to(all);
  int failed[2];
  if (pipe2(failed, O_CLOEXEC) != 0)
    throw Error(ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {  // nothing here but calls of the system
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    execvpe(arguments[0], arguments.data(), environment.data());
    const int error_number = errno;
    (void)!write(failed[1], &error_number, sizeof error_number);
    _exit(127);
  }
  close(failed[1]);
  int error_number = child < 0 ? errno : 0;
  const bool has_failed = child < 0 || read(failed[0], &error_number, sizeof error_number) > 0;
  close(failed[0]);
  if (!has_failed) return child;
  if (child > 0) waitpid(child, nullptr, 0);
  throw_io_error("start", command[0], error_number);
}

/// The workers that have not ended yet; those that are left at the end are killed.
class Crew {
 public:
  explicit Crew(double grace_seconds) : grace_(std::chrono::duration<double>(grace_seconds)) {}
  ~Crew() {
    for (const pid_t worker : workers_) {
      kill(worker, SIGKILL);
      waitpid(worker, nullptr, 0);
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void add(pid_t worker) { workers_.push_back(worker); }
  bool empty() const noexcept { return workers_.empty(); }
  int exit_code() const noexcept { return exit_code_; }

  /// Asks all to end, once.
  void end() {
    if (is_ending_) return;
    is_ending_ = true;
    killed_at_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(grace_);
    for (const pid_t worker : workers_) kill(worker, SIGTERM);
  }

  /// Looks who has ended since, and what is to be done then.
  void look_after() {
    std::erase_if(workers_, [&](pid_t worker) {
      int status = 0;
      if (waitpid(worker, &status, WNOHANG) == 0) return false;
      const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (code != 0 && exit_code_ == 0 && !is_ending_) exit_code_ = code;
      return true;
    });
    if (exit_code_ != 0) end();
    if (is_ending_ && Clock::now() >= killed_at_) {
      for (const pid_t worker : workers_) kill(worker, SIGKILL);
    }
  }

 private:
  std::chrono::duration<double> grace_;
  std::vector<pid_t> workers_;
  bool is_ending_ = false;
  Clock::time_point killed_at_;
  int exit_code_ = 0;
};

}  // namespace

int launch_workers(const std::vector<std::string>& command, const LaunchOptions& options, Progress& progress) {
  check(!command.empty(), "a program to run");
  const StoreServer store("127.0.0.1", 0);
  Crew crew(options.grace_seconds);
  for (uint32_t worker = 0; worker < options.n_workers; ++worker) {
    crew.add(start(command,
                   {"RANK=" + std::to_string(worker), "WORLD_SIZE=" + std::to_string(options.n_workers),
                    "LOCAL_RANK=" + std::to_string(worker), "COPPICE_STORE=127.0.0.1:" + std::to_string(store.port()),
                    "COPPICE_JOB=launch-" + std::to_string(getpid())}));
  }
  while (!crew.empty()) {
    crew.look_after();
    if (progress.stop_requested()) crew.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  progress.throw_if_stopped();
  return crew.exit_code();
}

}  // namespace coppice
