// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// One process that takes part in a job. A worker that is started again has the same number and is another process.
struct Member {
  uint32_t worker = 0;   ///< its number in the job
  uint64_t start = 0;    ///< how often this worker has been started before
  uint64_t process = 0;  ///< a number that no other process has
  bool operator==(const Member&) const = default;
};

/// Those who train together until one of them is lost or one more comes.
struct Generation {
  uint64_t number = 0;          ///< from 1; 0: none yet
  std::vector<Member> members;  ///< ascending

  /// Of this process among the members; their number when it is none.
  uint32_t rank_of(const Member& member) const noexcept;
  bool has(const Member& member) const noexcept { return rank_of(member) < members.size(); }
};

/// "3.0.8f0a", as it stands in keys and values of the store. What is no such text gives no member.
std::string text_of(const Member& member);
std::vector<Member> members_in(std::string_view text);
std::string text_of(const std::vector<Member>& members);

/// Why a member left a generation for the next one.
enum class Readiness : char {
  rewinds = 'r',      ///< it has to train its block again
  has_ended = 'e',    ///< it has come to the end of its block, and the others need not hurry
  at_boundary = 'b',  ///< between two blocks, on purpose
};

/// Keys of the store, below the job's name, by which members know of each other.
namespace membership_key {
inline constexpr std::string_view kFolder = "life/";
std::string beat(const Member& member);
std::string join(uint32_t worker);
std::string gone(uint32_t worker);
std::string ready(uint64_t generation, const Member& member);
std::string ready_folder(uint64_t generation);
std::string members(uint64_t generation);
inline constexpr std::string_view kMembersFolder = "life/members/";
inline constexpr std::string_view kBeatFolder = "life/beat/";
inline constexpr std::string_view kJoinFolder = "life/join/";
inline constexpr std::string_view kFailed = "life/failed";
inline constexpr std::string_view kDone = "life/done";
inline constexpr std::string_view kConcluded = "life/concluded";
}  // namespace membership_key

}  // namespace coppice
