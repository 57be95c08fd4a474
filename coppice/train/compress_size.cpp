// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/compress_size.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

/// The size of the file with the `n_weights` largest weights, as they are; 0 when none is left, as many are equal.
uint64_t bytes_with(const Model& model, uint64_t n_weights, const CompressOptions& options, Job job) {
  Pruner pruner(model, nullptr, job.pool);
  if (n_weights < pruner.n_weights()) pruner.keep(n_weights, job);
  job.progress.advance(1);
  return pruner.n_weights() == 0 ? 0 : compress(pruner.model(), options, job.pool).saved_bytes();
}

/// How many weights the file has room for: halving what is in question until it is less than one in a hundred.
uint64_t weights_that_fit(const Model& model, uint64_t max_bytes, const CompressOptions& options, Job job) {
  uint64_t fits = 0, too_many = model.ranker().n_weights();
  uint64_t least = bytes_with(model, too_many, options, job);  // of the files that are too large
  if (least <= max_bytes) return too_many;
  while (too_many - fits > too_many / 100 + 1) {
    const uint64_t between = fits + (too_many - fits) / 2;
    const uint64_t bytes = bytes_with(model, between, options, job);
    if (bytes <= max_bytes) {
      fits = between;
    } else {
      too_many = between;
      least = bytes;
    }
  }
  if (fits > 0 && bytes_with(model, fits, options, job) > 0) return fits;
  throw Error(ErrorCode::budget,
              "with " + counted(too_many, "weight") + " the file would have " + bytes_text(static_cast<double>(least)) +
                  ", max_bytes is " + bytes_text(static_cast<double>(max_bytes)),
              {}, "coppice inspect shows what else it holds");
}

/// Tries how many weights fill the file: fitted ones take more or less room than those that `weights_that_fit` counts.
class LastStep {
 public:
  LastStep(const Pruner& before, uint64_t max_bytes, const CompressOptions& options)
      : before_(before), max_bytes_(max_bytes), options_(options), too_many_(before.n_weights() + 1) {}

  /// Whether the file is as good as full: 99 per cent of what it may have, or all weights there are.
  bool is_full() const noexcept {
    return best_bytes_ * 100 >= max_bytes_ * 99 || (best_ && too_many_ <= fits_ + fits_ / 100 + 1);
  }

  /// Keeps `n_weights`, and returns how many are likely to fill the file.
  uint64_t keep(uint64_t n_weights, Job job) {
    Pruner pruner = before_;
    if (n_weights < pruner.n_weights()) pruner.keep(n_weights, job);
    Model small = compress(pruner.model(), options_, job.pool);
    const uint64_t bytes = small.saved_bytes();
    if (bytes > max_bytes_ && n_weights <= 1) {
      throw Error(ErrorCode::budget, "fitted to rows, even one weight is too much for max_bytes");
    }
    if (bytes > max_bytes_) {
      too_many_ = n_weights;
    } else {
      fits_ = n_weights;
      best_ = std::move(small);
      best_bytes_ = bytes;
    }
    const double share = 0.995 * static_cast<double>(max_bytes_) / static_cast<double>(bytes);
    const auto likely = static_cast<uint64_t>(static_cast<double>(n_weights) * share);
    return std::clamp(likely, fits_ + 1, std::max(too_many_, fits_ + 2) - 1);
  }

  std::optional<Model>& best() noexcept { return best_; }

 private:
  const Pruner& before_;
  uint64_t max_bytes_;
  const CompressOptions& options_;
  uint64_t fits_ = 0, too_many_;
  std::optional<Model> best_;
  uint64_t best_bytes_ = 0;
};

}  // namespace

Model compress_to_size(const Model& model, const RefitRows* rows, uint64_t max_bytes, const CompressOptions& options,
                       Job job) {
  job.progress.stage("looking for how many weights fit", 0);
  uint64_t keep = weights_that_fit(model, max_bytes, options, job);
  Pruner pruner(model, rows, job.pool);
  pruner.descend_near(keep, job);
  LastStep step(pruner, max_bytes, options);
  const size_t most_tries = rows == nullptr ? 1 : 4;
  for (size_t tries = 0; !step.best() || (tries < most_tries && !step.is_full()); ++tries) keep = step.keep(keep, job);
  return std::move(*step.best());
}

}  // namespace coppice
