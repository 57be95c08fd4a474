// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/message.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/core/error.h"
#include "coppice/http/request_head.h"

namespace coppice {
namespace {

TEST(HttpHeaders, AreFoundWithoutRegardToCase) {
  HttpHeaders headers{{"Content-Type", "a"}, {"content-type", "b"}, {"X", "c"}};
  EXPECT_EQ(headers.find("CONTENT-TYPE"), "a");
  EXPECT_FALSE(headers.find("Content-Typ"));
  headers.set("CONTENT-type", "d");
  EXPECT_EQ(headers.find("content-type"), "d");
  EXPECT_EQ(headers.all().size(), 2U);
  headers.set("New", "e");
  EXPECT_EQ(headers.find("new"), "e");
}

std::string head(HttpRequest request, const std::string& url = "http://host:81/a?b") {
  return request_head(request, parse_url(url), "coppice/1");
}

TEST(RequestHead, HasWhatEachRequestNeeds) {
  EXPECT_EQ(head({}), "GET /a?b HTTP/1.1\r\nHost: host:81\r\nAccept: */*\r\nUser-Agent: coppice/1\r\n\r\n");
  EXPECT_EQ(head({"POST", "", {{"accept", "x"}, {"USER-AGENT", "y"}, {"host", "z"}}, "abc"}),
            "POST /a?b HTTP/1.1\r\nContent-Length: 3\r\naccept: x\r\nUSER-AGENT: y\r\nhost: z\r\n\r\n");
  EXPECT_NE(head({"POST", "", {}, ""}).find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_NE(head({}, "http://[::1]/").find("Host: [::1]\r\n"), std::string::npos);
}

TEST(RequestHead, NothingBreaksOutOfItsLine) {
  for (const char* value : {"a\r\nX: y", "a\nb", "a\rb", "a\x01", "a\x7F"}) {
    EXPECT_THROW(head({"GET", "", {{"Name", value}}, ""}), Error) << value;
  }
  EXPECT_THROW(head({"GET", "", {{"Name", std::string("a\0b", 3)}}, ""}), Error);
  for (const char* name : {"", "a b", "a:", "a\r\n", "\xC3\xBC"}) {
    EXPECT_THROW(head({"GET", "", {{name, "x"}}, ""}), Error) << name;
  }
  for (const char* method : {"", "GET /x HTTP/1.1\r\nHost: y\r\n\r\nGET", "G ET"}) {
    EXPECT_THROW(head({method, "", {}, ""}), Error) << method;
  }
  EXPECT_NO_THROW(head({"GET", "", {{"Name", "\xC3\xBC\tb"}}, ""}));
}

TEST(RequestHead, TheLengthIsNotForUsersToSay) {
  EXPECT_THROW(head({"POST", "", {{"content-length", "3"}}, "abc"}), Error);
  EXPECT_THROW(head({"POST", "", {{"Transfer-Encoding", "chunked"}}, "abc"}), Error);
}

TEST(RequestHead, AValueIsNotShown) {
  try {
    head({"GET", "", {{"Authorization", "Bearer S3CRET\n"}}, ""});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message().find("S3CRET"), std::string::npos);
    EXPECT_NE(error.message().find("Authorization"), std::string::npos);
  }
}

}  // namespace
}  // namespace coppice
