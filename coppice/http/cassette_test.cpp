// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/cassette.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

/// Answers as it is told to.
struct Scripted : HttpSender {
  Awaitable<HttpResponse> send(HttpCall call) override {
    ++calls;
    co_return answer(call);
  }
  std::function<HttpResponse(HttpCall&)> answer;
  int calls = 0;
};

struct CassetteTest : testing::Test {
  CassetteTest() {
    std::filesystem::remove(path);
    sender.answer = [this](HttpCall& call) {
      return HttpResponse(200, {{"Content-Type", "text/plain"}},
                          call.request.body + " answer " + std::to_string(sender.calls));
    };
  }
  ~CassetteTest() override { std::filesystem::remove(path); }

  static HttpCall call(const std::string& body) {
    HttpCall made;
    made.request = {"POST", "http://a/v1", {{"Authorization", "Bearer S3CRET"}}, body};
    return made;
  }
  std::string body_of(CassetteMode mode, const std::vector<std::string>& requests) {
    Cassette cassette(path, mode, mode == CassetteMode::replay ? nullptr : &sender);
    std::string bodies;
    for (const std::string& request : requests) bodies += loop.run(cassette.send(call(request))).body + '\n';
    return bodies;
  }
  std::string file() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  ErrorCode fault_of(HttpSender& to, HttpCall made) {
    try {
      loop.run(to.send(std::move(made)));
    } catch (const Error& error) {
      message = error.message();
      return error.code();
    }
    return ErrorCode::internal;
  }

  TestLoop loop;
  Scripted sender;
  std::string message;
  const std::string path = testing::TempDir() + "cassette_test_" + std::to_string(::getpid()) + ".jsonl";
};

TEST_F(CassetteTest, ReplaysWhatWasRecorded) {
  EXPECT_EQ(body_of(CassetteMode::record, {"x", "y"}), "x answer 1\ny answer 2\n");
  EXPECT_EQ(body_of(CassetteMode::replay, {"y", "x"}), "y answer 2\nx answer 1\n");
  EXPECT_EQ(sender.calls, 2);
  EXPECT_EQ(file().find("S3CRET"), std::string::npos);
}

TEST_F(CassetteTest, TheSameRequestIsAnsweredInOrderAndByTheLastOneInTheEnd) {
  body_of(CassetteMode::record, {"x", "x"});
  EXPECT_EQ(body_of(CassetteMode::replay, {"x", "x", "x"}), "x answer 1\nx answer 2\nx answer 2\n");
}

TEST_F(CassetteTest, RecordingKeepsWhatIsThere) {
  body_of(CassetteMode::record, {"x"});
  body_of(CassetteMode::record, {"x"});
  EXPECT_EQ(body_of(CassetteMode::replay, {"x", "x"}), "x answer 1\nx answer 2\n");
}

TEST_F(CassetteTest, OnceSendsOnlyWhatIsNotThere) {
  body_of(CassetteMode::record, {"x"});
  EXPECT_EQ(body_of(CassetteMode::once, {"x", "y", "y"}), "x answer 1\ny answer 2\ny answer 3\n");
  EXPECT_EQ(body_of(CassetteMode::once, {"x", "y", "y"}), "x answer 1\ny answer 2\ny answer 3\n");
  EXPECT_EQ(sender.calls, 3);
}

TEST_F(CassetteTest, ARequestThatIsNotThereIsNamed) {
  body_of(CassetteMode::record, {"x"});
  Cassette cassette(path, CassetteMode::replay, nullptr);
  EXPECT_EQ(fault_of(cassette, call("z")), ErrorCode::data);
  EXPECT_NE(message.find("the request POST http://a/v1 with the body 'z' is not in the cassette"), std::string::npos)
      << message;
}

TEST_F(CassetteTest, PiecesComeAsTheyCame) {
  sender.answer = [](HttpCall& call) {
    for (const char* piece : {"a", "b\xC3",
                              "\xBC"
                              "c"})
      call.on_body(piece);
    return HttpResponse(200, {});
  };
  const std::vector<std::string> expected{"a", "b\xC3",
                                          "\xBC"
                                          "c"};
  for (const CassetteMode mode : {CassetteMode::record, CassetteMode::replay}) {
    Cassette cassette(path, mode, &sender);
    std::vector<std::string> pieces;
    HttpCall made = call("x");
    made.on_body = [&pieces](std::string_view piece) { pieces.emplace_back(piece); };
    EXPECT_EQ(loop.run(cassette.send(std::move(made))).body, "");
    EXPECT_EQ(pieces, expected);
  }
  EXPECT_EQ(body_of(CassetteMode::replay, {"x"}),
            "ab\xC3\xBC"
            "c\n");
  EXPECT_EQ(sender.calls, 1);
}

TEST_F(CassetteTest, AKeyThatIsRepeatedIsCutOutEvenWhereItComesInPieces) {
  sender.answer = [](HttpCall& call) {
    for (const char* piece : {"a S3C", "RET b ", "S3CRE", "\\u0054 \\u00533CRET"}) call.on_body(piece);
    return HttpResponse(200, {{"X-RateLimit-Of", "S3CRET"}});
  };
  std::string heard;
  {
    Cassette cassette(path, CassetteMode::record, &sender);
    HttpCall made = call("x");
    made.on_body = [&heard](std::string_view piece) { heard += piece; };
    loop.run(cassette.send(std::move(made)));
  }
  EXPECT_EQ(heard, "a S3CRET b S3CRE\\u0054 \\u00533CRET");  // the caller's is as it came
  EXPECT_EQ(file().find("S3C"), std::string::npos) << file();
  EXPECT_EQ(body_of(CassetteMode::replay, {"x"}), "a *** b *** ***\n");
}

TEST_F(CassetteTest, FailuresComeBackAsFailures) {
  sender.answer = [](HttpCall& call) -> HttpResponse {
    call.on_body("begun");
    throw Error(ErrorCode::remote, "cut off", "somewhere");
  };
  for (const CassetteMode mode : {CassetteMode::record, CassetteMode::replay}) {
    Cassette cassette(path, mode, &sender);
    std::string begun;
    HttpCall made = call("x");
    made.on_body = [&begun](std::string_view piece) { begun += piece; };
    EXPECT_EQ(fault_of(cassette, std::move(made)), ErrorCode::remote);
    EXPECT_NE(message.find("cut off"), std::string::npos);
    EXPECT_EQ(begun, "begun");
  }
  EXPECT_EQ(sender.calls, 1);
}

TEST_F(CassetteTest, WhatTheCallerDidIsNotRecorded) {
  Cassette cassette(path, CassetteMode::record, &sender);
  sender.answer = [](HttpCall& call) {
    call.on_body("piece");
    return HttpResponse(200, {});
  };
  HttpCall throws = call("x");
  throws.on_body = [](std::string_view) { throw Error(ErrorCode::remote, "the caller's"); };
  EXPECT_EQ(fault_of(cassette, std::move(throws)), ErrorCode::remote);
  sender.answer = [](HttpCall&) -> HttpResponse { throw Error(ErrorCode::cancelled, "stopped"); };
  EXPECT_EQ(fault_of(cassette, call("x")), ErrorCode::cancelled);
  EXPECT_EQ(file(), "");
  Cancellation cancellation;
  cancellation.cancel();
  HttpCall late = call("x");
  late.cancellation = &cancellation;
  EXPECT_EQ(fault_of(cassette, std::move(late)), ErrorCode::cancelled);
}

TEST_F(CassetteTest, MayBeDestroyedWhileACallIsUnderWay) {
  body_of(CassetteMode::record, {"x"});
  auto cassette = std::make_unique<Cassette>(path, CassetteMode::replay, nullptr);
  auto under_way = cassette->send(call("x"));
  cassette.reset();
  EXPECT_EQ(loop.run(std::move(under_way)).body, "x answer 1");
}

TEST_F(CassetteTest, AFileThatIsDamagedSaysWhere) {
  body_of(CassetteMode::record, {"x", "y"});
  const std::string whole = file();
  const auto expect_refused = [&](const std::string& bytes, CassetteMode mode, const std::string& place) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      const Cassette cassette(path, mode, &sender);
      FAIL() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      EXPECT_EQ(error.where(), path + place);
    }
  };
  for (const CassetteMode mode : {CassetteMode::record, CassetteMode::once, CassetteMode::replay}) {
    expect_refused(whole.substr(0, whole.size() - 1), mode, ":2");
  }
  expect_refused("{}\n" + whole, CassetteMode::replay, ":1");
  expect_refused(whole + "\n", CassetteMode::once, ":3");
}

TEST_F(CassetteTest, AFileThatCannotBeReadOrWrittenIsAFault) {
  const auto code_of = [this](const std::string& at, CassetteMode mode, HttpSender* to) {
    try {
      const Cassette cassette(at, mode, to);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  EXPECT_EQ(code_of(path, CassetteMode::replay, nullptr), ErrorCode::io);
  EXPECT_EQ(code_of("/no/such/folder/x", CassetteMode::record, &sender), ErrorCode::io);
  EXPECT_EQ(code_of(path, CassetteMode::record, nullptr), ErrorCode::usage);
  std::ofstream(path).close();
  EXPECT_EQ(body_of(CassetteMode::once, {"x"}), "x answer 1\n");  // an empty one is one
}

TEST_F(CassetteTest, ALineThatDoesNotFitOnTheDiskIsNotThereAtAll) {
  body_of(CassetteMode::record, {"x"});
  const std::string before = file();
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{before.size() + 20, old.rlim_max};
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  Cassette cassette(path, CassetteMode::record, &sender);
  const ErrorCode code = fault_of(cassette, call("y"));
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(code, ErrorCode::io);
  EXPECT_EQ(file(), before);
}

}  // namespace
}  // namespace coppice
