// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/llm/llm_probe.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What was found out of a model that steps ask, at its server.
struct ProbedModel {
  std::string name;              ///< in the workflow
  EndpointProfile profile;       ///< where it was found out
  Money cost;                    ///< of the questions; $0 where nobody knows the price
  std::optional<Error> failure;  ///< why it was not
};

/// A model of the workflow that no step chats with.
struct UnaskedModel {
  std::string name;
  std::string kind;  ///< of a step that asks it for something else: "image", "embed"; "" = no step asks it
};

/// The models that steps chat with, in the order of the steps, then of those that take their place.
std::vector<std::string> chatted_models(const Workflow& workflow);

/// All others, by name.
std::vector<UnaskedModel> unasked_models(const Workflow& workflow);

/// Asks each model that is chatted with (not those that embed or draw) some six small questions, one after the other,
/// so that servers, keys and names are known to be right before a run. They are paid for, and in no journal. `ca_file`:
/// as `HttpClientOptions`. Throws nothing that a server does: that is `failure`.
std::vector<ProbedModel> probe_models(const Workflow& workflow, const std::string& ca_file);

/// What would stand under the endpoint for that profile, where that is other than what stands there: "key: value"
/// lines.
std::vector<std::string> advised_settings(const Endpoint& endpoint, const EndpointProfile& profile);

}  // namespace coppice
