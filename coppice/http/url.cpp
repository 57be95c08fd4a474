// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "coppice/core/error.h"
#include "coppice/http/characters.h"

namespace coppice {
namespace {

constexpr bool is_unreserved(char c) noexcept {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

constexpr bool is_sub_delimiter(char c) noexcept {
  return std::string_view("!$&'()*+,;=").find(c) != std::string_view::npos;
}

/// Without the query, and without what may be a name and a password: either may hold a key.
std::string shown_url(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return "with '@'";
  return shown_bytes(text.substr(0, text.find_first_of("?#")), 200);
}

[[noreturn]] void refuse(std::string_view url, const std::string& why, const std::string& hint = {}) {
  throw Error(ErrorCode::usage, "the URL " + shown_url(url) + " " + why, {}, hint);
}

bool is_ipv6(const std::string& text) noexcept {
  in6_addr address;
  return inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

/// "" or ":8080".
void parse_port(std::string_view url, std::string_view text, Url& parts) {
  if (text.empty()) return;
  if (text[0] != ':') refuse(url, "goes on after its ']' with " + shown_bytes(text));
  text.remove_prefix(1);
  if (text.empty()) return;  // "host:" is the port that goes without saying (RFC 3986, section 6.2.3)
  uint32_t port = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (fault != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    refuse(url, "has the port " + shown_bytes(text) + ", expected 1 to 65535");
  }
  parts.port = static_cast<uint16_t>(port);
}

/// "host", "host:8080", "[::1]:8080".
void parse_authority(std::string_view url, std::string_view authority, Url& parts) {
  size_t host_end = std::min(authority.rfind(':'), authority.size());
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) refuse(url, "has a '[' that no ']' ends");
    parts.host = std::string(authority.substr(1, bracket - 1));
    if (!is_ipv6(parts.host)) refuse(url, "has " + shown_bytes(parts.host) + " in brackets, which is no IPv6 address");
    host_end = bracket + 1;
  } else {
    for (const char c : authority.substr(0, host_end)) {
      if (!is_unreserved(c) && !is_sub_delimiter(c)) {
        refuse(url, "has a host with a character that stands in none",
               static_cast<unsigned char>(c) >= 0x80 ? "write it in punycode: xn--..." : "");
      }
      parts.host += lower(c);
    }
  }
  if (parts.host.empty()) refuse(url, "names no host");
  if (parts.host.size() > 255) refuse(url, "has a host of more than 255 bytes");
  parse_port(url, authority.substr(host_end), parts);
}

void check_target(std::string_view url, std::string_view target) {
  for (size_t i = 0; i < target.size(); ++i) {
    const char c = target[i];
    if (c == '%') {
      if (i + 2 >= target.size() || hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0) {
        refuse(url, "has a '%' without two hexadecimal digits");
      }
    } else if (!is_unreserved(c) && !is_sub_delimiter(c) &&
               std::string_view(":@/?[]").find(c) == std::string_view::npos) {
      refuse(url, "has a character that stands in no URL", "write it as %XX");
    }
  }
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  if (port != (scheme == "https" ? 443 : 80)) text += ':' + std::to_string(port);
  return text;
}

Url parse_url(std::string_view text) {
  Url url;
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) refuse(text, "has no scheme", "write http:// or https:// before it");
  for (const char c : text.substr(0, scheme_end)) url.scheme += lower(c);
  if (url.scheme != "http" && url.scheme != "https") refuse(text, "is neither http nor https");
  url.port = url.scheme == "https" ? 443 : 80;
  const std::string_view rest = text.substr(scheme_end + 3);
  const size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  if (rest.substr(0, authority_end).find('@') != std::string_view::npos) {
    refuse(text, "holds a name or a password", "put keys into a header");
  }
  parse_authority(text, rest.substr(0, authority_end), url);
  std::string_view target = rest.substr(authority_end);
  target = target.substr(0, target.find('#'));
  check_target(text, target);
  if (!target.starts_with('/')) url.target = '/';
  url.target += target;
  return url;
}

std::string join_url(std::string_view base, std::string_view path) {
  const size_t query = std::min(base.find('?'), base.size());
  std::string_view head = base.substr(0, query);
  while (head.ends_with('/')) head.remove_suffix(1);
  while (path.starts_with('/')) path.remove_prefix(1);
  std::string joined(head);
  if (!path.empty()) joined.append("/").append(path);
  return joined.append(base.substr(query));
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c)) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return result;
}

std::string percent_decode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      throw Error(ErrorCode::data, "got a '%' without two hexadecimal digits in " + shown_bytes(text));
    }
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

}  // namespace coppice
