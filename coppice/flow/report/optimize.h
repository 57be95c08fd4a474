// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "coppice/flow/report/statistics.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// A place of a workflow where the name of a model stands, and what may stand there.
struct ModelSlot {
  std::string step;
  std::string place;                    ///< JSON pointer into the step's `with`
  std::string model;                    ///< as written
  std::vector<std::string> candidates;  ///< others that may do; "" = without the step
};

/// What may stand in slots.
struct SlotOptions {
  std::map<std::string, std::vector<std::string>> candidates;  ///< by step; of others as `model_slots` says
  bool ablate = false;                                         ///< optional steps may be left out
};

/// Every place with a model. Candidates are, unless the options name others for a step, the workflow's other models,
/// those for images and embeddings aside: of these only such as stand in steps of that kind. Throws `ErrorCode::usage`
/// for a step or a model that is not there.
std::vector<ModelSlot> model_slots(const Workflow& workflow, const SlotOptions& options);

/// A model for each slot, by its name in the workflow; "" = without the step.
using Assignment = std::vector<std::string>;

/// The workflow with these models in its slots.
Workflow assigned(const Workflow& workflow, const std::vector<ModelSlot>& slots, const Assignment& models,
                  const StepKinds& kinds);

/// What runs of one assignment came to.
struct Measured {
  size_t runs = 0, accepted = 0;
  double cost_dollars = 0;  ///< mean of a run
  double seconds = 0;       ///< median of a run
  size_t inputs = 0;        ///< that differ: runs of one say little more than one of them
};

struct MeasuredAssignment {
  Assignment models;
  Measured measured;
  Figure accepted;           ///< part of the runs, with Wilson's interval over inputs
  bool is_frontier = false;  ///< none is both cheaper and at least as good
};

MeasuredAssignment measured_assignment(const Assignment& models, const Measured& measured);

struct Optimum {
  std::vector<ModelSlot> slots;
  std::vector<MeasuredAssignment> all;  ///< in the order in which they were measured; the first one is as written
  size_t chosen = 0;                    ///< the cheapest of those whose accepted part is `floor` or more; else the best
  bool reaches_floor = false;
};

/// Chooses a model for each slot: the cheapest that keeps the part of accepted outputs at `floor` or above.
///
/// First each slot's candidates are tried one at a time with the others as written. Then, while the floor is not
/// reached, the exchange that gained most for its price is made; after that those that save, the greatest saving first,
/// each kept if the floor still holds. So 1 + candidates + slots assignments are measured at most, not their product;
/// what two exchanges do together is measured, not supposed.
Optimum optimize(const std::vector<ModelSlot>& slots, double floor,
                 const std::function<Measured(const Assignment& models)>& measure);

/// Steps without which as many outputs were accepted, for no more money: one too many each, as far as the checks see.
/// Their slots, of what was tried with all else as written.
std::vector<size_t> needless_slots(const Optimum& optimum);

nlohmann::ordered_json to_json(const Optimum& optimum);

}  // namespace coppice
