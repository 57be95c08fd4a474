// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/report/compared_run.h"
#include "coppice/flow/report/statistics.h"

namespace coppice {

/// How good what a step put out was, as one of its judges says (`StepVerdict`); intervals are over inputs.
struct StepQuality {
  std::string by;
  std::vector<std::string> together_with;  ///< other steps that the verdict is on, too: it may be them who fail
  size_t runs = 0;                         ///< in which it was judged
  Figure passed;                           ///< the part of them; NaN where the judge does not say
  Figure score;                            ///< 0 to 1; NaN where the judge does not say, or not always
};

/// One step of a variant: means of a run.
struct StepFigures {
  std::string name;
  double ran = 0;  ///< the part of the runs in which it was done, or failed
  double calls = 0, input_tokens = 0, output_tokens = 0;
  double cost_dollars = 0;  ///< of calls whose end is known
  double seconds = 0;       ///< of those runs in which it ran
  Figure done;              ///< the part of those runs in which it came to an output that its schema allows
  std::vector<StepQuality> quality;
};

/// Of the runs of one variant, by input; in the order in which the steps ended in the first run that had them.
std::vector<StepFigures> step_figures(const std::vector<std::vector<const ComparedRun*>>& by_input, uint64_t seed);

nlohmann::ordered_json to_json(const Figure& figure);
nlohmann::ordered_json to_json(const StepFigures& step);

}  // namespace coppice
