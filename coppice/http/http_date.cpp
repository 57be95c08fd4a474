// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/http_date.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace coppice {
namespace {

using std::chrono::system_clock;
constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// All of it is a number with no more than four digits.
std::optional<int> number(std::string_view text) noexcept {
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = fault == std::errc() && end == text.data() + text.size() && text.size() <= 4 && value >= 0;
  return is_number ? std::optional<int>(value) : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t first = text.find_first_not_of(separators);
    if (first == std::string_view::npos) return parts;
    text.remove_prefix(first);
    const size_t end = std::min(text.find_first_of(separators), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

struct DateParts {
  std::string_view day, month, year, time;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994".
std::optional<DateParts> date_parts(std::string_view text) {
  const std::vector<std::string_view> words = split(text, " ");
  if (words.size() == 5 && words[3].find(':') != std::string_view::npos) {
    return DateParts{words[2], words[1], words[4], words[3]};
  }
  if (words.empty() || !words[0].ends_with(',') || words.back() != "GMT") return std::nullopt;
  if (words.size() == 6) return DateParts{words[1], words[2], words[3], words[4]};
  if (words.size() != 4) return std::nullopt;
  const std::vector<std::string_view> date = split(words[1], "-");
  if (date.size() != 3) return std::nullopt;
  return DateParts{date[0], date[1], date[2], words[2]};
}

}  // namespace

std::string http_date(system_clock::time_point time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     unsigned(date.day()), kMonths[unsigned(date.month()) - 1], int(date.year()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::optional<system_clock::time_point> parse_http_date(std::string_view text) {
  const auto parts = date_parts(text);
  if (!parts) return std::nullopt;
  const auto clock = split(parts->time, ":");
  if (clock.size() != 3) return std::nullopt;
  const auto day = number(parts->day), hour = number(clock[0]), minute = number(clock[1]), second = number(clock[2]);
  auto year = number(parts->year);
  const auto month = std::find(kMonths.begin(), kMonths.end(), parts->month);
  if (!day || !year || !hour || !minute || !second || month == kMonths.end()) return std::nullopt;
  if (parts->year.size() == 2) *year += *year < 70 ? 2000 : 1900;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

}  // namespace coppice
