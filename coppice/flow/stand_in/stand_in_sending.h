// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/flow/stand_in/stand_in.h"
#include "coppice/flow/stand_in/stand_in_reply.h"

namespace coppice {

/// Headers and steps of an answer, by the times that the plan has, and with the fault that the request drew.
void set_sending(const StandInReply& reply, const StandInAsk& ask, double output_token_seconds, StandInPlan& plan);

}  // namespace coppice
