// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/lease_owner.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "coppice/flow/journal/journal.h"

namespace coppice {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Which machine, since which start of it, and which space of process numbers: containers on one machine have their
/// own. The name alone is not enough, nor the start alone: copies of a virtual machine share theirs.
struct Place {
  std::string host, boot, numbers;

  static Place here() {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    std::array<char, 64> link{};
    const ssize_t size = ::readlink("/proc/self/ns/pid", link.data(), link.size());
    return {host.data(), first_line("/proc/sys/kernel/random/boot_id"),
            size > 0 ? std::string(link.data(), static_cast<size_t>(size)) : std::string()};
  }
  bool is_known() const noexcept { return !boot.empty() && !numbers.empty(); }
  friend bool operator==(const Place&, const Place&) = default;
};

struct ProcessState {
  char letter = '?';
  std::string start;  ///< in ticks since the machine's start
  std::string threads;
};

/// Of /proc/PID/stat; the second field, a name in brackets, may hold blanks and brackets.
std::optional<ProcessState> state_of(pid_t process) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", process));
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  constexpr int kState = 3, kThreads = 20, kStart = 22;  // as proc(5) counts fields
  std::istringstream fields(line.substr(name_end + 1));
  ProcessState state;
  std::string field;
  for (int number = kState; number <= kStart && fields >> field; ++number) {
    if (number == kState) state.letter = field.front();
    if (number == kThreads) state.threads = field;
    if (number == kStart) state.start = field;
  }
  if (state.start.empty()) return std::nullopt;
  return state;
}

/// The parts of "host/1234/987654/BOOT/pid:[4026531836]".
struct ParsedOwner {
  pid_t process = 0;
  std::string start;
  Place place;
};

std::optional<ParsedOwner> parse_owner(std::string_view owner) {
  std::array<std::string_view, 5> parts;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t end = owner.find('/');
    if ((end == owner.npos) != (i + 1 == parts.size())) return std::nullopt;
    parts[i] = owner.substr(0, end);
    owner.remove_prefix(end == owner.npos ? owner.size() : end + 1);
  }
  ParsedOwner parsed{0, std::string(parts[2]), {std::string(parts[0]), std::string(parts[3]), std::string(parts[4])}};
  const auto [end, fault] = std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), parsed.process);
  const bool is_number = fault == std::errc() && end == parts[1].data() + parts[1].size() && parsed.process > 0;
  return is_number ? std::optional(std::move(parsed)) : std::nullopt;
}

/// A process that has ended and was not waited for yet; not one whose first thread has ended before others.
bool is_over(const ProcessState& state) noexcept {
  return (state.letter == 'Z' || state.letter == 'X') && (state.threads == "0" || state.threads == "1");
}

}  // namespace

std::string journal_owner() {
  const std::optional<ProcessState> self = state_of(::getpid());
  const Place here = Place::here();
  return fmt::format("{}/{}/{}/{}/{}", here.host, ::getpid(), self ? self->start : "", here.boot, here.numbers);
}

OwnerLife life_of(const std::string& owner) {
  const std::optional<ParsedOwner> parsed = parse_owner(owner);
  if (!parsed || parsed->start.empty()) return OwnerLife::unknown;
  if (!parsed->place.is_known() || parsed->place != Place::here()) return OwnerLife::unknown;
  if (::kill(parsed->process, 0) != 0 && errno == ESRCH) return OwnerLife::dead;
  const std::optional<ProcessState> state = state_of(parsed->process);
  if (!state) return OwnerLife::alive;  // it is there, though nothing may be read of it
  return state->start != parsed->start || is_over(*state) ? OwnerLife::dead : OwnerLife::alive;
}

std::string owner_text(const std::string& owner) {
  const std::optional<ParsedOwner> parsed = parse_owner(owner);
  if (!parsed) return fmt::format("'{}'", owner);
  const bool is_here = parsed->place.is_known() && parsed->place == Place::here();
  return fmt::format("process {} on {}", parsed->process, is_here ? "this machine" : parsed->place.host);
}

}  // namespace coppice
