// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/url.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

std::string refused(const std::string& url) {
  try {
    parse_url(url);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::usage) << url;
    return error.what();
  }
  ADD_FAILURE() << url << " was taken";
  return {};
}

TEST(Url, HasItsParts) {
  const Url url = parse_url("HTTP://Example.COM:8080/v1/Chat?x=1&y=[2]#part");
  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.target, "/v1/Chat?x=1&y=[2]");
  EXPECT_EQ(url.authority(), "example.com:8080");
}

TEST(Url, WhatGoesWithoutSaying) {
  EXPECT_EQ(parse_url("http://a").port, 80);
  EXPECT_EQ(parse_url("https://a").port, 443);
  EXPECT_EQ(parse_url("https://a:").port, 443);
  EXPECT_EQ(parse_url("https://a:443/").authority(), "a");
  EXPECT_EQ(parse_url("https://a:80/").authority(), "a:80");
  EXPECT_EQ(parse_url("http://a").target, "/");
  EXPECT_EQ(parse_url("http://a?b").target, "/?b");
  EXPECT_EQ(parse_url("http://a#b").target, "/");
}

TEST(Url, TakesIpv6InBrackets) {
  const Url url = parse_url("http://[::1]:8080/x");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.authority(), "[::1]:8080");
  EXPECT_EQ(parse_url("http://[2001:DB8::1]").authority(), "[2001:DB8::1]");
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* url : {"",
                          "example.com",
                          "ftp://a",
                          "http:/a",
                          "http://",
                          "http:///x",
                          "http://:80",
                          "http://a:0",
                          "http://a:65536",
                          "http://a:8x",
                          "http://a:-1",
                          "http://a:+1",
                          "http://a b/",
                          "http://a/b c",
                          "http://a/\r\nX: y",
                          "http://a/%",
                          "http://a/%2",
                          "http://a/%2g",
                          "http://a/\"",
                          "http://a/\x7f",
                          "http://a\r\n",
                          "http://[::1",
                          "http://[::1]x",
                          "http://[1.2.3.4]",
                          "http://[]",
                          "http://::1/",
                          "http://[fe80::1%25eth0]/",
                          "http://b\xC3\xBC"
                          "cher.de/",
                          "http://a/\xC3\xBC",
                          "http://%61/"}) {
    refused(url);
  }
  refused("http://" + std::string(300, 'a') + "/");
  refused("http://a:999999999999999999999");
}

TEST(Url, NoFaultShowsWhatMayBeASecret) {
  for (const char* url :
       {"http://user:S3CRET@host/", "http://S3CRET@host/", "ftp://u:S3CRET@host/", "http://a:x@b@S3CRET/",
        "http://host/a b?key=S3CRET", "http://host:x/?key=S3CRET", "nothing?S3CRET"}) {
    EXPECT_EQ(refused(url).find("S3CRET"), std::string::npos) << url;
  }
}

TEST(Url, AnyTextIsTakenOrRefused) {
  std::mt19937 random(1);
  const std::string seed = "https://user@[2001:db8::7]:8443/a/%20b?c=d&e=f#g";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (int change = 0; change < 3; ++change) text[random() % text.size()] = static_cast<char>(random());
    text.resize(random() % (text.size() + 1));
    try {
      const Url url = parse_url(text);
      EXPECT_TRUE(url.target.starts_with('/'));
      const Url again = parse_url(url.scheme + "://" + url.authority() + url.target);
      EXPECT_EQ(again.authority(), url.authority());
      EXPECT_EQ(again.target, url.target);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
    }
  }
}

TEST(JoinUrl, HasOneSlashAtTheSeam) {
  for (const char* base : {"http://a/v1", "http://a/v1/", "http://a/v1//"}) {
    for (const char* path : {"chat/completions", "/chat/completions"}) {
      EXPECT_EQ(join_url(base, path), "http://a/v1/chat/completions");
    }
  }
  EXPECT_EQ(join_url("http://a", ""), "http://a");
}

TEST(JoinUrl, LeavesAQueryAtTheEnd) {
  EXPECT_EQ(join_url("https://a/openai?api-version=1", "embeddings"), "https://a/openai/embeddings?api-version=1");
}

TEST(PercentEncode, ComesBackWhateverTheBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a b/\xC3\xBC~"), "a%20b%2F%C3%BC~");
}

TEST(PercentDecode, RefusesAPercentWithoutDigits) {
  for (const char* text : {"%", "%4", "a%4x", "%%41"}) EXPECT_THROW(percent_decode(text), Error) << text;
  EXPECT_EQ(percent_decode("%41+b"), "A+b");
}

}  // namespace
}  // namespace coppice
