// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/otlp_sender.h"

#include <fmt/core.h>

#include <charconv>
#include <cstdlib>
#include <utility>
#include <vector>

#include "coppice/flow/json/compact_text.h"
#include "coppice/http/awaitable.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/llm/pause.h"
#include "coppice/http/client.h"
#include "coppice/http/retry.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

/// "key=value,key=value", the values with %XX. Throws `ErrorCode::data` or `usage`.
std::vector<std::pair<std::string, std::string>> read_list(std::string_view text, const char* name) {
  std::vector<std::pair<std::string, std::string>> list;
  while (!text.empty()) {
    const size_t end = std::min(text.find(','), text.size());
    const std::string_view one = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    const size_t equals = one.find('=');
    // The value is not shown: it may be a key.
    if (equals == one.npos || equals == 0) {
      throw Error(ErrorCode::usage, fmt::format("{} is no list of name=value", name));
    }
    list.emplace_back(trimmed(one.substr(0, equals)), percent_decode(trimmed(one.substr(equals + 1))));
  }
  return list;
}

HttpHeaders headers_of_environment() {
  HttpHeaders headers;
  headers.set("Content-Type", "application/json");
  for (auto& [name, value] : read_list(variable("OTEL_EXPORTER_OTLP_HEADERS"), "OTEL_EXPORTER_OTLP_HEADERS")) {
    headers.set(name, std::move(value));
  }
  return headers;
}

std::chrono::milliseconds timeout_of_environment() {
  const std::string text = variable("OTEL_EXPORTER_OTLP_TIMEOUT");
  if (text.empty()) return OtlpDestination().timeout;
  uint32_t milliseconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  if (failure != std::errc() || end != text.data() + text.size() || milliseconds == 0) {
    throw Error(ErrorCode::usage,
                fmt::format("OTEL_EXPORTER_OTLP_TIMEOUT is '{}', expected a number of milliseconds", text));
  }
  return std::chrono::milliseconds(milliseconds);
}

/// Not all of what was sent was taken. Source: OTLP, "Partial Success".
std::string remark_of(const HttpResponse& response) {
  const nlohmann::json body = parse_json(response.body);
  if (!body.is_object() || !body.contains("partialSuccess") || !body["partialSuccess"].is_object()) return {};
  for (const char* key : {"rejectedSpans", "rejectedDataPoints"}) {
    const nlohmann::json count = body["partialSuccess"].value(key, nlohmann::json());
    const std::string text = count.is_string() ? count.get<std::string>() : count.is_number() ? count.dump() : "";
    if (!text.empty() && text != "0") return fmt::format("the collector has refused {} of what was sent", text);
  }
  return {};
}

bool is_passing(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

std::optional<OtlpDestination> otlp_destination(const std::string& url) {
  const std::string base = url.empty() ? variable("OTEL_EXPORTER_OTLP_ENDPOINT") : url;
  OtlpDestination made;
  if (!base.empty()) {
    made.traces_url = join_url(base, "v1/traces");
    made.metrics_url = join_url(base, "v1/metrics");
  }
  if (url.empty()) {
    if (variable("OTEL_SDK_DISABLED") == "true") return {};
    const std::string traces = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    const std::string metrics = variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    if (!traces.empty()) made.traces_url = traces;
    if (!metrics.empty()) made.metrics_url = metrics;
  }
  if (made.traces_url.empty() && made.metrics_url.empty()) return {};
  for (const std::string& one : {made.traces_url, made.metrics_url}) {
    if (!one.empty()) parse_url(one);
  }
  made.headers = headers_of_environment();
  made.timeout = timeout_of_environment();
  made.ca_file = variable("OTEL_EXPORTER_OTLP_CERTIFICATE");
  return made;
}

OtlpSource otlp_source() {
  OtlpSource source;
  try {
    source.attributes = read_list(variable("OTEL_RESOURCE_ATTRIBUTES"), "OTEL_RESOURCE_ATTRIBUTES");
  } catch (const Error&) {
    // As the specification wants it: all of it is passed over.
  }
  for (const auto& [key, value] : source.attributes) {
    if (key == "service.name") source.service = value;
  }
  const std::string name = variable("OTEL_SERVICE_NAME");
  if (!name.empty()) source.service = name;
  return source;
}

Awaitable<std::string> post_otlp(HttpSender& sender, const OtlpDestination& to, const std::string& url,
                                 const std::string& body) {
  const auto deadline = HttpCall::Clock::now() + to.timeout;
  for (uint32_t retries = 0;; ++retries) {
    HttpCall call;
    call.request = HttpRequest("POST", url, to.headers, body);
    call.deadline = deadline;
    const HttpResponse response = co_await sender.send(std::move(call));
    if (response.status >= 200 && response.status < 300) co_return remark_of(response);
    const Attempt attempt{retries, &response, false};
    const auto wait = retry_delay(RetryOptions(), attempt, std::chrono::system_clock::now(), 0);
    const bool has_time = wait && HttpCall::Clock::now() + *wait < deadline;
    if (!is_passing(response.status) || !has_time) {
      throw Error(ErrorCode::remote, fmt::format("got status {} for '{}'", response.status, url), {},
                  "is there a collector of OpenTelemetry that takes OTLP over HTTP as JSON?");
    }
    co_await pause(*wait, nullptr);
  }
}

std::string send_otlp(const OtlpDestination& to, const std::string& url, const nlohmann::ordered_json& body) {
  boost::asio::io_context loop(1);
  HttpClientOptions options;
  options.ca_file = to.ca_file;
  HttpClient client(loop, options);
  const std::string text = compact_text(body);
  std::string remark;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, post_otlp(client, to, url, text), [&](std::exception_ptr thrown, std::string said) {
    failure = thrown;
    remark = std::move(said);
    loop.stop();
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return remark;
}

}  // namespace coppice
