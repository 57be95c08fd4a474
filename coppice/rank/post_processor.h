// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice {

/// How a margin w.x + bias becomes the score of a node, and how scores combine along a path of the tree.
///
/// With h = max(0, 1 - v): lP_hinge is exp(-h^P), sigmoid 1 / (1 + exp(-v)); these are multiplied along the path. The
/// log_ ones are their logarithms, added along the path; they order labels alike. softmax is exp(v) / sum over the
/// siblings of exp(v): the probability of a child given its parent; log_softmax its logarithm. noop is v itself, of the
/// node alone: whatever lies above it on the path plays no part.
/// Source: PECOS' names and formulas; softmax is Morin and Bengio's hierarchical softmax, 2005.
enum class PostProcessor : uint8_t {
  noop,
  sigmoid,
  log_sigmoid,
  l1_hinge,
  l2_hinge,
  l3_hinge,
  l4_hinge,
  log_l1_hinge,
  log_l2_hinge,
  log_l3_hinge,
  log_l4_hinge,
  softmax,
  log_softmax,
  of_model = 255,  ///< in options only: the one that the model was trained for
};

/// All that a model can name, with their names ("l3_hinge"), in the order of the enumeration.
const std::vector<std::pair<PostProcessor, const char*>>& post_processors();

/// Its name; "of_model" for that, "" for a value out of range.
std::string_view name(PostProcessor post_processor) noexcept;

/// By name; "l3-hinge" is as good as "l3_hinge". Throws `ErrorCode::data` for an unknown one, naming the nearest.
PostProcessor post_processor_from_name(std::string_view name);

/// True for those whose scores are added along the path.
bool combines_by_sum(PostProcessor post_processor) noexcept;

/// True for softmax and log_softmax, which look at all siblings.
bool needs_siblings(PostProcessor post_processor) noexcept;

/// The score of a margin; needs_siblings() ones are not served here. A NaN margin gives the worst score.
float transform(PostProcessor post_processor, float margin) noexcept;

/// `parent` and `child` combined (noop: `child`); the root's own score is combine_identity().
float combine(PostProcessor post_processor, float parent, float child) noexcept;
float combine_identity(PostProcessor post_processor) noexcept;

/// A margin below which combine(parent, transform(margin)) is certainly below `bound`: what the search skips without
/// computing an exponential. May be lower than the best such margin, never higher.
float margin_below(PostProcessor post_processor, float parent, float bound) noexcept;

/// All siblings at once: scores[i] = combine(parent, score of margins[i]). `scores` may be `margins`.
void transform_siblings(PostProcessor post_processor, float parent, const float* margins, float* scores, size_t count);

}  // namespace coppice
