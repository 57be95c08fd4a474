// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_limits.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace coppice {
namespace {

using std::chrono::milliseconds;

constexpr double kMostSeconds = 1e6;                 ///< more is a date, or nonsense
constexpr uint64_t kMostAmount = uint64_t{1} << 40;  ///< of one call: no sum of them is beyond a number

std::optional<uint64_t> count(const HttpHeaders& headers, const char* name) {
  const auto text = headers.find(name);
  uint64_t number = 0;
  if (!text) return {};
  const auto [end, fault] = std::from_chars(text->data(), text->data() + text->size(), number);
  return fault == std::errc() && end == text->data() + text->size() ? std::optional(number) : std::nullopt;
}

std::optional<milliseconds> wait(const HttpHeaders& headers, const char* name) {
  const auto text = headers.find(name);
  return text ? parse_wait(*text) : std::nullopt;
}

/// The number that begins the text, which is taken off it; nothing where none does.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (fault != std::errc()) return {};
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

/// Seconds of the unit that begins the text, which is taken off it; 0 = none.
double take_unit(std::string_view& text) {
  constexpr std::pair<std::string_view, double> kUnits[]{{"ms", 1e-3}, {"h", 3600}, {"m", 60}, {"s", 1}};
  for (const auto& [name, seconds] : kUnits) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return seconds;
  }
  return 0;
}

}  // namespace

std::optional<milliseconds> parse_wait(std::string_view text) {
  double seconds = 0;
  bool has_unit = false;
  do {
    const auto number = take_number(text);
    if (!number) return {};
    const double unit = text.empty() && !has_unit ? 1 : take_unit(text);
    if (unit == 0) return {};
    has_unit = true;
    seconds += *number * unit;
  } while (!text.empty());
  if (!(seconds <= kMostSeconds)) return {};
  return milliseconds(static_cast<int64_t>(std::ceil(seconds * 1e3 - 1e-6)));
}

RateHints read_rate_hints(const HttpHeaders& headers) {
  RateHints hints;
  hints.requests = {count(headers, "x-ratelimit-limit-requests"), count(headers, "x-ratelimit-remaining-requests"),
                    wait(headers, "x-ratelimit-reset-requests")};
  hints.tokens = {count(headers, "x-ratelimit-limit-tokens"), count(headers, "x-ratelimit-remaining-tokens"),
                  wait(headers, "x-ratelimit-reset-tokens")};
  if (const auto ms = count(headers, "retry-after-ms"); ms && static_cast<double>(*ms) <= kMostSeconds * 1e3) {
    hints.retry_after = milliseconds(*ms);
  } else {
    hints.retry_after = wait(headers, "retry-after");
  }
  return hints;
}

void RateWindow::forget(Time now) {
  for (; !entries_.empty() && entries_.front().at + kLength <= now; ++first_number_) {
    sum_ -= entries_.front().amount;
    entries_.pop_front();
  }
}

RateWindow::Time RateWindow::room_for(uint64_t amount, Time now) {
  if (limit_ == 0) return now;
  forget(now);
  amount = std::min(amount, kMostAmount);
  uint64_t sum = sum_;
  Time at = now;
  for (const Entry& entry : entries_) {
    if (sum + amount <= limit_) break;
    sum -= entry.amount;
    at = entry.at + kLength;
  }
  return at;
}

uint64_t RateWindow::add(uint64_t amount, Time now) {
  if (limit_ == 0) return 0;
  amount = std::min(amount, kMostAmount);
  entries_.push_back({now, amount});
  sum_ += amount;
  return first_number_ + entries_.size() - 1;
}

void RateWindow::correct(uint64_t number, uint64_t amount) {
  if (number < first_number_ || number - first_number_ >= entries_.size()) return;
  amount = std::min(amount, kMostAmount);
  Entry& entry = entries_[number - first_number_];
  sum_ = sum_ - entry.amount + amount;
  entry.amount = amount;
}

void CallQueue::Left::learn(const RateHints::Bucket& bucket, Time now) {
  is_known = bucket.remaining && bucket.reset && *bucket.reset > milliseconds(0);
  if (!is_known) return;
  remaining = *bucket.remaining;
  limit = bucket.limit.value_or(0);
  learned = now;
  full = now + std::min<milliseconds>(*bucket.reset, kLongestHold);
}

CallQueue::Time CallQueue::Left::room_for(uint64_t amount) const {
  if (!is_known || amount <= remaining) return Time::min();
  if (limit <= remaining || amount >= limit) return full;
  // It fills up steadily: all that is missing comes until `full`.
  const double part = static_cast<double>(amount - remaining) / static_cast<double>(limit - remaining);
  return learned + std::chrono::ceil<milliseconds>((full - learned) * part);
}

void CallQueue::Left::take(uint64_t amount, Time now) {
  if (now >= full) is_known = false;
  remaining -= std::min(amount, remaining);
}

CallQueue::CallQueue(const GateLimits& limits)
    : limits_(limits), requests_(limits.requests_per_minute), tokens_(limits.tokens_per_minute) {
  limits_.concurrency = std::max(limits_.concurrency, 1u);
}

uint64_t CallQueue::wait(const std::string& step, uint64_t tokens) {
  by_step_[step].emplace(next_number_, tokens);
  ++waiting_;
  return next_number_++;
}

void CallQueue::give_up(const std::string& step, uint64_t number) {
  const auto found = by_step_.find(step);
  if (found == by_step_.end() || found->second.erase(number) == 0) return;
  --waiting_;
  if (found->second.empty()) by_step_.erase(found);
}

std::optional<CallQueue::Turn> CallQueue::next_turn() const {
  if (by_step_.empty()) return {};
  auto step = by_step_.upper_bound(last_step_);
  if (step == by_step_.end()) step = by_step_.begin();
  const auto& [number, tokens] = *step->second.begin();
  return Turn{step->first, number, tokens};
}

CallQueue::Time CallQueue::earliest(const Turn& turn, Time now) {
  return std::max({hold_, requests_.room_for(1, now), tokens_.room_for(turn.tokens, now), left_requests_.room_for(1),
                   left_tokens_.room_for(turn.tokens)});
}

std::optional<uint64_t> CallQueue::admit(Time now) {
  const auto turn = next_turn();
  if (!turn || flying_.size() >= limits_.concurrency || earliest(*turn, now) > now) return {};
  last_step_ = turn->step;
  give_up(turn->step, turn->number);
  requests_.add(1, now);
  left_requests_.take(1, now);
  left_tokens_.take(turn->tokens, now);
  flying_.emplace(turn->number, tokens_.add(turn->tokens, now));
  return turn->number;
}

CallQueue::Time CallQueue::next(Time now) {
  const auto turn = next_turn();
  if (!turn || flying_.size() >= limits_.concurrency) return Time::max();
  return earliest(*turn, now);
}

void CallQueue::leave(uint64_t number, std::optional<uint64_t> tokens) {
  const auto found = flying_.find(number);
  if (found == flying_.end()) return;
  if (tokens) tokens_.correct(found->second, *tokens);
  flying_.erase(found);
}

void CallQueue::learn(const RateHints& hints, int status, Time now) {
  if (hints.requests.remaining) left_requests_.learn(hints.requests, now);
  if (hints.tokens.remaining) left_tokens_.learn(hints.tokens, now);
  const bool is_busy = status == 429 || status == 503;
  if (is_busy && hints.retry_after && *hints.retry_after <= kLongestHold) {
    hold_ = std::max(hold_, now + *hints.retry_after);
  }
}

}  // namespace coppice
