// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_errors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/core/json_text.h"

namespace coppice {
namespace {

TEST(LlmErrors, AreReadInTheFormsThatServersHave) {
  const ServerError full = read_server_error(
      R"({"error":{"message":"too long","type":"invalid","code":"context_length","param":"messages"}})");
  EXPECT_EQ(full.message, "too long");
  EXPECT_EQ(full.type, "invalid");
  EXPECT_EQ(full.code, "context_length");
  EXPECT_EQ(full.param, "messages");
  EXPECT_EQ(read_server_error(R"({"error":"no"})").message, "no");
  EXPECT_EQ(read_server_error(R"({"object":"error","message":"no","code":400})").code, "400");
  EXPECT_EQ(read_server_error(R"({"detail":"Not Found"})").message, "Not Found");
  EXPECT_EQ(read_server_error(R"({"detail":[{"loc":["body","grammar"]}]})").message, R"([{"loc":["body","grammar"]}])");
  EXPECT_EQ(read_server_error(R"([{"error":{"message":"no","code":400}}])").message, "no");
  EXPECT_EQ(read_server_error("<html>Bad\ngateway</html>").message, "<html>Bad gateway</html>");
  EXPECT_EQ(read_server_error("").message, "");
  EXPECT_EQ(read_server_error("{\"error\":").message, "{\"error\":");
}

TEST(LlmErrors, WhatIsQuotedIsOneLineOfText) {
  EXPECT_EQ(one_line("a\r\nb\x01\x7F"), "a  b  ");
  EXPECT_EQ(one_line("caf\xE9 \xF0\x9F\x98\x80"), "caf\xEF\xBF\xBD \xF0\x9F\x98\x80");
  const std::string cut = one_line(std::string(499, 'a') + "\xF0\x9F\x98\x80 and more");
  EXPECT_EQ(cut, std::string(499, 'a') + "...");
  EXPECT_EQ(one_line(std::string(500, '\x80')).substr(0, 3), "\xEF\xBF\xBD");
}

TEST(LlmErrors, AnErrorMayStandInThePlaceOfAnAnswer) {
  EXPECT_TRUE(is_server_error(parse_json(R"({"error":{"message":"x"}})")));
  EXPECT_TRUE(is_server_error(parse_json(R"({"object":"error","message":"x"})")));
  EXPECT_TRUE(is_server_error(parse_json("[1]")));
  EXPECT_FALSE(is_server_error(parse_json(R"({"error":null,"choices":[]})")));
}

TEST(LlmErrors, SayWhoAnsweredWhatAndWhatToDo) {
  const RefusedByServer refused("local", 429, {"slow down", "requests", "rate_limit", ""});
  EXPECT_EQ(refused.code(), ErrorCode::remote);
  EXPECT_STREQ(refused.what(), "got status 429 from 'local': slow down (rate_limit)");
  EXPECT_FALSE(refused.hint().empty());
  EXPECT_STREQ(RefusedByServer("local", 500, {}).what(), "got status 500 from 'local'");
  EXPECT_STREQ(RefusedByServer("local", 0, {"x", "", "", ""}).what(), "got an error in its answer from 'local': x");
}

TEST(LlmErrors, ThoseAboutTheFormatAreToldFromOthers) {
  const auto about = [](int status, const char* message, const char* param = "") {
    return RefusedByServer("e", status, {message, "", "", param}).is_about_format();
  };
  EXPECT_TRUE(about(400, "Invalid schema for response_format 'answer'"));
  EXPECT_TRUE(about(422, "", "Response_Format"));
  EXPECT_TRUE(about(500, "failed to parse grammar"));
  EXPECT_TRUE(about(0, "grammar is not supported"));
  EXPECT_FALSE(about(400, "maximum context length is 8192 tokens"));
  EXPECT_FALSE(about(401, "no JSON web token"));
  EXPECT_FALSE(about(429, "schema"));
}

}  // namespace
}  // namespace coppice
