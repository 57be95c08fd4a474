// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "coppice/flow/report/otlp_values.h"
#include "coppice/http/sender.h"

namespace coppice {

/// Where traces and figures go: a collector that takes OTLP over HTTP.
struct OtlpDestination {
  std::string traces_url, metrics_url;
  HttpHeaders headers;
  std::chrono::milliseconds timeout{10'000};  ///< for one of them, with all attempts
  std::string ca_file;                        ///< of certificates to trust; "" = those of the system
};

/// `url` is that of the collector, "http://127.0.0.1:4318"; /v1/traces and /v1/metrics are added to it. "" = what
/// OTEL_EXPORTER_OTLP_ENDPOINT says, or ..._TRACES_ENDPOINT and ..._METRICS_ENDPOINT, which are taken as they are;
/// nothing where none is set, and where OTEL_SDK_DISABLED is true. OTEL_EXPORTER_OTLP_HEADERS, ..._TIMEOUT and
/// ..._CERTIFICATE count in either case. Throws `ErrorCode::usage` for what is no URL, no headers or no time.
/// Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter".
std::optional<OtlpDestination> otlp_destination(const std::string& url);

/// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES. What is no list of attributes is passed over.
OtlpSource otlp_source();

/// Posts the export to `url`, one of the destination's. 429, 502, 503 and 504 are tried again while there is time, as
/// OTLP wants. Returns what the collector remarks: what it has refused of it; "" = all is well.
/// Throws as `HttpSender::send`, and `ErrorCode::remote` for a status other than 2xx.
Awaitable<std::string> post_otlp(HttpSender& sender, const OtlpDestination& to, const std::string& url,
                                 const std::string& body);

/// The same on an event loop of its own, until it is done.
std::string send_otlp(const OtlpDestination& to, const std::string& url, const nlohmann::ordered_json& body);

}  // namespace coppice
