// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/random.h"

namespace coppice {

/// What the stand-in does wrong on purpose; in the settings each has its name (`fault_name`).
enum class StandInFault : uint8_t {
  unauthorized,        ///< 401
  rate_limited,        ///< 429 with retry-after and x-ratelimit-*; `seconds`: the wait it asks for
  out_of_quota,        ///< 429 with the code insufficient_quota, which no client should try again
  server_error,        ///< 500
  unavailable,         ///< 503 with retry-after; `seconds`: the wait it asks for
  echoed_key,          ///< 401 that repeats the header Authorization in its message
  cut_before_answer,   ///< the connection is reset before the first byte
  cut_in_answer,       ///< ... in the middle of the answer
  html_page,           ///< 200 with a page of HTML
  wrong_content_type,  ///< the right answer as text/plain
  invalid_body,        ///< a body that is no JSON; of a stream, no event
  slow,                ///< one byte at a time; `seconds`: between two
  endless,             ///< an answer that does not end, or only after `bytes`
  huge,                ///< an answer of `bytes`; of a stream, one event that is so long
  missing_usage,       ///< no usage in the answer
  ignored_schema,      ///< prose where a schema was asked for
  invalid_json,        ///< content that is no JSON where JSON was asked for
  truncated_json,      ///< content that breaks off, with finish_reason "stop"
  duplicate_keys,      ///< an object with the same key twice: the content where JSON was asked for, else the body
  refusal,             ///< a refusal in place of content
  sse_split,           ///< events of a stream cut into pieces of a few bytes
  sse_crlf,            ///< ... with lines that end in CR LF
  sse_comments,        ///< ... with comments, ids and unknown fields between
  sse_malformed,       ///< ... one of which is no JSON
  count
};

inline constexpr size_t kStandInFaults = static_cast<size_t>(StandInFault::count);

std::string_view fault_name(StandInFault fault) noexcept;

struct StandInFaultOptions {
  double rate = 0;     ///< the part of all requests
  uint32_t first = 0;  ///< where above 0: only the first so many times that the same request comes
  double seconds = 0;
  uint64_t bytes = 0;
};

/// Times in which the server answers every request with an error: time is cut into pieces of `seconds`, and each of
/// them is stormy with the probability `rate`.
struct StandInStorm {
  double rate = 0;
  double seconds = 5;
  int status = 503;
};

struct StandInFaults {
  StandInFaults();

  std::array<StandInFaultOptions, kStandInFaults> by_kind;
  StandInStorm storm;

  const StandInFaultOptions& of(StandInFault fault) const noexcept { return by_kind[static_cast<size_t>(fault)]; }
};

/// Reads {"server_error": 0.05, "slow": {"rate": 0.01, "seconds": 0.05}, "storm": {...}} over what `faults` has.
/// Throws `ErrorCode::usage` naming the place; also where the rates come to more than 1.
void read_faults(const nlohmann::json& settings, const std::string& place, StandInFaults& faults);

/// The fault of a request that has come `times_before` times, at most one; `random` is the request's.
std::optional<StandInFault> draw_fault(const StandInFaults& faults, uint32_t times_before, Random random) noexcept;

/// Is it stormy then?
bool is_stormy(const StandInStorm& storm, double at_seconds, uint64_t seed) noexcept;

}  // namespace coppice
