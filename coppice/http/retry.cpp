// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/held_json.h"
#include "coppice/http/characters.h"
#include "coppice/http/http_date.h"

namespace coppice {
namespace {

using std::chrono::milliseconds;

std::optional<double> number_of(std::optional<std::string_view> header) {
  if (!header) return std::nullopt;
  const std::string_view text = without_blanks(*header);
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// As it stands there: below zero, or no number at all, is as good as nothing.
std::optional<double> written_delay(const HttpHeaders& headers, std::chrono::system_clock::time_point now) {
  if (const auto ms = number_of(headers.find("retry-after-ms"))) return *ms;
  const auto header = headers.find("retry-after");
  if (const auto seconds = number_of(header)) return *seconds * 1000;
  const auto date = header ? parse_http_date(without_blanks(*header)) : std::nullopt;
  if (!date) return std::nullopt;
  return std::chrono::duration<double, std::milli>(*date - now).count();
}

/// More money is needed, not more time.
bool is_out_of_quota(const HttpResponse& response) {
  constexpr std::string_view kCode = "insufficient_quota";
  if (response.status != 429 || response.body.find(kCode) == std::string::npos) return false;
  const HeldJson body = parse_held_json(response.body);
  if (!body.value.is_object() || !body.value.contains("error")) return false;
  const nlohmann::json& error = body.value["error"];
  return error.is_object() && error.contains("code") && error["code"] == kCode;
}

bool is_worth_another(const HttpResponse& response) {
  const auto header = response.headers.find("x-should-retry");
  if (header == "true") return true;
  if (header == "false") return false;
  if (is_out_of_quota(response)) return false;
  const int status = response.status;
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

}  // namespace

std::optional<double> asked_delay(const HttpHeaders& headers, std::chrono::system_clock::time_point now) {
  const auto asked = written_delay(headers, now);
  return asked && *asked > 0 && std::isfinite(*asked) ? asked : std::nullopt;
}

std::optional<milliseconds> retry_delay(const RetryOptions& options, const Attempt& attempt,
                                        std::chrono::system_clock::time_point now, double jitter) {
  if (attempt.stream_began || attempt.retries_taken >= options.max_retries) return std::nullopt;
  if (attempt.response != nullptr) {
    if (!is_worth_another(*attempt.response)) return std::nullopt;
    const auto asked = asked_delay(attempt.response->headers, now);
    if (asked && *asked <= static_cast<double>(options.longest_asked.count())) {
      return milliseconds(std::llround(std::ceil(*asked)));
    }
  }
  const double doubled = static_cast<double>(options.first_delay.count()) *
                         std::exp2(static_cast<double>(std::min<uint32_t>(attempt.retries_taken, 1000)));
  const double longest = std::min(doubled, static_cast<double>(options.longest_delay.count()));
  return milliseconds(std::llround(longest * (1 - 0.25 * std::clamp(jitter, 0.0, 1.0))));
}

}  // namespace coppice
