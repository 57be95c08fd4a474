// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/subprocess.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "coppice/core/error.h"

extern char** environ;

namespace coppice {
namespace {

constexpr int kLookMilliseconds = 100;

/// An end of a pipe.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor out, in;  // what is written to `in` comes out of `out`
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_io_error("make a pipe for", "a program", errno);
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
};

class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  void duplicate(int from, int to) { posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void change_folder(const std::string& folder) { posix_spawn_file_actions_addchdir_np(&actions_, folder.c_str()); }
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

/// Signals as a program expects them, in a process group of its own.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none, pipe;
    sigemptyset(&none);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &pipe);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

/// Ours, and what is named beside it.
std::vector<std::string> environment_of(const ProgramCall& call) {
  std::vector<std::string> all;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string entry = *at;
    const std::string name = entry.substr(0, entry.find('='));
    if (!call.environment.contains(name) && !call.hidden.contains(name)) all.push_back(entry);
  }
  for (const auto& [name, value] : call.environment) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> made;
  for (std::string& text : texts) made.push_back(text.data());
  made.push_back(nullptr);
  return made;
}

/// A program that runs, and its pipes. Ended, with all that it started, when this goes.
class Child {
 public:
  explicit Child(const ProgramCall& call) {
    Pipe input, output, messages;
    Actions actions;
    actions.duplicate(input.out.number(), STDIN_FILENO);
    actions.duplicate(output.in.number(), STDOUT_FILENO);
    actions.duplicate(messages.in.number(), STDERR_FILENO);
    if (!call.folder.empty()) actions.change_folder(call.folder);
    const Attributes attributes;
    std::vector<std::string> command = call.command, environment = environment_of(call);
    const int failed = posix_spawnp(&process_, command.front().c_str(), actions.get(), attributes.get(),
                                    pointers(command).data(), pointers(environment).data());
    if (failed != 0) throw_io_error("start", call.command.front(), failed);
    input_ = std::move(input.in);
    output_ = std::move(output.out);
    messages_ = std::move(messages.out);
    for (const Descriptor* end : {&input_, &output_, &messages_}) {
      fcntl(end->number(), F_SETFL, fcntl(end->number(), F_GETFL) | O_NONBLOCK);
    }
  }
  ~Child() {
    if (process_ <= 0) return;
    kill(-process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Feeds and reads until it has closed its output, or `look` throws, which is asked several times a second.
  ProgramResult talk(const ProgramCall& call, const std::function<void()>& look) {
    ProgramResult result;
    std::string_view left = call.input;
    if (left.empty()) input_.close();
    while (output_.is_open() || messages_.is_open()) {
      std::array<pollfd, 3> waits = {
          pollfd{output_.number(), POLLIN, 0}, {messages_.number(), POLLIN, 0}, {input_.number(), POLLOUT, 0}};
      (void)poll(waits.data(), waits.size(), kLookMilliseconds);
      if (waits[0].revents != 0) take(output_, result.output);
      if (waits[1].revents != 0) take(messages_, result.messages);
      if (waits[2].revents != 0) give(left);
      if (result.output.size() + result.messages.size() > call.max_output_bytes) {
        throw Error(ErrorCode::data,
                    fmt::format("'{}' wrote more than {} bytes", call.command.front(), call.max_output_bytes));
      }
      look();
    }
    result.exit_code = wait(look);
    return result;
  }

 private:
  static void take(Descriptor& from, std::string& to) {
    std::array<char, 65536> buffer;
    const ssize_t got = read(from.number(), buffer.data(), buffer.size());
    if (got > 0) {
      to.append(buffer.data(), static_cast<size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      from.close();
    }
  }

  /// A program need not read its input.
  void give(std::string_view& left) {
    const ssize_t given = write(input_.number(), left.data(), left.size());
    if (given > 0) left.remove_prefix(static_cast<size_t>(given));
    if (left.empty() || (given < 0 && errno != EAGAIN && errno != EINTR)) input_.close();
  }

  /// Its output may be closed long before it ends.
  int wait(const std::function<void()>& look) {
    int status = 0;
    while (waitpid(process_, &status, WNOHANG) == 0) {
      look();
      (void)poll(nullptr, 0, 2);
    }
    process_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  pid_t process_ = -1;
  Descriptor input_, output_, messages_;
};

/// A write to a program that has gone is an error to be seen, and no end of ours.
class WithoutPipeSignal {
 public:
  WithoutPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~WithoutPipeSignal() {
    const timespec now{};
    while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  WithoutPipeSignal(const WithoutPipeSignal&) = delete;
  WithoutPipeSignal& operator=(const WithoutPipeSignal&) = delete;

 private:
  sigset_t pipe_, before_;
};

}  // namespace

ProgramResult run_program(const ProgramCall& call) {
  check(!call.command.empty(), "a program has a name");
  const WithoutPipeSignal quiet;
  Child child(call);
  return child.talk(call, [&] {
    if (std::chrono::steady_clock::now() > call.deadline) {
      throw Error(ErrorCode::timeout, fmt::format("'{}' did not end in time", call.command.front()));
    }
    if (call.is_cancelled && call.is_cancelled()) throw Error(ErrorCode::cancelled, "stopped on request");
  });
}

}  // namespace coppice
