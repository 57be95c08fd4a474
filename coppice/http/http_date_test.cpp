// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/http_date.h"

#include <gtest/gtest.h>

#include <string>

namespace coppice {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

TEST(HttpDate, IsWrittenAndReadBack) {
  const system_clock::time_point time{seconds(784'111'777)};
  EXPECT_EQ(http_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(system_clock::time_point()), "Thu, 01 Jan 1970 00:00:00 GMT");
  for (int64_t at = 0; at < 4'000'000'000; at += 9'999'991) {
    const system_clock::time_point some{seconds(at)};
    EXPECT_EQ(parse_http_date(http_date(some)), some);
  }
}

TEST(HttpDate, TheObsoleteFormsAreUnderstood) {
  const system_clock::time_point time{seconds(784'111'777)};
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), time);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), time);
}

TEST(HttpDate, NothingElseIsOne) {
  const std::string good = "Sun, 06 Nov 1994 08:49:37 GMT";
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(parse_http_date(good.substr(0, size))) << size;
  for (const char* text :
       {"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 199999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "1994-11-06T08:49:37Z"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace coppice
