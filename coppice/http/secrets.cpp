// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/secrets.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/http/base64.h"
#include "coppice/http/characters.h"

namespace coppice {
namespace {

constexpr std::string_view kCutOut = "***";
/// Of what a name alone calls a key: shorter values ("?sort_key=date") are words that stand in answers.
constexpr size_t kLeastNamedBytes = 16;
/// What is left of a shorter secret in base64 stands in other texts by chance.
constexpr size_t kLeastBase64Bytes = 8;
/// JSON in JSON in JSON. A bound, so that no server makes the search long.
constexpr size_t kMostBackslashes = 8;

/// The value of two hexadecimal digits, or -1.
int hex_byte(std::string_view text, size_t at) noexcept {
  if (at + 2 > text.size()) return -1;
  const int high = hex_value(text[at]), low = hex_value(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_same(char found, char c, bool is_base64) noexcept {
  return found == c || (is_base64 && ((found == '-' && c == '+') || (found == '_' && c == '/')));
}

/// How many bytes of the text, from there on, are a way to write `c`; 0 = none.
size_t spelled(std::string_view text, size_t at, char c, bool is_base64) noexcept {
  const auto is_code = [&](int byte) { return byte >= 0 && is_same(static_cast<char>(byte), c, is_base64); };
  if (text[at] == '\\') {
    size_t end = at;
    while (end < text.size() && text[end] == '\\' && end - at < kMostBackslashes) ++end;
    if (text.substr(end, 3) == "u00" && is_code(hex_byte(text, end + 3))) return end + 5 - at;
    if (c == '\\') return end - at;
    return end < text.size() && is_same(text[end], c, is_base64) ? end + 1 - at : 0;
  }
  if (text[at] == '%') {
    if (is_code(hex_byte(text, at + 1))) return 3;
    if (text.substr(at, 3) == "%25" && is_code(hex_byte(text, at + 3))) return 5;  // encoded twice
  }
  return is_same(text[at], c, is_base64) ? 1 : 0;
}

/// A run of backslashes counts as one, escaped or not.
std::string with_single_backslashes(std::string_view secret) {
  std::string made;
  for (const char c : secret) {
    if (c != '\\' || made.empty() || made.back() != '\\') made += c;
  }
  return made;
}

/// The digits that the secret alone decides where `before` bytes modulo 3 stand before it.
std::string inner_base64(std::string_view secret, size_t before) {
  const std::string digits = base64(std::string(before, '\0').append(secret));
  const size_t begin = (before * 8 + 5) / 6, end = (before + secret.size()) * 8 / 6;
  return digits.substr(begin, end - begin);
}

/// What stands behind "Bearer ", or "Basic ".
void add_authorization(Secrets& secrets, std::string_view value) {
  const size_t space = value.find(' ');
  const std::string_view credentials = without_blanks(value.substr(space + 1));
  secrets.add(credentials);
  if (space == value.npos || !equal_without_case(value.substr(0, space), "basic")) return;
  const auto decoded = base64_decoded(credentials);
  if (!decoded) return;
  const size_t colon = decoded->find(':');
  if (colon != decoded->npos) secrets.add(std::string_view(*decoded).substr(colon + 1));
}

void add_cookies(Secrets& secrets, std::string_view value) {
  while (!value.empty()) {
    const size_t end = std::min(value.find(';'), value.size());
    const std::string_view cookie = value.substr(0, end);
    const std::string_view held = without_blanks(cookie.substr(cookie.find('=') + 1));
    if (held.size() >= kLeastNamedBytes) secrets.add(held);
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

/// As it is where it is not percent-encoded.
std::string decoded(std::string_view text) {
  std::string made;
  for (size_t at = 0; at < text.size(); ++at) {
    const int byte = text[at] == '%' ? hex_byte(text, at + 1) : -1;
    made += byte < 0 ? text[at] : static_cast<char>(byte);
    if (byte >= 0) at += 2;
  }
  return made;
}

void add_parameters(Secrets& secrets, std::string_view url) {
  const size_t query = url.find('?');
  if (query == url.npos) return;
  for (std::string_view rest = url.substr(query + 1); !rest.empty();) {
    const size_t end = std::min(rest.find_first_of("&#"), rest.size());
    const std::string_view parameter = rest.substr(0, end);
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string held = decoded(parameter.substr(std::min(equals + 1, parameter.size())));
    if (names_secret(parameter.substr(0, equals)) && held.size() >= kLeastNamedBytes) secrets.add(held);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

}  // namespace

void Secrets::add(std::string_view secret) {
  if (secret.empty()) return;
  add_form({with_single_backslashes(secret), secret.size(), false});
  if (secret.size() < kLeastBase64Bytes) return;
  for (size_t before = 0; before < 3; ++before) add_form({inner_base64(secret, before), secret.size(), true});
}

void Secrets::add_form(Form form) {
  const auto begins = [&](char c) { begins_form_[static_cast<unsigned char>(c)] = true; };
  for (const char c : {form.text.front(), '\\', '%'}) begins(c);
  if (form.is_base64 && form.text.front() == '+') begins('-');
  if (form.is_base64 && form.text.front() == '/') begins('_');
  forms_.push_back(std::move(form));
}

/// Of the longest form that begins there; 0 = none.
size_t Secrets::length_at(std::string_view text, size_t at, size_t least_bytes) const noexcept {
  size_t longest = 0;
  for (const Form& form : forms_) {
    if (form.secret_bytes < least_bytes) continue;
    size_t end = at, matched = 0;
    for (; matched < form.text.size() && end < text.size(); ++matched) {
      const size_t length = spelled(text, end, form.text[matched], form.is_base64);
      if (length == 0) break;
      end += length;
    }
    if (matched == form.text.size()) longest = std::max(longest, end - at);
  }
  return longest;
}

template <class Take>
void Secrets::find_all(std::string_view text, size_t least_bytes, Take take) const {
  for (size_t at = 0; at < text.size();) {
    const bool may_begin = begins_form_[static_cast<unsigned char>(text[at])];
    const size_t length = may_begin ? length_at(text, at, least_bytes) : 0;
    if (length > 0) take(at, at + length);
    at += std::max<size_t>(length, 1);
  }
}

std::string Secrets::without(std::string_view text, size_t least_bytes) const {
  std::string made;
  size_t begin = 0;
  find_all(text, least_bytes, [&](size_t from, size_t to) {
    made.append(text, begin, from - begin).append(kCutOut);
    begin = to;
  });
  return made.append(text.substr(begin));
}

void Secrets::cut_out(nlohmann::json& value, size_t least_bytes) const {
  if (empty()) return;
  if (auto* const text = value.get_ptr<std::string*>()) {
    *text = without(*text, least_bytes);
  } else if (value.is_array()) {
    for (nlohmann::json& item : value) cut_out(item, least_bytes);
  } else if (value.is_object()) {
    nlohmann::json made = nlohmann::json::object();
    for (auto& [name, member] : value.items()) {
      cut_out(member, least_bytes);
      made[without(name, least_bytes)] = std::move(member);
    }
    value = std::move(made);
  }
}

void Secrets::cut_out(std::vector<std::string>& pieces) const {
  if (empty()) return;
  std::string joined;
  for (const std::string& piece : pieces) joined += piece;
  std::vector<std::pair<size_t, size_t>> found;
  find_all(joined, 1, [&](size_t from, size_t to) { found.emplace_back(from, to); });
  if (found.empty()) return;
  size_t at = 0;  // in `joined`
  auto next = found.begin();
  for (std::string& piece : pieces) {
    std::string made;
    for (const size_t end = at + piece.size(); at < end;) {
      if (next == found.end() || next->first >= end) {
        made.append(joined, at, end - at);
        at = end;
        continue;
      }
      if (next->first >= at) made.append(joined, at, next->first - at).append(kCutOut);
      at = std::min(next->second, end);
      if (at == next->second) ++next;
    }
    piece = std::move(made);
  }
}

Error without(const Secrets& secrets, const Error& error) {
  return Error(error.code(), secrets.without(error.what()), secrets.without(error.where()),
               secrets.without(error.hint()));
}

bool names_secret(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_') plain += lower(c);
  }
  if (plain == "idempotencykey") return false;  // it says which request this is, and opens nothing
  for (const char* const end : {"key", "token", "secret", "password", "signature", "sig"}) {
    if (plain.ends_with(end)) return true;
  }
  return false;
}

Secrets secrets_of(const HttpRequest& request) {
  Secrets secrets;
  for (const auto& [name, value] : request.headers.all()) {
    if (equal_without_case(name, "authorization") || equal_without_case(name, "proxy-authorization")) {
      add_authorization(secrets, value);
    } else if (equal_without_case(name, "cookie")) {
      add_cookies(secrets, value);
    } else if (names_secret(name) && value.size() >= kLeastNamedBytes) {
      secrets.add(value);
    }
  }
  add_parameters(secrets, request.target);
  return secrets;
}

}  // namespace coppice
