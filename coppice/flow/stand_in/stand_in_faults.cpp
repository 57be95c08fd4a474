// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_faults.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/stand_in/stand_in_fields.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, kStandInFaults> kNames = {
    "unauthorized",      "rate_limited",  "out_of_quota",  "server_error",       "unavailable",  "echoed_key",
    "cut_before_answer", "cut_in_answer", "html_page",     "wrong_content_type", "invalid_body", "slow",
    "endless",           "huge",          "missing_usage", "ignored_schema",     "invalid_json", "truncated_json",
    "duplicate_keys",    "refusal",       "sse_split",     "sse_crlf",           "sse_comments", "sse_malformed"};

constexpr double kMostSeconds = 86'400;
constexpr uint64_t kMostBytes = uint64_t{1} << 40;

StandInFaultOptions& options_of(StandInFaults& faults, StandInFault fault) {
  return faults.by_kind[static_cast<size_t>(fault)];
}

void read_fault(const json& value, const std::string& place, StandInFaultOptions& options) {
  if (value.is_number()) {
    options.rate = number_at(value, place, 0, 1);
    return;
  }
  if (!value.is_object()) refuse_field(value, "a rate from 0 to 1, or an object with a rate", place);
  StandInFields fields(value, place);
  options.rate = fields.number("rate", 1, 0, 1);
  options.first = static_cast<uint32_t>(fields.whole("first", 0, 1'000'000));
  options.seconds = fields.number("seconds", options.seconds, 0, kMostSeconds);
  options.bytes = fields.whole("bytes", options.bytes, kMostBytes);
  fields.expect_no_others();
}

void read_storm(const json& value, const std::string& place, StandInStorm& storm) {
  StandInFields fields(value, place);
  storm.rate = fields.number("rate", storm.rate, 0, 1);
  storm.seconds = fields.number("seconds", storm.seconds, 1e-3, kMostSeconds);
  storm.status = static_cast<int>(fields.whole("status", static_cast<uint64_t>(storm.status), 599));
  if (storm.status < 400) refuse_field(storm.status, "a status from 400 to 599", fields.place("status"));
  fields.expect_no_others();
}

}  // namespace

std::string_view fault_name(StandInFault fault) noexcept {
  return kNames[static_cast<size_t>(fault)];
}

StandInFaults::StandInFaults() {
  options_of(*this, StandInFault::rate_limited).seconds = 1;
  options_of(*this, StandInFault::unavailable).seconds = 1;
  options_of(*this, StandInFault::slow).seconds = 0.05;
  options_of(*this, StandInFault::endless).bytes = uint64_t{1} << 33;
  options_of(*this, StandInFault::huge).bytes = uint64_t{100} << 20;
}

void read_faults(const json& settings, const std::string& place, StandInFaults& faults) {
  StandInFields fields(settings, place);
  for (size_t i = 0; i < kStandInFaults; ++i) {
    const std::string name(kNames[i]);
    if (const json* value = fields.find(name)) read_fault(*value, fields.place(name), faults.by_kind[i]);
  }
  if (const json* value = fields.find("storm")) read_storm(*value, fields.place("storm"), faults.storm);
  fields.expect_no_others();
  double sum = 0;
  for (const StandInFaultOptions& options : faults.by_kind) sum += options.rate;
  if (sum > 1 + 1e-9) {
    throw Error(ErrorCode::usage, fmt::format("got rates of faults that come to {:.3g}, expected at most 1", sum),
                place, "each request has one fault at most");
  }
}

std::optional<StandInFault> draw_fault(const StandInFaults& faults, uint32_t times_before, Random random) noexcept {
  double left = random.uniform();
  for (size_t i = 0; i < kStandInFaults; ++i) {
    const StandInFaultOptions& options = faults.by_kind[i];
    if (left < options.rate) {
      const bool is_over = options.first > 0 && times_before >= options.first;
      return is_over ? std::nullopt : std::optional(static_cast<StandInFault>(i));
    }
    left -= options.rate;
  }
  return std::nullopt;
}

bool is_stormy(const StandInStorm& storm, double at_seconds, uint64_t seed) noexcept {
  if (storm.rate <= 0) return false;
  const auto piece = static_cast<uint64_t>(std::max(0.0, at_seconds) / storm.seconds);
  return Random(seed ^ 0x5707A1ULL, piece).uniform() < storm.rate;
}

}  // namespace coppice
