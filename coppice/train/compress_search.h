// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/model/compress.h"
#include "coppice/model/model.h"
#include "coppice/train/evaluate.h"
#include "coppice/train/refit.h"

namespace coppice {

/// What a smaller model may cost.
struct CompressBudget {
  double max_loss = 0.1;                         ///< points of P@1, P@3 and P@5, each
  double max_disagreement = 100;                 ///< per cent of the rows whose first label becomes another
  std::vector<uint32_t> value_bits{8, 6, 5, 4};  ///< that are tried
};

void describe(OptionTable& table, CompressBudget& budget);

/// One model that was made, and what it cost.
struct CompressCandidate {
  static constexpr std::array<uint32_t, 3> kDepths{1, 3, 5};

  uint64_t n_weights = 0;
  uint32_t value_bits = 0;
  bool refitted = false;
  uint64_t file_bytes = 0;
  std::array<double, 3> precision{};   ///< P@1, P@3, P@5 in per cent
  std::array<double, 3> loss{};        ///< points below the whole model's
  std::array<double, 3> loss_error{};  ///< standard errors of the mean difference, row by row
  double disagreement = 0;             ///< per cent of the rows whose first label is another
  bool within = false;                 ///< the budget
  bool chosen = false;

  /// Of kDepths, the index of the one that loses most.
  size_t worst_depth() const noexcept;
  double worst_loss() const noexcept { return loss[worst_depth()]; }
};

/// What was tried, from the largest to the smallest in weights, and the smallest model within the budget.
struct CompressSearch {
  uint64_t whole_bytes = 0;  ///< the file of the model it started from
  uint64_t whole_weights = 0;
  uint64_t n_rows = 0;                      ///< that it was judged by
  std::array<double, 3> whole_precision{};  ///< P@1, P@3, P@5 of the model it started from
  std::vector<CompressCandidate> candidates;
  Model best;
};

/// The smallest model within the budget, as judged by rows that were held out from training: fewer and fewer weights,
/// each in fewer and fewer bits, until none of these keeps to the budget, then twice more between the last two. Where
/// there are `refit_rows` (they may be null), all this once with weights that stay as they are and once with fitted
/// ones, which need not be better where rows are few.
///
/// `options.pack.value_bits` is the tagger's alone, and what `options` drop is not looked at. What was chosen and its
/// cost stand in the metrics of `best`, as "compression". Throws `ErrorCode::data` where not even all weights in the
/// most bits keep to the budget; as `evaluate` does for the rows; `ErrorCode::cancelled`. The same for any number of
/// threads. Cost: per step a pass of refitting (about as long as training) and an evaluation for each number of bits.
CompressSearch search_compressed(const Model& model, const EvaluationInput& judged_by, const RefitRows* refit_rows,
                                 const CompressBudget& budget, const CompressOptions& options, Job job);

/// A table for people.
std::string to_text(const CompressSearch& search);

/// The same for machines.
nlohmann::ordered_json to_json(const CompressSearch& search);

/// The curve as a drawing: bytes against loss.
std::string to_svg(const CompressSearch& search, const CompressBudget& budget);

}  // namespace coppice
