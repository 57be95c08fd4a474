// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cassette_line.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <climits>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/held_json.h"
#include "coppice/core/json_text.h"
#include "coppice/http/base64.h"
#include "coppice/http/characters.h"
#include "coppice/http/secrets.h"
#include "coppice/http/utf8.h"

namespace coppice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kVersion = 1;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::data, "no line of a cassette: " + what);
}

std::string from_base64(const std::string& text) {
  const size_t padding = text.size() - std::min(text.find('='), text.size());
  if (text.size() % 4 != 0 || text.size() > INT_MAX || padding > 2) refuse("its base64 is cut off");
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) refuse("its base64 has a character that stands in none");
  bytes.resize(static_cast<size_t>(size) - std::min<size_t>(padding, static_cast<size_t>(size)));
  return bytes;
}

ordered_json text_json(const std::string& text) {
  if (is_utf8(text)) return text;
  return {{"base64", base64(text)}};
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object() || !value.contains("base64") || !value["base64"].is_string()) {
    refuse("got " + json_value_text(value) + ", expected a text");
  }
  return from_base64(value["base64"].get_ref<const std::string&>());
}

const json& member(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) refuse(std::string("it has no '") + name + "'");
  return object[name];
}

/// What a client decides by, and whether a stand-in has answered, which is no measurement.
bool is_kept(std::string_view header) noexcept {
  for (const char* const kept :
       {"content-type", "location", "retry-after", "retry-after-ms", "x-should-retry", "x-stand-in"}) {
    if (equal_without_case(header, kept)) return true;
  }
  constexpr std::string_view kLimits = "x-ratelimit-";
  return equal_without_case(header.substr(0, kLimits.size()), kLimits);
}

ErrorCode code_of(const json& value) {
  constexpr std::array kCodes{ErrorCode::internal, ErrorCode::usage,       ErrorCode::data,   ErrorCode::io,
                              ErrorCode::memory,   ErrorCode::unsupported, ErrorCode::remote, ErrorCode::budget,
                              ErrorCode::timeout,  ErrorCode::cancelled};
  for (const ErrorCode code : kCodes) {
    if (value.is_string() && value.get_ref<const std::string&>() == name(code)) return code;
  }
  refuse("got " + json_value_text(value) + ", expected the code of an error");
}

void read_response(const json& response, CassetteEntry& entry) {
  const json& status = member(response, "status");
  if (!status.is_number_unsigned() || status.get<uint64_t>() < 100 || status.get<uint64_t>() > 999) {
    refuse("got the status " + json_value_text(status) + ", expected 100 to 999");
  }
  entry.status = status.get<int>();
  const json& headers = member(response, "headers");
  if (!headers.is_object()) refuse("its headers are " + json_value_text(headers));
  for (const auto& [name, value] : headers.items()) entry.headers.add(name, text_of(value));
  const json& body = member(response, "body");
  if (!body.is_array()) refuse("its body is no list of texts");
  for (const json& piece : body) entry.pieces.push_back(text_of(piece));
}

}  // namespace

std::string url_without_secrets(std::string_view url) {
  const size_t query = std::min(url.find('?'), url.size());
  std::string result(url.substr(0, query));
  for (std::string_view rest = url.substr(query); !rest.empty();) {
    const size_t end = std::min(rest.find_first_of("&#", 1), rest.size());  // from its ? or & to the next one
    const std::string_view parameter = rest.substr(0, end);
    const size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && names_secret(parameter.substr(1, equals - 1))) {
      result.append(parameter.substr(0, equals + 1)).append("-");
    } else {
      result.append(parameter);
    }
    rest.remove_prefix(end);
  }
  return result;
}

std::string cassette_line(const CassetteEntry& entry) {
  ordered_json line{{"cassette", kVersion}};
  line["request"] = ordered_json{{"method", text_json(entry.method)},
                                 {"url", text_json(url_without_secrets(entry.url))},
                                 {"body", text_json(entry.request_body)}};
  if (entry.status != 0) {
    ordered_json headers = ordered_json::object(), body = ordered_json::array();
    for (const auto& [name, value] : entry.headers.all()) {
      if (is_kept(name) && is_utf8(name)) headers[name] = text_json(value);
    }
    for (const std::string& piece : entry.pieces) body.push_back(text_json(piece));
    line["response"] = ordered_json{{"status", entry.status}, {"headers", headers}, {"body", body}};
  }
  if (entry.failure) {
    line["failure"] = ordered_json{{"code", name(entry.failure->code)}, {"message", text_json(entry.failure->message)}};
    if (!entry.failure->was_sent) line["failure"]["sent"] = false;
  }
  return line.dump() + '\n';
}

CassetteEntry parse_cassette_line(std::string_view line) {
  const HeldJson held = parse_held_json(line);
  if (!held.value.is_object()) refuse("it is no JSON object");
  const json& version = member(held.value, "cassette");
  if (version != kVersion) {
    throw Error(ErrorCode::unsupported,
                "the cassette is of version " + json_value_text(version) + ", expected " + std::to_string(kVersion));
  }
  CassetteEntry entry;
  const json& request = member(held.value, "request");
  entry.method = text_of(member(request, "method"));
  entry.url = text_of(member(request, "url"));
  entry.request_body = text_of(member(request, "body"));
  if (held.value.contains("response")) read_response(held.value["response"], entry);
  if (held.value.contains("failure")) {
    const json& failure = held.value["failure"];
    entry.failure = CassetteEntry::Failure{code_of(member(failure, "code")), text_of(member(failure, "message"))};
    entry.failure->was_sent = failure.value("sent", json(true)) != false;
  }
  if (entry.status == 0 && !entry.failure) refuse("it has neither a response nor a failure");
  return entry;
}

std::string cassette_key(std::string_view method, std::string_view url, std::string_view body) {
  std::string key(method);
  key.append(" ").append(url_without_secrets(url)).append("\n");
  const HeldJson held = parse_held_json(body);
  const bool is_json = !held.value.is_discarded();
  const std::string text = is_json ? held.value.dump() : std::string(body);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return key + (is_json ? "json " : "text ") + std::to_string(hash.high64) + ' ' + std::to_string(hash.low64);
}

}  // namespace coppice
