// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/compress_size.h"

#include <string>

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

}  // namespace

Model compress_to_size(const Model& model, const RefitRows* rows, uint64_t max_bytes, const CompressOptions& options,
                       Job job) {
  job.progress.stage("looking for how many weights fit", 0);
  uint64_t keep = weights_that_fit(model, max_bytes, options, job);
  Pruner pruner(model, rows, job.pool);
  if (keep < pruner.n_weights()) pruner.descend_to(keep, job);
  Model small = compress(pruner.model(), options, job.pool);
  // Fitted weights are not those that were counted, so that a few may be too many.
  while (small.saved_bytes() > max_bytes && keep > 0) {
    keep -= keep / 100 + 1;
    pruner.keep(keep, job);
    small = compress(pruner.model(), options, job.pool);
  }
  return small;
}

}  // namespace coppice
