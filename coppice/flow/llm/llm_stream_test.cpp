// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_stream.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/flow/llm/llm_errors.h"

namespace coppice {
namespace {

std::string event(const std::string& data) {
  return "data: " + data + "\n\n";
}
std::string delta(const std::string& inside, const std::string& reason = "null") {
  return event(R"({"id":"c-1","model":"m-2","choices":[{"index":0,"delta":{)" + inside + R"(},"finish_reason":)" +
               reason + "}]}");
}
std::string text(const std::string& content) {
  return delta(R"("content":")" + content + "\"");
}
const std::string kStop = delta("", "\"stop\"");
const std::string kUsage =
    event(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}})");
const std::string kDone = event("[DONE]");

/// What came of a stream that came in these pieces.
struct Streamed {
  Said<ChatAnswer> said;
  std::string shown;
  std::string error;  ///< "" = none
};
Streamed streamed(const std::vector<std::string>& pieces) {
  Streamed result;
  ChatStream stream({"local", Secrets("sk-secret")});
  const auto show = [&](std::string_view piece) { result.shown += piece; };
  try {
    for (const std::string& piece : pieces) stream.feed(piece, show);
    result.said = stream.finish(show);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::remote);
    result.error = error.what();
  }
  return result;
}

TEST(ChatStream, ComesTogether) {
  const Streamed all =
      streamed({delta(R"("role":"assistant","content":"")") + text("Hel") + text("lo!") + kStop + kUsage + kDone});
  EXPECT_EQ(all.error, "");
  EXPECT_EQ(all.said.answer.content, "Hello!");
  EXPECT_EQ(all.shown, "Hello!");
  EXPECT_EQ(all.said.answer.finish_reason, "stop");
  EXPECT_EQ(all.said.answer.model, "m-2");
  EXPECT_EQ(all.said.answer.id, "c-1");
  ASSERT_TRUE(all.said.usage);
  EXPECT_EQ(all.said.usage->output_tokens, 2u);
}

TEST(ChatStream, IsTheSameWhereverItIsCutInTwo) {
  const std::string all = ": comment\r\n\r\n" + text("H\xC3\xA9") + text("llo") + kStop + kUsage + kDone;
  for (size_t i = 0; i <= all.size(); ++i) {
    const Streamed halves = streamed({all.substr(0, i), all.substr(i)});
    EXPECT_EQ(halves.error, "");
    EXPECT_EQ(halves.shown, "H\xC3\xA9llo");
    EXPECT_EQ(halves.said.answer.content, halves.shown);
    EXPECT_TRUE(halves.said.usage);
  }
  std::vector<std::string> bytes;
  for (const char c : all) bytes.emplace_back(1, c);
  EXPECT_EQ(streamed(bytes).said.answer.content, "H\xC3\xA9llo");
}

TEST(ChatStream, SaysTheSameAsAPlainAnswer) {
  const std::string plain = R"({"id":"c-1","model":"m-2","choices":[{"index":0,"message":{"role":"assistant",
      "content":"Hello!","reasoning_content":"hm hm"},"finish_reason":"stop"}]})";
  const Said<ChatAnswer> whole = read_chat(nlohmann::json::parse(plain));
  const Streamed all = streamed(
      {delta(R"("reasoning_content":"hm ")") + delta(R"("reasoning_content":"hm")") + text("Hello!") + kStop + kDone});
  EXPECT_EQ(chat_json(all.said.answer), chat_json(whole.answer));
  EXPECT_FALSE(all.said.usage);
  EXPECT_EQ(all.said.likely_output_tokens, whole.likely_output_tokens);
  // A server that does not know `stream`.
  const Streamed ignored = streamed({"\n " + plain.substr(0, 30), plain.substr(30)});
  EXPECT_EQ(ignored.error, "");
  EXPECT_EQ(ignored.shown, "Hello!");
  EXPECT_EQ(chat_json(ignored.said.answer), chat_json(whole.answer));
  EXPECT_EQ(ignored.said.likely_output_tokens, whole.likely_output_tokens);
}

TEST(ChatStream, EndsWithDoneOrAFinishReason) {
  EXPECT_EQ(streamed({text("a") + kStop}).said.answer.content, "a");
  const Streamed without_reason = streamed({text("a") + kDone});
  EXPECT_EQ(without_reason.error, "");
  EXPECT_EQ(without_reason.said.answer.finish_reason, "");
  EXPECT_EQ(streamed({text("a") + kDone + text("b")}).said.answer.content, "a");
  EXPECT_NE(streamed({text("a")}).error, "");
  EXPECT_NE(streamed({kDone}).error, "");
  EXPECT_NE(streamed({kUsage + kDone}).error, "");
  EXPECT_NE(streamed({}).error, "");
  EXPECT_NE(streamed({"\n\n"}).error, "");
  EXPECT_EQ(streamed({delta("", "\"stop\"") + delta("", "\"\"") + kDone}).said.answer.finish_reason, "stop");
}

TEST(ChatStream, OddAnswersAreKnown) {
  EXPECT_EQ(streamed({delta(R"("content":null)") + text("a") + kStop}).said.answer.content, "a");
  EXPECT_EQ(streamed({delta(R"("content":[{"type":"text","text":"a"}])") + kStop}).said.answer.content, "a");
  EXPECT_EQ(streamed({delta(R"("refusal":"I can")") + delta(R"("refusal":"not")") + kStop}).said.answer.refusal,
            "I cannot");
  const std::string tool = delta(R"("tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\""}}])");
  const Streamed tools = streamed({tool + tool + kStop + kDone});
  EXPECT_EQ(tools.said.answer.finish_reason, "tool_calls");
  EXPECT_EQ(tools.said.likely_output_tokens, 3u);
  EXPECT_EQ(streamed({text("a") + delta("", "\"length\"")}).said.answer.finish_reason, "length");
  EXPECT_EQ(streamed({text("a") + event(R"({"choices":[{"index":1,"delta":{"content":"other"}}]})") + kStop}).shown,
            "a");
  EXPECT_EQ(streamed({"event: ping\ndata: nothing\n\n" + text("a") + kStop}).shown, "a");
  EXPECT_EQ(streamed({event(R"({"object":"keepalive"})") + text("a") + kStop}).shown, "a");
}

TEST(ChatStream, TheLastUsageCounts) {
  const auto usage = [](int tokens) {
    return event(R"({"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":)" + std::to_string(tokens) + "}}");
  };
  EXPECT_EQ(streamed({usage(1) + text("a") + usage(2) + event(R"({"choices":[],"usage":null})") + kStop})
                .said.usage->output_tokens,
            2u);
  EXPECT_FALSE(streamed({usage(-4) + text("a") + kStop}).said.usage);
}

TEST(ChatStream, AnErrorInItEndsIt) {
  const Streamed late =
      streamed({text("Hel") + event(R"({"error":{"message":"overloaded","code":503}})") + text("lo")});
  EXPECT_EQ(late.shown, "Hel");
  EXPECT_EQ(late.error, "got an error in its answer from 'local': overloaded (503)");
  EXPECT_NE(streamed({"event: error\ndata: {\"message\":\"gone\"}\n\n"}).error.find("gone"), std::string::npos);
  const Streamed echo = streamed({event(R"({"error":"bad key sk-secret"})")});
  EXPECT_NE(echo.error.find("bad key ***"), std::string::npos);
  EXPECT_NE(streamed({R"({"error":{"message":"no streams"}})"}).error.find("no streams"), std::string::npos);
  EXPECT_NE(streamed({R"({"choices":)"}).error, "");
}

TEST(ChatStream, WhatIsNoChunkEndsIt) {
  for (const char* data : {"hello", "{", "3", "[1]", R"({"choices":3})", R"({"choices":[3]})",
                           R"({"choices":[{"delta":{"content":{"a":1}}}]})", "{\"a\":\"\xFF\"}"}) {
    const Streamed all = streamed({text("a") + event(data) + kStop + kDone});
    EXPECT_NE(all.error, "") << data;
    EXPECT_EQ(all.shown, "a");
  }
  EXPECT_EQ(streamed({event("the key sk-secret")}).error.find("sk-secret"), std::string::npos);
}

TEST(ChatStream, WhatThrowsWhileItIsShownIsBilledAllTheSame) {
  ChatStream stream({"local", {}});
  EXPECT_THROW(stream.feed(text("12345678"), [](std::string_view) { throw std::runtime_error("full"); }),
               std::runtime_error);
  EXPECT_EQ(stream.likely_output(), 2u);
  EXPECT_FALSE(stream.is_complete());
}

TEST(ChatStream, CutAtEachByteItIsTheAnswerOrBroken) {
  const std::string all = text("Hel") + text("lo!") + kStop + kUsage + kDone;
  const size_t stop_end = all.find(kUsage);
  for (size_t i = 0; i < all.size(); ++i) {
    const Streamed part = streamed({all.substr(0, i)});
    EXPECT_EQ(part.error.empty(), i >= stop_end) << i;
    EXPECT_TRUE(std::string("Hello!").starts_with(part.shown));
    EXPECT_EQ(part.said.answer.content, part.error.empty() ? "Hello!" : "");
  }
}

TEST(ChatStream, ChangedAtRandomItThrowsNothingButErrors) {
  const std::string all = text("Hel") + text("lo!") + kStop + kUsage + kDone;
  Random random(17);
  for (int i = 0; i < 3'000; ++i) {
    std::string changed = all;
    for (uint32_t n = 1 + random.below(3); n > 0; --n) {
      const size_t place = random.below(static_cast<uint32_t>(changed.size()));
      switch (random.below(3)) {
        case 0:
          changed[place] = static_cast<char>(random.below(256));
          break;
        case 1:
          changed.erase(place, 1 + random.below(20));
          break;
        default:
          changed.insert(place, changed.substr(random.below(static_cast<uint32_t>(changed.size())), 20));
      }
    }
    const Streamed result = streamed({changed});
    EXPECT_EQ(result.said.answer.content, result.error.empty() ? result.shown : "");
  }
}

}  // namespace
}  // namespace coppice
