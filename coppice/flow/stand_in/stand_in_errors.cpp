// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_errors.h"
#include "coppice/flow/json/compact_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace coppice {
namespace {

using nlohmann::ordered_json;

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json() : ordered_json(text);
}

/// Whole seconds for those who know nothing finer.
void ask_to_wait(HttpHeaders& headers, double seconds) {
  headers.set("retry-after-ms", std::to_string(static_cast<uint64_t>(std::ceil(seconds * 1000))));
  headers.set("retry-after", std::to_string(static_cast<uint64_t>(std::ceil(seconds))));
}

void add_limit(HttpHeaders& headers, const std::string& of, double limit, double remaining, double reset_seconds) {
  headers.set("x-ratelimit-limit-" + of, std::to_string(static_cast<uint64_t>(limit)));
  headers.set("x-ratelimit-remaining-" + of, std::to_string(static_cast<uint64_t>(remaining)));
  headers.set("x-ratelimit-reset-" + of, reset_text(reset_seconds));
}

StandInPlan limited_plan(const StandInArrival& arrival, double seconds) {
  const double wait = seconds / arrival.ask.options.times_faster;
  StandInPlan plan = refusal_plan(
      {429, "Rate limit reached. Please try again in " + reset_text(wait) + ".", "requests", "", "rate_limit_exceeded"},
      arrival.at);
  ask_to_wait(plan.headers, wait);
  add_limit(plan.headers, "requests", static_cast<double>(std::max<uint64_t>(1, arrival.ask.model.requests_per_minute)),
            0, wait);
  return plan;
}

StandInPlan page_plan(double at) {
  StandInPlan plan;
  plan.headers.set("content-type", "text/html; charset=utf-8");
  plan.next = script_of({{at, StandInAct::send,
                          "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in</title></head>"
                          "<body><h1>Sign in to the network</h1></body></html>\n"}});
  return plan;
}

StandInPlan cut_plan(double at) {
  StandInPlan plan;
  plan.status = 0;
  plan.next = script_of({{at, StandInAct::cut, ""}});
  return plan;
}

StandInPlan unavailable_plan(const StandInArrival& arrival, double seconds) {
  StandInPlan plan =
      refusal_plan({503, "The engine is overloaded. Please try again later.", "server_error"}, arrival.at);
  ask_to_wait(plan.headers, seconds / arrival.ask.options.times_faster);
  return plan;
}

StandInPlan echo_plan(const StandInArrival& arrival) {
  const std::string sent(arrival.request.headers.find("authorization").value_or("none"));
  return refusal_plan({401, "Incorrect API key provided: " + sent, "invalid_request_error", "", "invalid_api_key"},
                      arrival.at);
}

std::optional<StandInPlan> plan_in_place(StandInFault fault, const StandInArrival& arrival) {
  const double seconds = arrival.ask.model.faults.of(fault).seconds;
  switch (fault) {
    case StandInFault::unauthorized:
      return refusal_plan({401, "Incorrect API key provided.", "invalid_request_error", "", "invalid_api_key"},
                          arrival.at);
    case StandInFault::rate_limited:
      return limited_plan(arrival, seconds);
    case StandInFault::out_of_quota:
      return refusal_plan({429, "You exceeded your current quota.", "insufficient_quota", "", "insufficient_quota"},
                          arrival.at);
    case StandInFault::server_error:
      return refusal_plan({500, "The server had an error while processing your request.", "server_error"}, arrival.at);
    case StandInFault::unavailable:
      return unavailable_plan(arrival, seconds);
    case StandInFault::echoed_key:
      return echo_plan(arrival);
    case StandInFault::cut_before_answer:
      return cut_plan(arrival.at);
    case StandInFault::html_page:
      return page_plan(arrival.at);
    default:
      return std::nullopt;
  }
}

}  // namespace

StandInPlan refusal_plan(const StandInRefusal& refusal, double at) {
  const ordered_json body = {{"error",
                              {{"message", refusal.message},
                               {"type", refusal.type},
                               {"param", text_or_null(refusal.param)},
                               {"code", text_or_null(refusal.code)}}}};
  StandInPlan plan;
  plan.status = refusal.status;
  plan.headers.set("content-type", "application/json");
  plan.next = script_of({{at, StandInAct::send, compact_text(body)}});
  plan.arrived_at = plan.began_at = plan.first_token_at = plan.ended_at = at;
  return plan;
}

std::optional<StandInPlan> fault_plan(StandInFault fault, const StandInArrival& arrival) {
  auto plan = plan_in_place(fault, arrival);
  if (!plan) return std::nullopt;
  plan->fault = fault;
  plan->headers.set("x-stand-in-fault", std::string(fault_name(fault)));
  plan->arrived_at = plan->began_at = plan->first_token_at = plan->ended_at = arrival.at;
  return plan;
}

std::optional<StandInPlan> limit_plan(const RateState& rates, double tokens, double at) {
  const double for_requests = rates.requests.wait_seconds(at, 1), for_tokens = rates.tokens.wait_seconds(at, tokens);
  if (for_requests <= 0 && for_tokens <= 0) return std::nullopt;
  const char* const of = for_tokens > for_requests ? "tokens" : "requests";
  const double wait = std::max(for_requests, for_tokens) / rates.times_faster;
  const std::string advice =
      std::isfinite(wait) ? "Please try again in " + reset_text(wait) + "." : "The request is too large.";
  StandInPlan plan = refusal_plan(
      {429, "Rate limit reached on " + std::string(of) + " per minute. " + advice, of, "", "rate_limit_exceeded"}, at);
  if (std::isfinite(wait)) ask_to_wait(plan.headers, wait);
  add_limit_headers(rates, at, plan.headers);
  return plan;
}

void add_limit_headers(const RateState& rates, double at, HttpHeaders& headers) {
  const auto add = [&](const char* of, const RateBucket& bucket) {
    if (!bucket.is_limited()) return;
    add_limit(headers, of, bucket.limit(), bucket.remaining(at), bucket.reset_seconds(at) / rates.times_faster);
  };
  add("requests", rates.requests);
  add("tokens", rates.tokens);
}

}  // namespace coppice
