// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_script.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;

std::string json_string(const std::string& text) {
  return compact_text(json(text));
}

/// Goes through an answer event by event.
class StreamWalk {
 public:
  explicit StreamWalk(StandInStream stream) : stream_(std::move(stream)), n_events_(content_events(stream_)) {}

  std::optional<StandInStep> next() {
    switch (part_) {
      case Part::begin:
        part_ = Part::role;
        return StandInStep{stream_.first_token_at, StandInAct::begin, ""};
      case Part::role:
        part_ = Part::content;
        return event(R"({"role":"assistant","content":"","refusal":null})", "null");
      case Part::content:
        if (event_ < n_events_) return content();
        part_ = Part::usage;
        return event("{}", json_string(stream_.finish_reason));
      case Part::usage:
        part_ = Part::done;
        if (stream_.usage_event.empty()) return next();
        return write("data: " + stream_.usage_event + "\n\n");
      case Part::done:
        part_ = Part::end;
        return write("data: [DONE]\n\n");
      case Part::end:
        part_ = Part::over;
        return StandInStep{at_, StandInAct::end, ""};
      case Part::over:
        break;
    }
    return std::nullopt;
  }

 private:
  enum class Part { begin, role, content, usage, done, end, over };

  StandInStep write(std::string bytes) { return {at_, StandInAct::write, std::move(bytes)}; }

  StandInStep event(const std::string& delta, const std::string& finish_reason) {
    at_ = std::max(at_, stream_.first_token_at);
    return write("data: " + stream_.before_delta + delta + stream_.after_delta + finish_reason + stream_.after_finish +
                 "\n\n");
  }

  StandInStep content() {
    const uint64_t each = stream_.tokens_per_event;
    const std::string& text = stream_.refusal.empty() ? stream_.content : stream_.refusal;
    const uint64_t n_tokens = stand_in_tokens(text);
    const uint64_t first = event_ * each, end = std::min(first + each, n_tokens);
    ++event_;
    at_ = stream_.first_token_at + stream_.output_token_seconds * static_cast<double>(end - 1);
    const size_t from = stand_in_token_begin(text, first), to = stand_in_token_begin(text, end);
    const char* key = stream_.refusal.empty() ? "content" : "refusal";
    return event(fmt::format(R"({{"{}":{}}})", key, json_string(text.substr(from, to - from))), "null");
  }

  StandInStream stream_;
  uint64_t n_events_, event_ = 0;
  double at_ = 0;
  Part part_ = Part::begin;
};

/// The two that bring bytes of an answer.
bool brings_bytes(const StandInStep& step) noexcept {
  return step.act == StandInAct::write || step.act == StandInAct::raw;
}

}  // namespace

StandInScript script_of(std::vector<StandInStep> steps) {
  return [steps = std::move(steps), at = size_t{0}]() mutable -> std::optional<StandInStep> {
    if (at == steps.size()) return std::nullopt;
    return std::move(steps[at++]);
  };
}

uint64_t content_events(const StandInStream& stream) noexcept {
  const uint64_t n_tokens = stand_in_tokens(stream.refusal.empty() ? stream.content : stream.refusal);
  return (n_tokens + stream.tokens_per_event - 1) / stream.tokens_per_event;
}

StandInScript stream_script(StandInStream stream) {
  return [walk = StreamWalk(std::move(stream))]() mutable { return walk.next(); };
}

StandInScript flood_script(Flood flood) {
  enum class Part { begin, head, filler, tail, over };
  return [flood = std::move(flood), part = Part::begin, written = uint64_t{0},
          pieces = uint64_t{0}]() mutable -> std::optional<StandInStep> {
    const double at = flood.at_seconds + flood.filler_seconds * static_cast<double>(pieces);
    switch (part) {
      case Part::begin:
        part = Part::head;
        return StandInStep{at, StandInAct::begin, ""};
      case Part::head:
        part = Part::filler;
        return StandInStep{at, StandInAct::write, std::move(flood.head)};
      case Part::filler:
        if (written < flood.bytes && !flood.filler.empty()) {
          const uint64_t size = std::min<uint64_t>(flood.filler.size(), flood.bytes - written);
          written += size;
          ++pieces;
          return StandInStep{at, StandInAct::write, flood.filler.substr(0, size)};
        }
        part = flood.tail.empty() ? Part::over : Part::tail;
        if (flood.tail.empty()) return StandInStep{at, StandInAct::cut, ""};
        return StandInStep{at, StandInAct::write, std::move(flood.tail)};
      case Part::tail:
        part = Part::over;
        return StandInStep{at, StandInAct::end, ""};
      case Part::over:
        break;
    }
    return std::nullopt;
  };
}

StandInScript cut_after(StandInScript script, uint64_t steps) {
  return [script = std::move(script), left = steps, at = 0.0, is_cut = false]() mutable -> std::optional<StandInStep> {
    if (is_cut) return std::nullopt;
    if (left > 0) {
      --left;
      if (auto step = script()) {
        at = step->at_seconds;
        return step;
      }
    }
    is_cut = true;
    return StandInStep{at, StandInAct::cut, ""};
  };
}

StandInScript in_pieces(StandInScript script, Pieces pieces) {
  return [script = std::move(script), pieces, held = std::optional<StandInStep>(), from = size_t{0},
          delay = 0.0]() mutable -> std::optional<StandInStep> {
    if (!held) {
      held = script();
      from = 0;
      if (!held) return std::nullopt;
    }
    if (!brings_bytes(*held)) {
      StandInStep step = std::move(*held);
      held.reset();
      step.at_seconds += delay;
      return step;
    }
    StandInStep step{held->at_seconds + delay, held->act, held->bytes.substr(from, pieces.bytes)};
    from += pieces.bytes;
    delay += pieces.seconds;
    if (from >= held->bytes.size()) held.reset();
    return step;
  };
}

StandInScript changed(StandInScript script, std::function<void(StandInStep&, uint64_t)> change) {
  return [script = std::move(script), change = std::move(change), number = uint64_t{0}]() mutable {
    auto step = script();
    if (step && brings_bytes(*step)) change(*step, number++);
    return step;
  };
}

}  // namespace coppice
