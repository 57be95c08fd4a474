// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/otlp_sender.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

/// While it lives, the environment has these variables of OpenTelemetry and no others.
class Variables {
 public:
  Variables(std::initializer_list<std::pair<const char*, const char*>> set) {
    for (const char* name :
         {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
          "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_CERTIFICATE",
          "OTEL_SDK_DISABLED", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"}) {
      const char* const before = std::getenv(name);
      if (before != nullptr) before_[name] = before;
      names_.emplace_back(name);
      ::unsetenv(name);
    }
    for (const auto& [name, value] : set) ::setenv(name, value, 1);
  }
  ~Variables() {
    for (const std::string& name : names_) ::unsetenv(name.c_str());
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::string> before_;
};

/// Gives its answers one after the other.
class Collector : public HttpSender {
 public:
  explicit Collector(std::deque<HttpResponse> answers) : answers_(std::move(answers)) {}
  Awaitable<HttpResponse> send(HttpCall call) override {
    requests.push_back(std::move(call.request));
    HttpResponse answer = std::move(answers_.front());
    answers_.pop_front();
    co_return answer;
  }
  std::vector<HttpRequest> requests;

 private:
  std::deque<HttpResponse> answers_;
};

const HttpResponse kBusy{503, {{"retry-after-ms", "1"}}};

std::string post(Collector& collector) {
  TestLoop loop;
  OtlpDestination to;
  to.headers.set("api-key", "abc");
  const std::string url = "http://127.0.0.1:4318/v1/traces", body = "{}";
  return loop.run(post_otlp(collector, to, url, body));
}

TEST(OtlpDestinationTest, TheOptionComesBeforeTheEnvironment) {
  const Variables set{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:4318/"},
                      {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://elsewhere/t"}};
  EXPECT_EQ(otlp_destination("http://here:1/otlp/")->traces_url, "http://here:1/otlp/v1/traces");
  EXPECT_EQ(otlp_destination("")->traces_url, "http://elsewhere/t");
  EXPECT_EQ(otlp_destination("")->metrics_url, "http://there:4318/v1/metrics");
}

TEST(OtlpDestinationTest, NothingIsSentWhereNobodySaysWhere) {
  {
    const Variables none{};
    EXPECT_FALSE(otlp_destination(""));
  }
  const Variables off{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://there"}, {"OTEL_SDK_DISABLED", "true"}};
  EXPECT_FALSE(otlp_destination(""));
}

TEST(OtlpDestinationTest, HeadersComeFromTheEnvironment) {
  const Variables set{{"OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-team = one ,"}};
  const auto to = otlp_destination("http://here");
  EXPECT_EQ(to->headers.find("api-key"), "a b");
  EXPECT_EQ(to->headers.find("x-team"), "one");
  EXPECT_EQ(to->headers.find("content-type"), "application/json");
}

TEST(OtlpDestinationTest, WhatIsNoneIsRefusedWithoutShowingKeys) {
  {
    const Variables set{{"OTEL_EXPORTER_OTLP_HEADERS", "sk-secret"}};
    try {
      otlp_destination("http://here");
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.message().find("sk-secret"), std::string::npos);
    }
  }
  const Variables set{{"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"}};
  EXPECT_THROW(otlp_destination("http://here"), Error);
  EXPECT_THROW(otlp_destination("localhost:4318"), Error);
}

TEST(OtlpSourceTest, TheServiceHasTheNameThatTheEnvironmentSays) {
  const Variables set{{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,host.name=h"}};
  EXPECT_EQ(otlp_source().service, "a");
  const Variables named{{"OTEL_RESOURCE_ATTRIBUTES", "broken"}, {"OTEL_SERVICE_NAME", "b"}};
  EXPECT_EQ(otlp_source().service, "b");
}

TEST(OtlpSenderTest, AServerThatIsBusyIsAskedAgain) {
  Collector collector({kBusy, HttpResponse(200, {})});
  EXPECT_EQ(post(collector), "");
  ASSERT_EQ(collector.requests.size(), 2U);
  EXPECT_EQ(collector.requests[1].method, "POST");
  EXPECT_EQ(collector.requests[1].target, "http://127.0.0.1:4318/v1/traces");
  EXPECT_EQ(collector.requests[1].headers.find("api-key"), "abc");
}

TEST(OtlpSenderTest, ARefusalIsAnError) {
  Collector once({HttpResponse(400, {})});
  EXPECT_THROW(post(once), Error);
  EXPECT_EQ(once.requests.size(), 1U);
  Collector always({kBusy, kBusy, kBusy});
  EXPECT_THROW(post(always), Error);
}

TEST(OtlpSenderTest, WhatTheCollectorLeavesOutIsRemarked) {
  Collector some({HttpResponse(200, {}, R"({"partialSuccess": {"rejectedSpans": "3"}})")});
  EXPECT_EQ(post(some), "the collector has refused 3 of what was sent");
  Collector none({HttpResponse(200, {}, R"({"partialSuccess": {"rejectedSpans": "0"}})")});
  EXPECT_EQ(post(none), "");
}

}  // namespace
}  // namespace coppice
