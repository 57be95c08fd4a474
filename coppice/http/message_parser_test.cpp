// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/message_parser.h"

#include <gtest/gtest.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <random>
#include <string>
#include <vector>

namespace coppice {
namespace {

using Kind = MessageParser::Kind;

/// What a parser made of some bytes, as text: equal texts are equal results.
struct Outcome {
  std::string text;
  int fault_status = 0;
  std::string fault;
  size_t taken = 0;
  bool is_done = false, stays_open = false;
};

struct Input {
  Kind kind = Kind::response;
  bool is_head = false;
  MessageLimits limits;
};

Outcome parse(const std::vector<std::string>& pieces, Input input = {}) {
  Outcome outcome;
  std::string body;
  MessageParser parser(input.kind, input.limits, [&body](std::string_view piece) { body += piece; });
  if (input.is_head) parser.expect_no_body();
  try {
    for (const std::string& piece : pieces) outcome.taken += parser.feed(piece);
    if (!parser.is_done()) parser.feed_end();
  } catch (const MessageError& error) {
    outcome.fault_status = error.status();
    outcome.fault = error.what();
  }
  outcome.is_done = parser.is_done();
  if (!parser.has_head()) return outcome;
  outcome.stays_open = parser.stays_open();
  outcome.text = parser.method() + parser.target() + std::to_string(parser.status()) + '\n';
  for (const auto& [name, value] : parser.headers().all()) outcome.text += name + '=' + value + '\n';
  outcome.text += '\n' + body;
  return outcome;
}

Outcome parse(const std::string& bytes, Input input = {}) {
  return parse(std::vector<std::string>{bytes}, input);
}

std::vector<std::string> single_bytes(const std::string& bytes) {
  std::vector<std::string> pieces;
  for (const char c : bytes) pieces.emplace_back(1, c);
  return pieces;
}

const std::vector<std::string> kAnswers{
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a  b \r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: "
    "t\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
};

TEST(MessageParser, ReadsAnswers) {
  const std::vector<std::string> expected{"200\nContent-Length=5\nX=a  b\n\nhello",
                                          "200\nTransfer-Encoding=chunked\n\nhello0123456789", "204\nDate=x\n\n",
                                          "304\nContent-Length=5\n\n", "201\nContent-Length=0\n\n"};
  for (size_t i = 0; i < kAnswers.size(); ++i) {
    const Outcome outcome = parse(kAnswers[i]);
    EXPECT_EQ(outcome.fault, "");
    EXPECT_EQ(outcome.text, expected[i]);
    EXPECT_EQ(outcome.taken, kAnswers[i].size());
    EXPECT_TRUE(outcome.stays_open);
  }
}

TEST(MessageParser, AnswersWithoutALengthEndWithTheConnection) {
  const Outcome outcome = parse("HTTP/1.1 200 OK\r\n\r\nall of it\r\n\r\n");
  EXPECT_EQ(outcome.text, "200\n\nall of it\r\n\r\n");
  EXPECT_FALSE(outcome.stays_open);
}

TEST(MessageParser, TheAnswerToHeadHasNoBody) {
  const Outcome outcome = parse("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nnext", {Kind::response, true, {}});
  EXPECT_TRUE(outcome.is_done);
  EXPECT_TRUE(outcome.stays_open);
  EXPECT_EQ(outcome.taken, 40U);
}

TEST(MessageParser, ReadsRequests) {
  const Input request{Kind::request, false, {}};
  const std::string bytes =
      "\r\nPOST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nokGET / HTTP/1.1\r\n\r\n";
  const Outcome outcome = parse(bytes, request);
  EXPECT_EQ(outcome.text, "POST/a?b=c0\nHost=x\nContent-Length=2\nContent-Length=2\n\nok");
  EXPECT_EQ(bytes.substr(outcome.taken), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(parse("GET / HTTP/1.1\n\n", request).is_done);
}

TEST(MessageParser, KnowsWhetherTheConnectionStaysOpen) {
  const auto stays = [](const std::string& start, const std::string& headers) {
    return parse(start + "\r\n" + headers + "Content-Length: 0\r\n\r\n").stays_open;
  };
  EXPECT_TRUE(stays("HTTP/1.1 200 OK", ""));
  EXPECT_FALSE(stays("HTTP/1.1 200 OK", "Connection: Close\r\n"));
  EXPECT_FALSE(stays("HTTP/1.1 200 OK", "Connection: x, close\r\n"));
  EXPECT_FALSE(stays("HTTP/1.0 200 OK", ""));
  EXPECT_TRUE(stays("HTTP/1.0 200 OK", "Connection: keep-alive\r\n"));
}

TEST(MessageParser, KnowsWhoAwaitsTheWordToContinue) {
  const auto awaits = [](const std::string& bytes) {
    MessageParser parser(Kind::request, {}, [](std::string_view) {});
    parser.feed(bytes);
    return parser.awaits_continue();
  };
  EXPECT_TRUE(awaits("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_TRUE(awaits("POST / HTTP/1.1\r\nExpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_FALSE(awaits("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\no"));
  EXPECT_FALSE(awaits("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(awaits("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
}

TEST(MessageParser, RefusesAnswersThatAreNone) {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes : {std::string("\x15\x03\x01", 3),
                                   std::string("SSH-2.0-OpenSSH"),
                                   std::string("HTTP/2 200\r\n"),
                                   std::string("HTTP/1.1 20\r\n\r\n"),
                                   std::string("HTTP/1.1 abc OK\r\n\r\n"),
                                   std::string("HTTP/1.1 2000 OK\r\n"),
                                   std::string("HTTP/1.1 099 OK\r\n"),
                                   std::string("HTTP/1.1\r\n\r\n"),
                                   std::string("HTTP/1.1 -20 OK\r\n"),
                                   std::string("\r\n\r\n"),
                                   std::string("HTTP/1.1 101 Switching\r\n\r\n"),
                                   head + "no colon\r\n\r\n",
                                   head + "name : x\r\n\r\n",
                                   head + ": x\r\n\r\n",
                                   head + "a: b\x01\r\n\r\n",
                                   head + "a: b\rc\r\n\r\n",
                                   head + " folded: x\r\n\r\n",
                                   head + "Content-Length: \r\n\r\n",
                                   head + "Content-Length: -1\r\n\r\n",
                                   head + "Content-Length: +1\r\n\r\n",
                                   head + "Content-Length: 0x1\r\n\r\n",
                                   head + "Content-Length: 1 2\r\n\r\n",
                                   head + "Content-Length: 1,2\r\n\r\nxx",
                                   head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
                                   head + "Content-Length: 1\r\n 2\r\n\r\n",
                                   head + "Content-Length: 99999999999999999999\r\n\r\n",
                                   head + "Transfer-Encoding: gzip, chunked\r\n\r\n",
                                   head + "Transfer-Encoding: identity\r\n\r\n",
                                   head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                                   head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                                   std::string("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                                   chunked + "x\r\n",
                                   chunked + "\r\n",
                                   chunked + "-5\r\n",
                                   chunked + "0x5\r\nhello\r\n",
                                   chunked + "5\r\nhelloo\r\n",
                                   chunked + "5\r\nhello0\r\n\r\n",
                                   chunked + "10000000000000000\r\n",
                                   chunked + "00000000000000001\r\n",
                                   chunked + "5 5\r\nhello\r\n",
                                   chunked + "ffffffffffffffff\r\nx"}) {
    const Outcome outcome = parse(bytes);
    EXPECT_NE(outcome.fault, "") << bytes;
    EXPECT_EQ(parse(single_bytes(bytes)).fault.substr(0, 20), outcome.fault.substr(0, 20)) << bytes;
  }
}

TEST(MessageParser, RefusesRequestsThatAreNone) {
  const Input request{Kind::request, false, {}};
  for (const char* bytes : {"GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/3\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n",
                            "GET  HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n",
                            "GET /\xC3\xBC HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"}) {
    const Outcome outcome = parse(bytes, request);
    EXPECT_NE(outcome.fault, "") << bytes;
    EXPECT_TRUE(outcome.fault_status == 400 || outcome.fault_status == 505) << bytes;
  }
  EXPECT_EQ(parse("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", request).fault_status, 501);
}

TEST(MessageParser, AHeaderOverLinesIsOneInAnswersAlone) {
  EXPECT_EQ(parse("HTTP/1.1 204 No\r\nA: b\r\n\t c\r\nD: e\r\n\r\n").text, "204\nA=b c\nD=e\n\n");
}

TEST(MessageParser, HoldsToItsLimits) {
  const Input small{Kind::response, false, {100, 10}};
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const auto status_of = [&small](const std::string& bytes) {
    const int in_one = parse(bytes, small).fault_status;
    EXPECT_EQ(parse(single_bytes(bytes), small).fault_status, in_one);
    return in_one;
  };
  EXPECT_EQ(status_of(head + "A: " + std::string(100, 'x')), 431);
  EXPECT_EQ(status_of(head + std::string(50, 'x') + ": y\r\n" + std::string(50, 'x') + ": y\r\n\r\n"), 431);
  std::string interim;
  for (int i = 0; i < 10; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  EXPECT_EQ(status_of(interim), 431);
  EXPECT_EQ(status_of(head + "Content-Length: 11\r\n\r\n"), 413);
  EXPECT_EQ(status_of(head + "Content-Length: 10\r\n\r\n0123456789"), 0);
  EXPECT_EQ(status_of(head + "\r\n0123456789"), 0);
  EXPECT_EQ(status_of(head + "\r\n0123456789a"), 413);
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status_of(chunked + "a\r\n0123456789\r\n0\r\n\r\n"), 0);
  EXPECT_EQ(status_of(chunked + "a\r\n0123456789\r\n1\r\nx"), 413);
  EXPECT_EQ(status_of(chunked + "1;" + std::string(200, 'x')), 431);
  EXPECT_EQ(status_of(chunked + "1;" + std::string(40, 'x') + "\r\na\r\n1;" + std::string(40, 'x') + "\r\n"), 431);
  EXPECT_EQ(status_of(chunked + "0\r\n" + std::string(100, 'T') + ": x\r\n\r\n"), 431);
}

TEST(MessageParser, SaysWhereAnAnswerIsCutOff) {
  EXPECT_EQ(parse("").fault, "the answer is missing: the connection was closed before its first byte");
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Le").fault, "the answer is cut off in its head");
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel").fault,
            "the answer is cut off after 3 bytes of its body");
}

TEST(MessageParser, NothingThatIsCutOffCountsAsWhole) {
  for (const std::string& bytes : kAnswers) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(parse(bytes.substr(0, size)).is_done) << bytes.substr(0, size);
    }
  }
}

/// Beast's parser, another's work, fed with all bytes at once.
std::string parse_with_beast(const std::string& bytes) {
  namespace http = boost::beast::http;
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes), error);
  if (error == http::error::need_more) error = {};
  if (!error && parser.got_some() && !parser.is_done()) parser.put_eof(error);
  if (error || !parser.is_done()) return "refused";
  return std::to_string(parser.get().result_int()) + '\n' + parser.get().body();
}

TEST(MessageParser, TakesWhatAnotherParserTakes) {
  std::mt19937 random(1);
  const std::vector<std::string> parts{"Content-Length: 3\r\n",
                                       "Content-Length: 4\r\n",
                                       "Transfer-Encoding: chunked\r\n",
                                       "X: y\r\n",
                                       "Connection: close\r\n",
                                       "\r\n",
                                       "3\r\nabc\r\n",
                                       "0\r\n",
                                       "abc",
                                       "abcd",
                                       "2;e=f\r\nab\r\n",
                                       "T: u\r\n"};
  size_t both = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = random() % 4 == 0 ? "HTTP/1.0 200 OK\r\n" : "HTTP/1.1 200 OK\r\n";
    for (size_t i = random() % 8; i > 0; --i) bytes += parts[random() % parts.size()];
    const Outcome ours = parse(bytes);
    const std::string theirs = parse_with_beast(bytes);
    if (!ours.fault.empty()) continue;  // ours is the stricter one: HTTP/1.0 with chunks
    const size_t body = ours.text.find("\n\n");
    ASSERT_EQ("200" + ours.text.substr(body + 1), theirs) << bytes;
    ++both;
  }
  EXPECT_GT(both, 2'000U);
}

TEST(MessageParser, DoesNotDependOnThePiecesWhateverTheBytes) {
  std::mt19937 random(7);
  size_t whole = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = kAnswers[random() % kAnswers.size()] + kAnswers[random() % kAnswers.size()];
    for (size_t change = random() % 3; change > 0; --change) {
      const size_t at = random() % bytes.size();
      random() % 2 == 0 ? void(bytes[at] = "\r\n :;0aZ\x01\xFF"[random() % 10]) : void(bytes.erase(at, 1));
    }
    std::vector<std::string> pieces;
    for (std::string_view rest = bytes; !rest.empty();) {
      pieces.emplace_back(rest.substr(0, 1 + random() % 9));
      rest.remove_prefix(pieces.back().size());
    }
    const Input input{Kind::response, false, {200, 30}};
    const Outcome in_one = parse(bytes, input), in_pieces = parse(pieces, input);
    ASSERT_EQ(in_one.fault.empty(), in_pieces.fault.empty()) << bytes << in_one.fault << in_pieces.fault;
    if (!in_one.fault.empty()) continue;
    ASSERT_EQ(in_one.text, in_pieces.text) << bytes;
    ASSERT_EQ(in_one.taken, in_pieces.taken) << bytes;
    ++whole;
  }
  EXPECT_GT(whole, 2'000U);
}

}  // namespace
}  // namespace coppice
