// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/report/statistics.h"
#include "coppice/flow/stand_in/stand_in_options.h"
#include "coppice/flow/workflow/shape.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

struct PlanOptions {
  uint32_t runs = 200;  ///< simulated ones, over all inputs
  uint64_t seed = 1;
  std::string folder;  ///< of the workflow: where relative paths begin
};

/// What one step will come to: means of a run.
struct PlannedStep {
  std::string name, kind;
  std::vector<std::string> models;  ///< as the workflow calls them
  double ran = 0;                   ///< the part of the runs in which it was not skipped
  double items = 0, calls = 0, input_tokens = 0, output_tokens = 0, cost_dollars = 0;
  double seconds = 0;
  double critical_seconds = 0;  ///< of `seconds`, so many lie on the path that the run waits for
};

/// What a workflow will come to, before a cent is spent.
struct Plan {
  Shape shape;
  size_t runs = 0, finished = 0, accepted = 0;
  double cost_mean = 0, cost_p50 = 0, cost_p95 = 0;  ///< dollars of a run
  /// The most that the calls of any of the simulated runs may have cost (a token for each byte sent, the longest
  /// answers). No bound: a real run may ask more often, or longer things.
  double cost_most = 0;
  std::optional<double> budget;                           ///< dollars: the workflow's, beyond which no run goes
  double seconds_p50 = 0, seconds_p95 = 0;                ///< of a run
  double calls = 0, input_tokens = 0, output_tokens = 0;  ///< means of a run
  double input_tokens_most = 0, output_tokens_most = 0;   ///< as `cost_most`
  double repeated_tokens = 0;  ///< of the input: lines that another prompt of the run had, too
  double repairs = 0;
  std::vector<PlannedStep> steps;      ///< in the workflow's order
  std::vector<std::string> unknown;    ///< models (as servers call them) of which nothing is known
  std::vector<std::string> pretended;  ///< steps that act on the world: their time is not counted
  std::optional<Error> first_failure;  ///< why runs failed, of the first one that did
};

/// Runs the workflow many times in simulated time, each answer made by a stand-in whose models have the speeds, lengths
/// and qualities of `models`; our own engines really run. Nothing is sent, nothing is written. Every run begins with
/// servers that are idle.
///
/// A model that `models` does not have answers as `unknown_model()` does. Where answers are made up from schemas alone,
/// checks of their content say little; with recorded answers (`measured_models`) they say what they will.
/// Throws as `Runner::run`.
Plan plan_workflow(const Workflow& workflow, const std::vector<nlohmann::json>& inputs, const StandInOptions& models,
                   const PlanOptions& options);

/// Of a model that nothing is known of: 0.5 s to the first token (1.5 s for one in twenty), 50 tokens a second.
StandInModel unknown_model();

nlohmann::ordered_json to_json(const Plan& plan);

}  // namespace coppice
