// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace coppice {

/// What a server does next for one request; the names are those of `HttpResponder`.
enum class StandInAct { send, begin, write, end, raw, cut };

struct StandInStep {
  double at_seconds = 0;  ///< not before this
  StandInAct act = StandInAct::send;
  std::string bytes;  ///< the body to send, the piece to write
};

/// Says the next step, and nothing after the last one: steps are made when they are due, so that an answer of any
/// length takes the memory of one piece.
using StandInScript = std::function<std::optional<StandInStep>()>;

StandInScript script_of(std::vector<StandInStep> steps);

/// One answer as a stream of events.
struct StandInStream {
  std::string before_delta;  ///< the JSON of an event up to the value of "delta"
  std::string after_delta;   ///< from there to the value of "finish_reason"
  std::string after_finish;  ///< the rest of it
  std::string content;       ///< cut into tokens
  std::string refusal;       ///< in place of content
  std::string finish_reason;
  std::string usage_event;  ///< JSON; "" = none
  double first_token_at = 0, output_token_seconds = 0;
  uint32_t tokens_per_event = 1;
};

/// Begin; an event with the role; the tokens; the reason of the end; usage; [DONE]; end.
StandInScript stream_script(StandInStream stream);

/// The number of events that bring content.
uint64_t content_events(const StandInStream& stream) noexcept;

/// An answer of any size: `head`, filler until `bytes` of it are written, `tail`; then the end, or, where `tail` is
/// empty, a cut.
struct Flood {
  std::string head, filler, tail;
  uint64_t bytes = 0;
  double at_seconds = 0;
  double filler_seconds = 0;  ///< between two pieces of filler
};
StandInScript flood_script(Flood flood);

/// The first `steps` of them, then a cut.
StandInScript cut_after(StandInScript script, uint64_t steps);

/// What is written or raw in pieces of so many bytes, so many seconds apart.
struct Pieces {
  size_t bytes = 1;
  double seconds = 0;
};
StandInScript in_pieces(StandInScript script, Pieces pieces);

/// `change` sees each step that writes, and how many of those came before.
StandInScript changed(StandInScript script, std::function<void(StandInStep& step, uint64_t number)> change);

}  // namespace coppice
