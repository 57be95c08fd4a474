// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/report/break_even.h"
#include "coppice/flow/report/compared_run.h"
#include "coppice/flow/report/statistics.h"
#include "coppice/flow/report/step_figures.h"

namespace coppice {

/// What a variant costs beside its calls.
struct Ownership {
  double fixed_dollars = 0;       ///< engineering, once
  double operations_dollars = 0;  ///< for each request: machines, people
};

struct CompareOptions {
  std::vector<std::string> variants;  ///< the first one is what the others are held against
  std::vector<Ownership> ownership;   ///< of each; empty = free
  double requests_per_user = 30;      ///< over the time that is looked at
  double quality_margin = 0.02;       ///< so much less of accepted outputs is no loss
  uint64_t seed = 1;                  ///< of the bootstrap

  /// Was any cost given beside that of calls?
  bool has_ownership() const noexcept;
};

/// Figures of one variant; intervals are over inputs.
struct VariantFigures {
  std::string name;
  size_t runs = 0, finished = 0;
  Figure accepted;                                                     ///< part of all runs
  Figure score, cost, cost_per_accepted;                               ///< dollars
  Figure latency_p50, latency_p95, critical_p50;                       ///< seconds
  double calls = 0, repairs = 0, input_tokens = 0, output_tokens = 0;  ///< means of a run
  /// 1 - the mean similarity of two outputs: over repeats of one input, and over inputs. NaN where there is no pair.
  double novelty_over_runs = std::numeric_limits<double>::quiet_NaN();
  double novelty_over_inputs = std::numeric_limits<double>::quiet_NaN();
  double coherence = std::numeric_limits<double>::quiet_NaN();  ///< of finished runs; NaN where there is none
  UnknownCalls unknown;                    ///< of all runs: no cost here counts what they were charged
  std::map<std::string, size_t> failures;  ///< by what they say, without hints
  /// Finished runs that were interrupted and resumed: they are in no figure of latency.
  size_t resumed = 0;
  std::vector<StepFigures> steps;  ///< in the order in which they ended in the first run that had them
  /// A finished run whose time is nearest to the median; null where none has finished.
  std::shared_ptr<const RunSummary> typical;
  Provenance provenance = Provenance::none;
};

enum class Verdict { decompose, do_not, undecided };
const char* name(Verdict verdict) noexcept;

/// A variant against the first one, input by input.
struct VariantComparison {
  size_t variant = 0;
  Figure saving;         ///< 1 - cost per accepted output / that of the first one
  Figure accepted_gain;  ///< difference of the parts of accepted outputs
  Figure score_gain;
  Figure speed;  ///< its median latency / that of the first one
  Verdict verdict = Verdict::undecided;
  std::string why;
  bool is_checked = true;   ///< outputs of both: else nothing is known of quality but how many runs fail
  bool is_too_few = false;  ///< inputs for any saving to be sure
  size_t more_inputs =
      0;  ///< of an undecided one: so many more may decide, or at least are needed; 0 = none would help

  BreakEven pays;  ///< by fixed costs, and those of each request
};

struct Comparison {
  CompareOptions options;
  size_t inputs = 0;  ///< that differ
  std::vector<VariantFigures> figures;
  std::vector<VariantComparison> against_first;
  Provenance provenance = Provenance::none;  ///< of all variants
};

/// "some 12 more inputs may decide", "at least 3 more inputs must be tried"; "" of what is decided.
std::string more_inputs_text(const VariantComparison& of);

/// Where a saving lies beside the 70 to 90 % that the next smaller model size is often said to save: "less than ...",
/// "more than ...", "within ...". "" where there is none.
std::string usual_saving_text(double saving);

/// The verdict on a variant: `decompose` where it saves (the interval of `saving` is above 0) and loses no quality
/// (that of `accepted_gain` is above -quality_margin); `do_not` where it costs more, or loses quality, beyond doubt;
/// else `undecided`. Where nothing checks the outputs (`ComparedRun::is_checked`) of either, all that can be said is
/// that fewer runs finish, unless a margin of 1 says that quality does not matter. `ComparedRun::input` is the same for
/// all runs of equal inputs: groups of them are what is drawn, so that a saving of fewer than `kFewestGroups` is never
/// sure. Names are for the case that the first variant is one big model.
Comparison compare(const std::vector<ComparedRun>& runs, const CompareOptions& options);

/// Why no variant has a single finished run: the error of the first run; nothing where there is one.
std::optional<Error> failure_of_all(const std::vector<ComparedRun>& runs);

/// What it has cost in all with so many users: fixed + users * requests_per_user * (cost + operations).
double total_dollars(const Comparison& comparison, size_t variant, double users);

nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace coppice
