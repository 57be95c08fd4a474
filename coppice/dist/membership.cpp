// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/membership.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace coppice {
namespace {

std::optional<uint64_t> take_number(std::string_view& text, int base) {
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return number;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text[0] != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Member> take_member(std::string_view& text) {
  const std::optional<uint64_t> worker = take_number(text, 10);
  if (!worker || *worker > UINT32_MAX || !take(text, '.')) return std::nullopt;
  const std::optional<uint64_t> start = take_number(text, 10);
  if (!start || !take(text, '.')) return std::nullopt;
  const std::optional<uint64_t> process = take_number(text, 16);
  if (!process) return std::nullopt;
  return Member{static_cast<uint32_t>(*worker), *start, *process};
}

}  // namespace

uint32_t Generation::rank_of(const Member& member) const noexcept {
  return static_cast<uint32_t>(std::find(members.begin(), members.end(), member) - members.begin());
}

std::string text_of(const Member& member) {
  char process[17] = "";
  *std::to_chars(process, process + 16, member.process, 16).ptr = '\0';
  return std::to_string(member.worker) + "." + std::to_string(member.start) + "." + process;
}

std::string text_of(const std::vector<Member>& members) {
  std::string text;
  for (const Member& member : members) text += (text.empty() ? "" : " ") + text_of(member);
  return text;
}

std::vector<Member> members_in(std::string_view text) {
  std::vector<Member> members;
  do {
    const std::optional<Member> member = take_member(text);
    if (!member) return {};
    members.push_back(*member);
  } while (take(text, ' '));
  return text.empty() ? members : std::vector<Member>();
}

namespace membership_key {

std::string beat(const Member& member) {
  return std::string(kBeatFolder) + text_of(member);
}
std::string join(uint32_t worker) {
  return std::string(kJoinFolder) + std::to_string(worker);
}
std::string gone(uint32_t worker) {
  return "life/gone/" + std::to_string(worker);
}
std::string ready_folder(uint64_t generation) {
  return "life/ready/" + std::to_string(generation) + "/";
}
std::string ready(uint64_t generation, const Member& member) {
  return ready_folder(generation) + text_of(member);
}
std::string members(uint64_t generation) {
  return std::string(kMembersFolder) + std::to_string(generation);
}

}  // namespace membership_key

}  // namespace coppice
