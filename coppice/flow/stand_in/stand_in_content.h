// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/flow/stand_in/stand_in_chat_request.h"

namespace coppice {

struct StandInText {
  std::string text;
  std::string flaw;  ///< the name of what is wrong with it, "" = nothing
};

/// What the model says, whatever the limits of the request: by the first rule that fits, else made of the prompt's
/// keywords, as JSON where that is wanted. Wrong with a probability that the quality leaves: as the rule's flaws have
/// it, or "off_topic", of other words. Throws `Error` of a template, and `StandInRefusal` for a
/// schema that cannot be followed.
StandInText stand_in_content(const StandInAsk& ask, const StandInChat& chat);

/// The text of the first rule that fits, if any: for paths other than chat completions.
std::optional<StandInText> content_by_rule(const StandInAsk& ask, const StandInQuestion& question);

/// A text made worse, as the fault has it; the same text where the fault is another one.
std::string spoiled(const std::string& text, StandInFault fault);

}  // namespace coppice
