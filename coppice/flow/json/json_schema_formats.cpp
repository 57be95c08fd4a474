// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_schema_formats.h"

#include <array>
#include <optional>
#include <utility>

namespace coppice::schema {
namespace {

constexpr std::array<std::pair<Format, std::string_view>, 5> kNames{{{Format::date_time, "date-time"},
                                                                     {Format::date, "date"},
                                                                     {Format::email, "email"},
                                                                     {Format::uri, "uri"},
                                                                     {Format::uuid, "uuid"}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hexadecimal(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_one_of(char c, std::string_view characters) {
  return characters.find(c) != std::string_view::npos;
}

/// Takes what a text begins with, piece by piece.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool skip_any(std::string_view characters) {
    if (rest_.empty() || !is_one_of(rest_.front(), characters)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// A number of exactly so many digits, -1 where there are not so many.
  int number(size_t n_digits) {
    if (rest_.size() < n_digits) return -1;
    int number = 0;
    for (const char c : rest_.substr(0, n_digits)) {
      if (!is_digit(c)) return -1;
      number = number * 10 + (c - '0');
    }
    rest_.remove_prefix(n_digits);
    return number;
  }
  size_t skip_digits() {
    size_t n = 0;
    while (n < rest_.size() && is_digit(rest_[n])) ++n;
    rest_.remove_prefix(n);
    return n;
  }
  bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool read_date(Reader& reader) {
  static constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = reader.number(4);
  if (year < 0 || !reader.skip('-')) return false;
  const int month = reader.number(2);
  if (month < 1 || month > 12 || !reader.skip('-')) return false;
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int day = reader.number(2);
  return day >= 1 && day <= kDays[static_cast<size_t>(month - 1)] + (month == 2 && is_leap ? 1 : 0);
}

/// "Z" or "+01:30", in minutes; nothing for what is neither.
std::optional<int> read_offset(Reader& reader) {
  if (reader.skip_any("Zz")) return 0;
  const bool is_negative = reader.skip('-');
  if (!is_negative && !reader.skip('+')) return std::nullopt;
  const int hours = reader.number(2);
  if (hours < 0 || hours > 23 || !reader.skip(':')) return std::nullopt;
  const int minutes = reader.number(2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  return (is_negative ? -1 : 1) * (hours * 60 + minutes);
}

bool read_time(Reader& reader) {
  const int hour = reader.number(2);
  if (hour < 0 || hour > 23 || !reader.skip(':')) return false;
  const int minute = reader.number(2);
  if (minute < 0 || minute > 59 || !reader.skip(':')) return false;
  const int second = reader.number(2);
  if (second < 0 || second > 60) return false;
  if (reader.skip('.') && reader.skip_digits() == 0) return false;
  const std::optional<int> offset = read_offset(reader);
  if (!offset) return false;
  // A leap second ends a day of universal time.
  constexpr int kDay = 24 * 60;
  return second < 60 || (hour * 60 + minute - *offset + 2 * kDay) % kDay == kDay - 1;
}

bool is_date(std::string_view text) {
  Reader reader(text);
  return read_date(reader) && reader.is_at_end();
}

bool is_date_time(std::string_view text) {
  Reader reader(text);
  return read_date(reader) && reader.skip_any("Tt") && read_time(reader) && reader.is_at_end();
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !is_hexadecimal(text[i])) return false;
  }
  return true;
}

bool is_address_v4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const size_t end = std::min(text.find('.'), text.size());
    const std::string_view digits = text.substr(0, end);
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return false;
    int number = 0;
    for (const char c : digits) {
      if (!is_digit(c)) return false;
      number = number * 10 + (c - '0');
    }
    if (number > 255 || (part < 3) != (end < text.size())) return false;
    text.remove_prefix(part < 3 ? end + 1 : end);
  }
  return true;
}

/// Groups of up to four hexadecimal digits between colons, an address of version 4 in the last two's place.
/// The number of groups, nothing where one is none.
std::optional<int> groups_of(std::string_view text, bool may_end_in_v4) {
  int n_groups = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, end);
    if (end == text.size() && may_end_in_v4 && is_address_v4(group)) return n_groups + 2;
    if (group.empty() || group.size() > 4) return std::nullopt;
    for (const char c : group) {
      if (!is_hexadecimal(c)) return std::nullopt;
    }
    ++n_groups;
    if (end + 1 == text.size()) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return n_groups;
}

bool is_address_v6(std::string_view text) {
  const size_t gap = text.find("::");
  if (gap == std::string_view::npos) return groups_of(text, true) == 8;
  const auto before = groups_of(text.substr(0, gap), false), after = groups_of(text.substr(gap + 2), true);
  return before && after && *before + *after <= 7;
}

/// Letters, digits and dashes between dots, no dash at an end.
bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string_view label = text.substr(begin, end - begin);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!is_letter(c) && !is_digit(c) && c != '-') return false;
    }
    begin = end + 1;
  }
  return true;
}

bool is_dotted_atom(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
    return false;
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c) && !is_one_of(c, "!#$%&'*+-/=?^_`{|}~.")) return false;
  }
  return true;
}

bool is_quoted_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return false;
    if (text[i] == '\\' && ++i == text.size()) return false;
    if (text[i] < 0x20 || text[i] > 0x7E) return false;
  }
  return true;
}

bool is_email(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at > 64) return false;
  const std::string_view local = text.substr(0, at), domain = text.substr(at + 1);
  if (!is_dotted_atom(local) && !is_quoted_string(local)) return false;
  if (!domain.starts_with("[") || !domain.ends_with("]")) return is_domain(domain);
  const std::string_view address = domain.substr(1, domain.size() - 2);
  return address.starts_with("IPv6:") ? is_address_v6(address.substr(5)) : is_address_v4(address);
}

/// Characters that a part of a URI may have, those of `more` besides; % only with two digits.
bool has_only_uri_characters(std::string_view text, std::string_view more) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !is_hexadecimal(text[i + 1]) || !is_hexadecimal(text[i + 2])) return false;
      i += 2;
    } else if (!is_letter(text[i]) && !is_digit(text[i]) && !is_one_of(text[i], "-._~!$&'()*+,;=") &&
               !is_one_of(text[i], more)) {
      return false;
    }
  }
  return true;
}

bool is_host(std::string_view text) {
  if (!text.starts_with("[")) return has_only_uri_characters(text, "");
  if (!text.ends_with("]")) return false;
  const std::string_view address = text.substr(1, text.size() - 2);
  if (!address.starts_with("v") && !address.starts_with("V")) return is_address_v6(address);
  const size_t dot = address.find('.');
  if (dot == std::string_view::npos || dot < 2 || dot + 1 == address.size()) return false;
  for (const char c : address.substr(1, dot - 1)) {
    if (!is_hexadecimal(c)) return false;
  }
  return address.find('%') == std::string_view::npos && has_only_uri_characters(address.substr(dot + 1), ":");
}

/// user@host:port
bool is_authority(std::string_view text) {
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    if (!has_only_uri_characters(text.substr(0, at), ":")) return false;
    text.remove_prefix(at + 1);
  }
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    for (const char c : text.substr(colon + 1)) {
      if (!is_digit(c)) return false;
    }
    text = text.substr(0, colon);
  }
  return is_host(text);
}

bool is_uri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text[0])) return false;
  for (const char c : text.substr(0, colon)) {
    if (!is_letter(c) && !is_digit(c) && !is_one_of(c, "+-.")) return false;
  }
  text.remove_prefix(colon + 1);
  if (const size_t fragment = text.find('#'); fragment != std::string_view::npos) {
    if (!has_only_uri_characters(text.substr(fragment + 1), ":@/?")) return false;
    text = text.substr(0, fragment);
  }
  if (const size_t query = text.find('?'); query != std::string_view::npos) {
    if (!has_only_uri_characters(text.substr(query + 1), ":@/?")) return false;
    text = text.substr(0, query);
  }
  if (text.starts_with("//")) {
    const size_t end = std::min(text.find('/', 2), text.size());
    if (!is_authority(text.substr(2, end - 2))) return false;
    text.remove_prefix(end);
  }
  return has_only_uri_characters(text, ":@/");
}

}  // namespace

std::optional<Format> format_named(std::string_view name) {
  for (const auto& [format, known] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::string_view name(Format format) {
  return kNames[static_cast<size_t>(format)].second;
}

bool fits(Format format, std::string_view text) {
  switch (format) {
    case Format::date_time:
      return is_date_time(text);
    case Format::date:
      return is_date(text);
    case Format::email:
      return is_email(text);
    case Format::uri:
      return is_uri(text);
    case Format::uuid:
      return is_uuid(text);
  }
  return true;
}

}  // namespace coppice::schema
