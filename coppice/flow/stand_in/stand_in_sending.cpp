// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_sending.h"

#include <fmt/core.h>

#include <cmath>
#include <string>
#include <utility>

#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

constexpr size_t kSplitBytes = 5;  // shorter than "data: "
constexpr size_t kFillerBytes = size_t{16} << 10;

/// The whole answer as bytes of HTTP, for what no well-behaved server sends.
std::string raw_answer(const StandInPlan& plan, const std::string& body) {
  std::string text = fmt::format("HTTP/1.1 {} OK\r\n", plan.status);
  for (const auto& [name, value] : plan.headers.all()) text += fmt::format("{}: {}\r\n", name, value);
  return text + fmt::format("content-length: {}\r\nconnection: close\r\n\r\n{}", body.size(), body);
}

void with_crlf(StandInStep& step, uint64_t /*number*/) {
  std::string text;
  for (const char c : step.bytes) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  step.bytes = std::move(text);
}

void with_comments(StandInStep& step, uint64_t number) {
  step.bytes = fmt::format(": keep-alive {0}\n\nid: {0}\nretry: 1000\nx-unknown: {0}\n", number) + step.bytes;
}

void malformed(StandInStep& step, uint64_t number) {
  if (number == 1) step.bytes = "data: {\"id\":\"chatcmpl-\n\n";  // the first after the one with the role
}

std::string filler(const StandInAsk& ask) {
  StandInWriter writer(stand_in_off_topic_words(), ask.draws.content(StandInDraws::Of::words));
  std::string text;
  while (text.size() < kFillerBytes) text += writer.sentence() + " ";
  return text;
}

/// An answer that does not end, or is of any size. An endless stream goes on with one word after the other, at the pace
/// of the model.
Flood flood_of(const StandInReply& reply, const StandInAsk& ask, double token_seconds, const StandInPlan& plan) {
  Flood flood;
  flood.bytes = ask.model.faults.of(*ask.fault).bytes;
  flood.at_seconds = plan.first_token_at;
  flood.filler = filler(ask);
  const bool ends = ask.has(StandInFault::huge);
  if (!reply.stream) {
    flood.head = reply.flood_head.empty() ? R"({"filler":")" : reply.flood_head;
    flood.tail = !ends ? "" : reply.flood_tail.empty() ? "\"}" : reply.flood_tail;
    return flood;
  }
  const StandInStream& stream = *reply.stream;
  const std::string open = "data: " + stream.before_delta + R"({"content":")";
  const std::string close = "\"}" + stream.after_delta + "null" + stream.after_finish + "\n\n";
  if (ends) {
    flood.head = open;
    flood.tail = close + "data: [DONE]\n\n";
  } else {
    flood.filler = open + " more" + close;
    flood.filler_seconds = token_seconds;
  }
  return flood;
}

/// With the faults that a stream can have.
StandInScript streamed(StandInStream stream, const StandInAsk& ask, double token_seconds, const StandInPlan& plan) {
  stream.first_token_at = plan.first_token_at;
  stream.output_token_seconds = token_seconds;
  const uint64_t until_middle = 2 + content_events(stream) / 2;  // the first two steps bring no content
  StandInScript steps = stream_script(std::move(stream));
  if (!ask.fault) return steps;
  switch (*ask.fault) {
    case StandInFault::cut_in_answer:
      return cut_after(std::move(steps), until_middle);
    case StandInFault::slow:
      return in_pieces(std::move(steps), {1, ask.model.faults.of(*ask.fault).seconds});
    case StandInFault::sse_split:
      return in_pieces(std::move(steps), {kSplitBytes, 0});
    case StandInFault::sse_crlf:
      return changed(std::move(steps), with_crlf);
    case StandInFault::sse_comments:
      return changed(std::move(steps), with_comments);
    case StandInFault::sse_malformed:
      return changed(std::move(steps), malformed);
    default:
      return steps;
  }
}

/// With the faults that a plain answer can have.
StandInScript whole(const std::string& body, const StandInAsk& ask, const StandInPlan& plan) {
  const double at = plan.ended_at;
  if (ask.has(StandInFault::cut_in_answer)) {
    const std::string raw = raw_answer(plan, body);
    return script_of(
        {{at, StandInAct::raw, raw.substr(0, raw.size() - body.size() / 2 - 1)}, {at, StandInAct::cut, ""}});
  }
  if (ask.has(StandInFault::slow)) {
    const double gap = ask.model.faults.of(StandInFault::slow).seconds;
    return in_pieces(script_of({{at, StandInAct::raw, raw_answer(plan, body)}}), {1, gap});
  }
  if (ask.has(StandInFault::invalid_body)) return script_of({{at, StandInAct::send, body.substr(0, body.size() / 2)}});
  return script_of({{at, StandInAct::send, body}});
}

StandInScript script(const StandInReply& reply, const StandInAsk& ask, double token_seconds, const StandInPlan& plan) {
  if (ask.has(StandInFault::endless) || ask.has(StandInFault::huge)) {
    return flood_script(flood_of(reply, ask, token_seconds, plan));
  }
  if (!reply.stream) return whole(reply.body, ask, plan);
  if (!ask.has(StandInFault::invalid_body)) return streamed(*reply.stream, ask, token_seconds, plan);
  const double at = plan.ended_at;
  return script_of(
      {{at, StandInAct::begin, ""}, {at, StandInAct::write, reply.body + "\n"}, {at, StandInAct::end, ""}});
}

}  // namespace

void set_sending(const StandInReply& reply, const StandInAsk& ask, double output_token_seconds, StandInPlan& plan) {
  const char* type = reply.stream ? "text/event-stream; charset=utf-8" : "application/json";
  if (ask.has(StandInFault::wrong_content_type)) type = "text/plain; charset=utf-8";
  plan.headers.set("content-type", type);
  if (reply.stream) plan.headers.set("cache-control", "no-cache");
  plan.headers.set("x-stand-in", "1");  // whoever measures can tell that nothing was measured
  plan.headers.set("openai-processing-ms",
                   std::to_string(std::llround((plan.first_token_at - plan.arrived_at) * 1000)));
  if (!reply.flaw.empty()) plan.headers.set("x-stand-in-flaw", reply.flaw);
  if (ask.fault) plan.headers.set("x-stand-in-fault", std::string(fault_name(*ask.fault)));
  plan.next = script(reply, ask, output_token_seconds, plan);
}

}  // namespace coppice
