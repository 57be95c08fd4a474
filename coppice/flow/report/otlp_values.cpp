// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/report/otlp_values.h"

#include <cmath>
#include <utility>

namespace coppice {

using nlohmann::ordered_json;

OtlpAttributes& OtlpAttributes::add(std::string_view key, const char* type, ordered_json value) {
  list_.push_back({{"key", key}, {"value", {{type, std::move(value)}}}});
  return *this;
}

OtlpAttributes& OtlpAttributes::text(std::string_view key, std::string_view value) {
  return value.empty() ? *this : add(key, "stringValue", value);
}

OtlpAttributes& OtlpAttributes::texts(std::string_view key, const std::vector<std::string>& values) {
  ordered_json all = ordered_json::array();
  for (const std::string& value : values) {
    if (!value.empty()) all.push_back({{"stringValue", value}});
  }
  if (all.empty()) return *this;
  return add(key, "arrayValue", {{"values", std::move(all)}});
}

OtlpAttributes& OtlpAttributes::whole(std::string_view key, uint64_t value) {
  return add(key, "intValue", std::to_string(value));
}

OtlpAttributes& OtlpAttributes::whole_unless_zero(std::string_view key, uint64_t value) {
  return value == 0 ? *this : whole(key, value);
}

OtlpAttributes& OtlpAttributes::real(std::string_view key, double value) {
  return add(key, "doubleValue", value);
}

OtlpAttributes& OtlpAttributes::flag(std::string_view key, bool value) {
  return add(key, "boolValue", value);
}

ordered_json otlp_resource(const OtlpSource& source) {
  OtlpAttributes attributes;
  attributes.text("service.name", source.service);
  for (const auto& [key, value] : source.attributes) {
    if (key != "service.name") attributes.text(key, value);
  }
  return {{"attributes", attributes.json()}};
}

ordered_json otlp_scope() {
  return {{"name", "coppice.flow"}, {"version", COPPICE_VERSION}};
}

std::string otlp_time(int64_t zero_nanoseconds, double seconds) {
  return std::to_string(zero_nanoseconds + std::llround(seconds * 1e9));
}

}  // namespace coppice
