// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "coppice/flow/llm/calls.h"
#include "coppice/flow/llm/llm.h"
#include "coppice/flow/workflow/step_kind.h"
#include "coppice/flow/workflow/workflow.h"
#include "coppice/http/awaitable.h"
#include "coppice/http/cancellation.h"
#include "coppice/http/sender.h"

namespace coppice {

/// What a step that waits for something is given beside its input.
class StepCalls {
 public:
  virtual ~StepCalls() = default;

  virtual const Workflow& workflow() const = 0;
  virtual const StepSpec& step() const = 0;
  virtual HttpSender& sender() = 0;
  virtual Cancellation& cancellation() = 0;
  virtual std::chrono::steady_clock::time_point deadline() const = 0;
  /// Where relative paths begin: the folder of the workflow.
  virtual const std::string& folder() const = 0;

  /// Accounts for the step's calls.
  virtual CallRecorder& recorder() = 0;

  /// One question to a model of the workflow, within its endpoint's limits. Where the budget is short the model's
  /// cheaper one is asked. `request.model` is the model's name in the workflow; what the workflow says of it is filled
  /// in.
  virtual Awaitable<ChatAnswer> chat(ChatRequest request) = 0;
  virtual Awaitable<EmbeddingAnswer> embed(EmbeddingRequest request) = 0;
  virtual Awaitable<ImageAnswer> image(ImageRequest request) = 0;

  /// Does something to the world, once: what is about to be done is written down first, and what came of it after.
  /// After a program that died in between it is done again only if `effect` allows that.
  virtual Awaitable<nlohmann::json> act(Effect effect, const nlohmann::json& what,
                                        std::function<Awaitable<nlohmann::json>(const std::string& key)> work) = 0;

  /// Runs what would hold everybody up by a thread beside the event loop.
  virtual Awaitable<nlohmann::json> apart(std::function<nlohmann::json()> work) = 0;

  /// What a person said to this step, if anybody has.
  virtual std::optional<nlohmann::json> approval() = 0;

  /// A line for reports.
  virtual void note(nlohmann::json about) = 0;

  /// Something that the user may not have expected, in words: told while the run is on its way (once for all items of a
  /// step), in its outcome, and in the journal.
  virtual void remark(const std::string& text) = 0;
};

/// A step waits for a person.
struct WaitsForPerson {
  std::string question;
};

/// A kind whose steps wait: for models, servers, programs, people.
class CallingKind : public StepKind {
 public:
  /// What it throws fails the step; `WaitsForPerson` lets the run stop until somebody has answered.
  virtual Awaitable<nlohmann::json> run(StepInput input, StepCalls& calls) const = 0;
};

}  // namespace coppice
