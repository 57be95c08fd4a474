// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice {

/// The headers of a message, in order. Names are compared without regard to case (RFC 9110, section 5.1).
class HttpHeaders {
 public:
  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<std::pair<std::string, std::string>> headers) : all_(headers) {}

  /// The value of the first header of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// Replaces those of that name.
  void set(std::string_view name, std::string value);
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }

  /// Appends to the value of the last one, which is there.
  void extend_last(std::string_view more) { all_.back().second += more; }

  const std::vector<std::pair<std::string, std::string>>& all() const noexcept { return all_; }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

/// Of a client its `target` is a whole URL, "http://127.0.0.1:8080/v1/models?x=1"; of a server what stands in the
/// request line, "/v1/models?x=1".
struct HttpRequest {
  // With constructors: g++ 12 destroys an aggregate twice that is made inside a co_await expression.
  HttpRequest() {}
  HttpRequest(std::string method_, std::string target_, HttpHeaders headers_ = {}, std::string body_ = {})
      : method(std::move(method_)), target(std::move(target_)), headers(std::move(headers_)), body(std::move(body_)) {}

  std::string method = "GET";
  std::string target;
  HttpHeaders headers;
  std::string body;
};

struct HttpResponse {
  HttpResponse() {}
  HttpResponse(int status_, HttpHeaders headers_, std::string body_ = {})
      : status(status_), headers(std::move(headers_)), body(std::move(body_)) {}

  int status = 200;
  HttpHeaders headers;
  std::string body;
  bool is_replayed = false;  ///< nobody was asked: it is from a cassette (cassette.h)
};

}  // namespace coppice
