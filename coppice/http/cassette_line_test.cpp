// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cassette_line.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace coppice {
namespace {

CassetteEntry sample() {
  CassetteEntry entry;
  entry.method = "POST";
  entry.url = "http://a/v1?x=1";
  entry.request_body = "{\"b\": 1, \"a\": \"\xC3\xBC\"}";
  entry.status = 200;
  entry.headers = {{"Content-Type", "text/event-stream"}, {"X-RateLimit-Reset", "1s"}};
  entry.pieces = {"data: \xC3", "\xBC\n\n", std::string("\0\xFF\r\n", 4), "", "end"};
  entry.failure = CassetteEntry::Failure{ErrorCode::timeout, "not a byte came"};
  return entry;
}

std::string text_of(const CassetteEntry& entry) {
  std::string text = entry.method + ' ' + entry.url + ' ' + entry.request_body + ' ' + std::to_string(entry.status);
  for (const auto& [name, value] : entry.headers.all()) text += '|' + name + '=' + value;
  for (const std::string& piece : entry.pieces) text += '|' + piece;
  if (const auto& failure = entry.failure) {
    text += std::string(name(failure->code)) + failure->message + (failure->was_sent ? "" : " not sent");
  }
  return text;
}

TEST(CassetteLine, ComesBackAsItWas) {
  const std::string line = cassette_line(sample());
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(text_of(parse_cassette_line(line)), text_of(sample()));
  CassetteEntry failed = sample();
  failed.status = 0;
  failed.headers = {};
  failed.pieces.clear();
  EXPECT_EQ(text_of(parse_cassette_line(cassette_line(failed))), text_of(failed));
  failed.failure->was_sent = false;
  EXPECT_EQ(text_of(parse_cassette_line(cassette_line(failed))), text_of(failed));
}

TEST(CassetteLine, AnyBytesComeBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 400; ++round) {
    CassetteEntry entry = sample();
    entry.pieces.clear();
    for (size_t i = random() % 4; i > 0; --i) {
      std::string piece(random() % 200, ' ');
      for (char& c : piece) c = static_cast<char>(random() % 3 == 0 ? random() : 'a' + random() % 26);
      entry.pieces.push_back(piece);
    }
    ASSERT_EQ(text_of(parse_cassette_line(cassette_line(entry))), text_of(entry));
  }
}

TEST(CassetteLine, NoKeyReachesIt) {
  CassetteEntry entry = sample();
  entry.url = "http://a/?api-key=S3CRET&alt=sse&ACCESS_TOKEN=S3CRET&key=S3CRET&X-Amz-Signature=S3CRET&monkey";
  entry.headers = {{"Set-Cookie", "S3CRET"}, {"x-request-id", "S3CRET"}, {"Retry-After", "3"}, {"x-stand-in", "1"}};
  const std::string line = cassette_line(entry);
  EXPECT_EQ(line.find("S3CRET"), std::string::npos) << line;
  EXPECT_NE(line.find("http://a/?api-key=-&alt=sse&ACCESS_TOKEN=-&key=-&X-Amz-Signature=-&monkey"), std::string::npos)
      << line;
  EXPECT_EQ(parse_cassette_line(line).headers.find("retry-after"), "3");
  EXPECT_EQ(parse_cassette_line(line).headers.find("X-Stand-In"), "1") << "what was simulated stays so";
}

TEST(CassetteLine, WhatIsCutOffOrDamagedIsRefused) {
  const std::string line = cassette_line(sample());
  for (size_t size = 0; size + 1 < line.size(); ++size) {
    EXPECT_THROW(parse_cassette_line(std::string_view(line).substr(0, size)), Error) << size;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 5'000; ++round) {
    std::string damaged = line;
    for (int change = 0; change < 2; ++change) damaged[random() % damaged.size()] = "\"{}[]:,0a\\\xFF"[random() % 11];
    try {
      // What is written of it (fewer headers, no secrets) comes back as it is.
      const CassetteEntry entry = parse_cassette_line(cassette_line(parse_cassette_line(damaged)));
      ASSERT_EQ(text_of(parse_cassette_line(cassette_line(entry))), text_of(entry));
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::data || error.code() == ErrorCode::unsupported);
    }
  }
}

TEST(CassetteLine, OneOfAnotherShapeIsRefused) {
  const std::string request = R"("request": {"method": "GET", "url": "u", "body": ""})";
  EXPECT_NO_THROW(parse_cassette_line("{\"cassette\": 1, " + request +
                                      R"(, "response": {"status": 200, "headers": {}, "body": []}})"));
  for (const std::string& line :
       {std::string("[]"), std::string("{}"), "{" + request + "}", "{\"cassette\": 1, " + request + "}",
        "{\"cassette\": 1, " + request + R"(, "response": {"status": 99, "headers": {}, "body": []}})",
        "{\"cassette\": 1, " + request + R"(, "response": {"status": 200, "headers": [], "body": []}})",
        "{\"cassette\": 1, " + request + R"(, "response": {"status": 200, "headers": {}, "body": "x"}})",
        "{\"cassette\": 1, " + request + R"(, "response": {"status": 200, "headers": {}, "body": [{"base64": "a"}]}})",
        "{\"cassette\": 1, " + request +
            R"(, "response": {"status": 200, "headers": {}, "body": [{"base64": "a?=="}]}})",
        "{\"cassette\": 1, " + request + R"(, "failure": {"code": "odd", "message": ""}})",
        std::string(R"({"cassette": 1, "request": {"method": 1, "url": "u", "body": ""}})")}) {
    EXPECT_THROW(parse_cassette_line(line), Error) << line;
  }
  try {
    parse_cassette_line("{\"cassette\": 2}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

TEST(CassetteKey, TellsRequestsApart) {
  const std::string key = cassette_key("POST", "http://a/", R"({"a": 1, "b": [1, 2]})");
  EXPECT_EQ(cassette_key("POST", "http://a/", R"({"b":[1,2],"a":1})"), key);
  EXPECT_NE(cassette_key("POST", "http://a/", R"({"b":[2,1],"a":1})"), key);
  EXPECT_NE(cassette_key("PUT", "http://a/", R"({"a": 1, "b": [1, 2]})"), key);
  EXPECT_NE(cassette_key("POST", "http://b/", R"({"a": 1, "b": [1, 2]})"), key);
  EXPECT_NE(cassette_key("POST", "http://a/", "not json"), cassette_key("POST", "http://a/", "not json "));
  EXPECT_EQ(cassette_key("GET", "http://a/?key=1", ""), cassette_key("GET", "http://a/?key=2", ""));
  EXPECT_NE(cassette_key("GET", "http://a/?q=1", ""), cassette_key("GET", "http://a/?q=2", ""));
}

}  // namespace
}  // namespace coppice
