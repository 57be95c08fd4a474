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
#include <cstdlib>
#include <cstring>
#include <map>
#include <thread>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/membership.h"
#include "coppice/dist/store.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

/// From a worker's failure until the others are asked to end.
constexpr std::chrono::milliseconds kTimeToSayWhy(500);

/// That the store, which is here, may take to answer.
constexpr std::chrono::seconds kStoreLimit(5);

Clock::duration in_seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

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

/// Starts a program that ends when this one does, as a process group of its own. Such a one would be stopped for ever
/// when it read from a terminal: it reads nothing there. Throws where it cannot be started.
pid_t start(std::vector<std::string> command, const std::vector<std::string>& variables) {
  std::vector<std::string> all = with_variables(variables);
  const std::vector<char*> arguments = pointers_to(command), environment = pointers_to(all);
  int failed[2];
  if (pipe2(failed, O_CLOEXEC) != 0)
    throw Error(ErrorCode::io, std::string("cannot make a pipe: ") + std::strerror(errno));
  const int nothing = isatty(STDIN_FILENO) == 1 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
  const pid_t parent = getpid(), child = fork();
  if (child == 0) {  // nothing here but calls of the system
    setpgid(0, 0);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(1);
    execvpe(arguments[0], arguments.data(), environment.data());
    const int error_number = errno;
    (void)!write(failed[1], &error_number, sizeof error_number);
    _exit(127);
  }
  close(failed[1]);
  if (nothing >= 0) close(nothing);
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
  Crew(const std::vector<std::string>& command, const LaunchOptions& options, uint16_t store_port)
      : command_(command),
        options_(options),
        job_("launch-" + std::to_string(getpid())),
        store_port_(store_port),
        restarts_left_(options.restarts) {
    for (uint32_t number = 0; number < options.n_workers; ++number) start_one(number, 0);
  }
  ~Crew() {
    if (workers_.empty() && is_in_peace()) return;
    signal_all(SIGKILL);
    for (const Worker& worker : workers_) {
      waitpid(worker.process, nullptr, 0);
    }
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Whether all have ended; where one failed, or all are asked to end, with what they have started.
  bool has_ended() const noexcept { return workers_.empty() && (is_in_peace() || has_killed_ || left_groups_.empty()); }
  const LaunchEnd& first_failure() const noexcept { return first_failure_; }

  /// Asks all to end, once.
  void end() {
    if (is_ending_) return;
    is_ending_ = true;
    killed_at_ = Clock::now() + in_seconds(options_.grace_seconds);
    signal_all(SIGTERM);
  }

  /// Looks who has ended since, and what is to be done then.
  void look_after(Progress& progress) {
    std::vector<std::pair<Worker, int>> ended;
    std::erase_if(workers_, [&](const Worker& worker) {
      int status = 0;
      if (waitpid(worker.process, &status, WNOHANG) == 0) return false;
      ended.emplace_back(worker, status);
      left_groups_.push_back(worker.process);
      return true;
    });
    std::erase_if(left_groups_, [](pid_t group) { return kill(-group, 0) != 0; });
    for (const auto& [worker, status] : ended) look_after_end(worker, status, progress);
    if (one_has_finished_ && Clock::now() >= hang_looked_for_at_) end_those_that_hang(progress);
    // The others may end by themselves, and say why.
    if (first_failure_.code != 0 && Clock::now() >= failed_at_ + kTimeToSayWhy) end();
    if (is_ending_ && Clock::now() >= killed_at_) signal_all(SIGKILL), has_killed_ = true;
  }

 private:
  struct Worker {
    uint32_t number;
    uint64_t start;  ///< how often it was started before
    pid_t process;
    bool is_let_go = false;  ///< how it ends is of no interest
  };

  bool is_in_peace() const noexcept { return first_failure_.code == 0 && !is_ending_; }

  /// With what they have started themselves.
  void signal_all(int signal) const noexcept {
    for (const Worker& worker : workers_) kill(-worker.process, signal);
    for (const pid_t group : left_groups_) kill(-group, signal);
  }

  void start_one(uint32_t number, uint64_t start_number) {
    const std::string rank = std::to_string(number);
    std::vector<std::string> variables{"RANK=" + rank,
                                       "WORLD_SIZE=" + std::to_string(options_.n_workers),
                                       "LOCAL_RANK=" + rank,
                                       "LOCAL_WORLD_SIZE=" + std::to_string(options_.n_workers),
                                       "COPPICE_STORE=127.0.0.1:" + std::to_string(store_port_),
                                       "COPPICE_JOB=" + job_,
                                       "COPPICE_JOB_START=" + std::to_string(start_number)};
    if (std::getenv("COPPICE_ADDRESS") == nullptr) variables.emplace_back("COPPICE_ADDRESS=127.0.0.1");
    workers_.push_back({number, start_number, start(command_, variables)});
  }

  /// One that hangs, and that the others have done without, has nothing left to do once these have come to an end, by
  /// what the store says. Others may still be at work, on what follows the training.
  void end_those_that_hang(Progress& progress) {
    hang_looked_for_at_ = Clock::now() + in_seconds(options_.grace_seconds);
    if (is_ending_ || workers_.empty()) return;
    StoreClient store("127.0.0.1", store_port_, Clock::now() + kStoreLimit);
    const auto list = [&](std::string_view folder) {
      return store.list(job_ + "/" + std::string(folder), Clock::now() + kStoreLimit);
    };
    if (list(membership_key::kConcluded).empty()) return;
    const std::vector<Member> last = last_members_in(list(membership_key::kMembersFolder));
    for (Worker& worker : workers_) {
      const auto is_it = [&](const Member& member) { return member.worker == worker.number; };
      if (last.empty() || std::any_of(last.begin(), last.end(), is_it)) continue;
      progress.note("worker " + std::to_string(worker.number) + " has not ended, and is killed: the others are done");
      worker.is_let_go = true;
      kill(-worker.process, SIGKILL);
    }
  }

  /// Of the last generation.
  static std::vector<Member> last_members_in(const std::map<std::string, std::string>& generations) {
    uint64_t last = 0;
    std::vector<Member> members;
    for (const auto& [key, text] : generations) {
      const uint64_t number = std::strtoull(key.substr(key.rfind('/') + 1).c_str(), nullptr, 10);
      if (number >= last) last = number, members = members_in(text);
    }
    return members;
  }

  void look_after_end(const Worker& worker, int status, Progress& progress) {
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (code == 0 && !std::exchange(one_has_finished_, true)) {
      hang_looked_for_at_ = Clock::now() + in_seconds(options_.grace_seconds);
    }
    if (code == 0 || is_ending_ || worker.is_let_go) return;
    if (WIFSIGNALED(status) && is_bearable(worker, progress)) return;
    if (first_failure_.code == 0) first_failure_ = {code, worker.number}, failed_at_ = Clock::now();
  }

  /// Whether the others go on without it, or it is started again.
  bool is_bearable(const Worker& worker, Progress& progress) {
    const bool restarts = restarts_left_ > 0 && !one_has_finished_;
    const bool enough_are_left = options_.min_workers > 0 && workers_.size() >= options_.min_workers;
    if (!restarts && !enough_are_left && !(one_has_finished_ && options_.min_workers > 0)) return false;
    StoreClient store("127.0.0.1", store_port_, Clock::now() + kStoreLimit);
    store.set(job_ + "/" + membership_key::gone(worker.number), std::to_string(worker.start + 1),
              Clock::now() + kStoreLimit);
    progress.note("worker " + std::to_string(worker.number) + " is lost" + (restarts ? " and started again" : ""));
    if (!restarts) return true;
    --restarts_left_;
    start_one(worker.number, worker.start + 1);
    return true;
  }

  const std::vector<std::string>& command_;
  LaunchOptions options_;
  std::string job_;
  uint16_t store_port_;
  uint32_t restarts_left_;
  std::vector<Worker> workers_;
  std::vector<pid_t> left_groups_;  ///< of workers that have ended, where something still runs
  bool is_ending_ = false, has_killed_ = false, one_has_finished_ = false;
  Clock::time_point failed_at_, killed_at_, hang_looked_for_at_;
  LaunchEnd first_failure_;
};

}  // namespace

LaunchEnd launch_workers(const std::vector<std::string>& command, const LaunchOptions& options, Progress& progress) {
  check(!command.empty(), "a program to run");
  const StoreServer store("127.0.0.1", 0);
  Crew crew(command, options, store.port());
  while (!crew.has_ended()) {
    crew.look_after(progress);
    if (progress.stop_requested()) crew.end();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  progress.throw_if_stopped();
  return crew.first_failure();
}

}  // namespace coppice
