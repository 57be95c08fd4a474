// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace coppice {

/// Who tells: the resource of an export.
struct OtlpSource {
  std::string service = "coppice";
  std::vector<std::pair<std::string, std::string>> attributes;  ///< beside its name
};

/// Attributes as OTLP writes them in JSON: a list of keys with typed values. What is empty is left out.
/// Source: opentelemetry-proto 1.x, common.proto, and the JSON mapping of OTLP (64-bit integers are strings).
class OtlpAttributes {
 public:
  OtlpAttributes& text(std::string_view key, std::string_view value);
  OtlpAttributes& texts(std::string_view key, const std::vector<std::string>& values);
  OtlpAttributes& whole(std::string_view key, uint64_t value);
  OtlpAttributes& whole_unless_zero(std::string_view key, uint64_t value);
  OtlpAttributes& real(std::string_view key, double value);
  OtlpAttributes& flag(std::string_view key, bool value);

  const nlohmann::ordered_json& json() const noexcept { return list_; }

 private:
  OtlpAttributes& add(std::string_view key, const char* type, nlohmann::ordered_json value);

  nlohmann::ordered_json list_ = nlohmann::ordered_json::array();
};

/// {"attributes": [...]}, with the name of the service.
nlohmann::ordered_json otlp_resource(const OtlpSource& source);

/// {"name": "coppice.flow", "version": ...}.
nlohmann::ordered_json otlp_scope();

/// Nanoseconds since 1970, as the JSON mapping wants them.
std::string otlp_time(int64_t zero_nanoseconds, double seconds);

}  // namespace coppice
