// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/endpoint_gate.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/llm/llm_fixture.h"
#include "coppice/http/loop_fixture.h"

namespace coppice {
namespace {

/// Callers of a gate, and the order in which they came through.
struct Callers {
  TestLoop loop;
  std::vector<std::string> order;
  std::vector<EndpointGate::Permit> permits;
  std::vector<ErrorCode> thrown;

  void enter(EndpointGate& gate, GateEntry entry) {
    boost::asio::co_spawn(loop.context, pass(gate, std::move(entry)), [this](std::exception_ptr error) {
      if (!error) return;
      try {
        std::rethrow_exception(error);
      } catch (const Error& fault) {
        thrown.push_back(fault.code());
      }
    });
  }
  Awaitable<void> pass(EndpointGate& gate, GateEntry entry) {
    const std::string step = entry.step;
    auto permit = co_await gate.enter(std::move(entry));
    order.push_back(step);
    permits.push_back(std::move(permit));
  }
  /// All that can be done without waiting.
  void turn() {
    loop.context.restart();
    loop.context.poll();
  }
};

GateEntry cancelled_by(Cancellation& cancellation, const std::string& step) {
  GateEntry entry(step, 1);
  entry.cancellation = &cancellation;
  return entry;
}

TEST(EndpointGate, LetsAsManyThroughAsItMay) {
  Callers callers;
  EndpointGate gate(callers.loop.context, GateLimits{2, 0, 0});
  for (int i = 0; i < 5; ++i) callers.enter(gate, {"a", 1});
  callers.turn();
  EXPECT_EQ(callers.order.size(), 2u);
  EXPECT_EQ(gate.in_flight(), 2u);
  EXPECT_EQ(gate.waiting(), 3u);
  callers.permits[0].leave({});
  callers.turn();
  EXPECT_EQ(callers.order.size(), 3u);
  while (gate.in_flight() > 0) {
    callers.permits.clear();
    callers.turn();
  }
  EXPECT_EQ(callers.order.size(), 5u);
  EXPECT_EQ(gate.waiting(), 0u);
}

TEST(EndpointGate, StepsTakeTurns) {
  Callers callers;
  EndpointGate gate(callers.loop.context, GateLimits{1, 0, 0});
  for (int i = 0; i < 50; ++i) callers.enter(gate, {"many", 1});
  for (int i = 0; i < 2; ++i) callers.enter(gate, {"one", 1});
  callers.turn();
  for (int i = 0; i < 5; ++i) {
    callers.permits.clear();
    callers.turn();
  }
  EXPECT_EQ(std::count(callers.order.begin(), callers.order.end(), "one"), 2);
}

TEST(EndpointGate, OneThatIsCancelledOrLateGivesUpItsPlace) {
  Callers callers;
  EndpointGate gate(callers.loop.context, GateLimits{1, 0, 0});
  Cancellation cancellation;
  callers.enter(gate, {"a", 1});
  callers.enter(gate, cancelled_by(cancellation, "b"));
  GateEntry late("c", 1);
  late.deadline = std::chrono::steady_clock::now();
  callers.enter(gate, late);
  callers.enter(gate, {"d", 1});
  callers.turn();
  cancellation.cancel();
  callers.turn();
  EXPECT_EQ(callers.thrown, (std::vector{ErrorCode::timeout, ErrorCode::cancelled}));
  EXPECT_EQ(gate.waiting(), 1u);
  callers.enter(gate, cancelled_by(cancellation, "e"));
  callers.turn();
  EXPECT_EQ(callers.thrown.back(), ErrorCode::cancelled);
  callers.permits.clear();
  callers.turn();
  EXPECT_EQ(callers.order, (std::vector<std::string>{"a", "d"}));
}

TEST(EndpointGate, WaitsForTimeAlone) {
  Callers callers;
  EndpointGate gate(callers.loop.context, GateLimits{10, 0, 0});
  gate.learn({{"retry-after-ms", "20"}}, 429);
  const auto begin = std::chrono::steady_clock::now();
  callers.enter(gate, {"a", 1});
  callers.turn();
  EXPECT_TRUE(callers.order.empty());
  callers.loop.context.restart();
  while (callers.order.empty()) callers.loop.context.run_one();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

TEST(EndpointGate, ThoseThatWaitMayBeDestroyedWithTheirLoop) {
  std::optional<EndpointGate::Permit> permit;
  {
    std::optional<Callers> callers(std::in_place);
    EndpointGate gate(callers->loop.context, GateLimits{1, 0, 0});
    for (int i = 0; i < 3; ++i) callers->enter(gate, {"a", 1});
    callers->turn();
    EXPECT_EQ(gate.waiting(), 2u);
    permit = std::move(callers->permits[0]);
    permit->leave({});
  }
}

TEST(EndpointGate, IsPassedByEachAttemptBeforeItIsAnnounced) {
  LlmBench bench;
  bench.endpoint.concurrency = 1;
  EndpointGate gate(bench.loop.context, bench.endpoint);
  LlmCall call = bench.call();
  call.gate = &gate;
  call.step = "writer";
  bench.sender.acts.push_back([&](HttpCall&) {
    EXPECT_EQ(gate.in_flight(), 1u);
    EXPECT_EQ(bench.recorder.intents.size(), 1u);
    return HttpResponse{503, {{"retry-after-ms", "1"}}, "busy"};
  });
  bench.sender.answer(chat_text("Hello!"));
  EXPECT_EQ(bench.chat(bench.request(), call).content, "Hello!");
  EXPECT_EQ(gate.in_flight(), 0u);
  // A call that waits for its turn is not announced: it would be charged if the program died.
  EndpointGate::Permit taken = bench.loop.run([](EndpointGate& of) -> Awaitable<EndpointGate::Permit> {
    GateEntry entry("other", 1);
    co_return co_await of.enter(std::move(entry));
  }(gate));
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  EXPECT_EQ(bench.fault(bench.request(), call).substr(0, 8), "timeout:");
  EXPECT_EQ(bench.recorder.intents.size(), 2u);
  taken.leave({});
}

}  // namespace
}  // namespace coppice
