// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/retry.h"

#include <gtest/gtest.h>

#include <string>

namespace coppice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
// Sun, 06 Nov 1994 08:49:37 GMT
const std::chrono::system_clock::time_point kNow{seconds(784'111'777)};

HttpResponse answer(int status, HttpHeaders headers = {}, std::string body = {}) {
  return {status, std::move(headers), std::move(body)};
}

std::optional<milliseconds> delay(const HttpResponse& response, uint32_t retries_taken = 0, double jitter = 0) {
  return retry_delay({}, {retries_taken, &response, false}, kNow, jitter);
}

TEST(Retry, TriesAgainWhatMayGoBetter) {
  for (const int status : {408, 409, 429, 500, 502, 503, 504, 529}) {
    EXPECT_EQ(delay(answer(status)), milliseconds(500)) << status;
  }
  for (const int status : {200, 301, 400, 401, 403, 404, 413, 422}) EXPECT_FALSE(delay(answer(status))) << status;
  EXPECT_EQ(retry_delay({}, {0, nullptr, false}, kNow, 0), milliseconds(500));
}

TEST(Retry, NeverAfterAStreamBegan) {
  const HttpResponse response = answer(500, {{"x-should-retry", "true"}});
  EXPECT_FALSE(retry_delay({}, {0, &response, true}, kNow, 0));
  EXPECT_FALSE(retry_delay({}, {0, nullptr, true}, kNow, 0));
}

TEST(Retry, TheServersWordDecides) {
  EXPECT_TRUE(delay(answer(400, {{"X-Should-Retry", "true"}})));
  EXPECT_FALSE(delay(answer(503, {{"X-Should-Retry", "false"}})));
  EXPECT_TRUE(delay(answer(503, {{"X-Should-Retry", "perhaps"}})));
}

TEST(Retry, MoreTimeDoesNotHelpWhereMoneyIsMissing) {
  EXPECT_FALSE(delay(answer(429, {}, R"({"error": {"code": "insufficient_quota", "message": "m"}})")));
  EXPECT_TRUE(delay(answer(429, {}, R"({"error": {"code": "rate_limit", "message": "insufficient_quota"}})")));
  EXPECT_TRUE(delay(answer(429, {}, R"({"error": "insufficient_quota"})")));
  EXPECT_TRUE(delay(answer(429, {}, "insufficient_quota")));
  EXPECT_TRUE(delay(answer(500, {}, R"({"error": {"code": "insufficient_quota"}})")));
}

TEST(Retry, WaitsAsLongAsItIsAsked) {
  EXPECT_EQ(delay(answer(429, {{"Retry-After-Ms", "1500"}, {"Retry-After", "9"}})), milliseconds(1'500));
  EXPECT_EQ(delay(answer(429, {{"Retry-After-Ms", "soon"}, {"Retry-After", "9"}})), milliseconds(9'000));
  EXPECT_EQ(delay(answer(429, {{"Retry-After", " 0.25 "}})), milliseconds(250));
  EXPECT_EQ(delay(answer(429, {{"Retry-After", "Sun, 06 Nov 1994 08:49:40 GMT"}})), milliseconds(3'000));
  EXPECT_EQ(delay(answer(429, {{"Retry-After", "60"}})), milliseconds(60'000));
}

TEST(Retry, TellsWhatIsAskedForHoweverLong) {
  EXPECT_EQ(asked_delay({{"Retry-After", "3600"}}, kNow), 3'600'000);
  EXPECT_EQ(asked_delay({{"Retry-After-Ms", "1.5"}, {"Retry-After", "9"}}, kNow), 1.5);
  EXPECT_EQ(asked_delay({{"Retry-After", "Sun, 06 Nov 1994 08:49:40 GMT"}}, kNow), 3'000);
  for (const char* asked : {"0", "-1", "nan", "inf", "", "soon", "Sun, 06 Nov 1994 08:49:37 GMT"}) {
    EXPECT_FALSE(asked_delay({{"Retry-After", asked}}, kNow)) << asked;
  }
  EXPECT_FALSE(asked_delay({}, kNow));
}

TEST(Retry, WaitsItsOwnTimeWhereItIsAskedForNone) {
  for (const char* asked : {"0", "-1", "61", "nan", "inf", "1e300", "", "soon", "5 s", "Sun, 06 Nov 1994 08:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49:36 GMT", "Mon, 07 Nov 1994 08:49:37 GMT"}) {
    EXPECT_EQ(delay(answer(429, {{"Retry-After", asked}})), milliseconds(500)) << asked;
  }
}

TEST(Retry, WaitsTwiceAsLongEachTime) {
  RetryOptions options;
  options.max_retries = 4'000'000'000U;
  const auto own = [&options](uint32_t taken, double jitter) {
    return retry_delay(options, {taken, nullptr, false}, kNow, jitter)->count();
  };
  EXPECT_EQ(own(0, 0), 500);
  EXPECT_EQ(own(1, 0), 1'000);
  EXPECT_EQ(own(3, 0), 4'000);
  EXPECT_EQ(own(4, 0), 8'000);
  EXPECT_EQ(own(3'999'999'999U, 0), 8'000);
  EXPECT_EQ(own(1, 0.5), 875);
  EXPECT_GE(own(1, 0.999), 750);
}

TEST(Retry, GivesUpInTheEnd) {
  EXPECT_TRUE(delay(answer(500), 1));
  EXPECT_FALSE(delay(answer(500), 2));
  RetryOptions none;
  none.max_retries = 0;
  EXPECT_FALSE(retry_delay(none, {0, nullptr, false}, kNow, 0));
}

}  // namespace
}  // namespace coppice
