// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/post_processor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/options.h"

namespace coppice {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

float hinge(float margin) noexcept {
  return margin >= 1 ? 0.0F : 1 - margin;
}  // NaN: NaN

float hinge_power(PostProcessor post_processor, float margin) noexcept {
  const float h = hinge(margin);
  switch (post_processor) {
    case PostProcessor::l1_hinge:
    case PostProcessor::log_l1_hinge:
      return h;
    case PostProcessor::l2_hinge:
    case PostProcessor::log_l2_hinge:
      return h * h;
    case PostProcessor::l3_hinge:
    case PostProcessor::log_l3_hinge:
      return h * h * h;
    default:
      return (h * h) * (h * h);
  }
}

/// The hinge whose power is `power`, a little too large rather than too small.
float hinge_of_power(PostProcessor post_processor, float power) noexcept {
  if (!(power > 0)) return 0;
  switch (post_processor) {
    case PostProcessor::l1_hinge:
    case PostProcessor::log_l1_hinge:
      return power;
    case PostProcessor::l2_hinge:
    case PostProcessor::log_l2_hinge:
      return std::sqrt(power);
    case PostProcessor::l3_hinge:
    case PostProcessor::log_l3_hinge:
      return std::cbrt(power);
    default:
      return std::sqrt(std::sqrt(power));
  }
}

float log_sigmoid(float margin) noexcept {
  return margin >= 0 ? -std::log1p(std::exp(-margin)) : margin - std::log1p(std::exp(margin));
}

float worst(PostProcessor post_processor) noexcept {
  return post_processor == PostProcessor::noop || combines_by_sum(post_processor) ? -kInfinity : 0.0F;
}

float raw_transform(PostProcessor post_processor, float margin) noexcept {
  switch (post_processor) {
    case PostProcessor::noop:
      return margin;
    case PostProcessor::sigmoid:
      return 1 / (1 + std::exp(-margin));
    case PostProcessor::log_sigmoid:
      return log_sigmoid(margin);
    case PostProcessor::l1_hinge:
    case PostProcessor::l2_hinge:
    case PostProcessor::l3_hinge:
    case PostProcessor::l4_hinge:
      return std::exp(-hinge_power(post_processor, margin));
    default:
      return -hinge_power(post_processor, margin);
  }
}

}  // namespace

const std::vector<std::pair<PostProcessor, const char*>>& post_processors() {
  static const std::vector<std::pair<PostProcessor, const char*>> table = {
      {PostProcessor::noop, "noop"},
      {PostProcessor::sigmoid, "sigmoid"},
      {PostProcessor::log_sigmoid, "log_sigmoid"},
      {PostProcessor::l1_hinge, "l1_hinge"},
      {PostProcessor::l2_hinge, "l2_hinge"},
      {PostProcessor::l3_hinge, "l3_hinge"},
      {PostProcessor::l4_hinge, "l4_hinge"},
      {PostProcessor::log_l1_hinge, "log_l1_hinge"},
      {PostProcessor::log_l2_hinge, "log_l2_hinge"},
      {PostProcessor::log_l3_hinge, "log_l3_hinge"},
      {PostProcessor::log_l4_hinge, "log_l4_hinge"},
      {PostProcessor::softmax, "softmax"},
      {PostProcessor::log_softmax, "log_softmax"},
  };
  return table;
}

std::string_view name(PostProcessor post_processor) noexcept {
  if (post_processor == PostProcessor::of_model) return "of_model";
  const auto& table = post_processors();
  const auto index = static_cast<size_t>(post_processor);
  return index < table.size() ? table[index].second : "";
}

PostProcessor post_processor_from_name(std::string_view name) {
  std::string plain(name);
  std::replace(plain.begin(), plain.end(), '-', '_');
  std::vector<std::string> names;
  for (const auto& entry : post_processors()) {
    if (plain == entry.second) return entry.first;
    names.emplace_back(entry.second);
  }
  const std::string near = nearest_name(plain, names);
  throw Error(ErrorCode::data, "unknown post-processor \"" + std::string(name) + "\"", {},
              near.empty() ? std::string() : "did you mean " + near + "?");
}

bool combines_by_sum(PostProcessor post_processor) noexcept {
  switch (post_processor) {
    case PostProcessor::log_sigmoid:
    case PostProcessor::log_l1_hinge:
    case PostProcessor::log_l2_hinge:
    case PostProcessor::log_l3_hinge:
    case PostProcessor::log_l4_hinge:
    case PostProcessor::log_softmax:
      return true;
    default:
      return false;
  }
}

bool needs_siblings(PostProcessor post_processor) noexcept {
  return post_processor == PostProcessor::softmax || post_processor == PostProcessor::log_softmax;
}

float transform(PostProcessor post_processor, float margin) noexcept {
  const float score = raw_transform(post_processor, margin);
  return std::isnan(score) ? worst(post_processor) : score;
}

float combine(PostProcessor post_processor, float parent, float child) noexcept {
  if (post_processor == PostProcessor::noop) return child;
  const float score = combines_by_sum(post_processor) ? parent + child : parent * child;
  return std::isnan(score) ? worst(post_processor) : score;
}

float combine_identity(PostProcessor post_processor) noexcept {
  return combines_by_sum(post_processor) ? 0.0F : 1.0F;
}

float margin_below(PostProcessor post_processor, float parent, float bound) noexcept {
  // Rounding of the transform is a few units in 2^-24 of the score and of its logarithm; the slack is far above it.
  constexpr float kSlack = 1e-4F;
  if (post_processor == PostProcessor::noop) return bound;
  if (needs_siblings(post_processor) || !std::isfinite(bound) || !std::isfinite(parent)) return -kInfinity;
  if (combines_by_sum(post_processor)) {
    const float needed = (bound - parent) - kSlack * (1 + std::fabs(bound) + std::fabs(parent));
    if (needed >= 0) return post_processor == PostProcessor::log_sigmoid ? 8.0F : 1 - kSlack;
    if (post_processor == PostProcessor::log_sigmoid) return needed - 1e-3F;  // log sigmoid(v) < v
    const float h = hinge_of_power(post_processor, -needed);
    return 1 - h - kSlack * (1 + h);
  }
  if (!(bound > 1e-30F) || !(parent > 1e-30F)) return -kInfinity;
  if (post_processor == PostProcessor::sigmoid) {
    const float ratio = bound / parent;
    if (ratio >= 0.999F) return 6.0F;
    const float margin = std::log(ratio / (1 - ratio));
    return margin - kSlack * (1 + std::fabs(margin)) * 10;
  }
  const float h = hinge_of_power(post_processor, std::log(parent / bound) + kSlack);
  return 1 - h - kSlack * (1 + h);
}

void transform_siblings(PostProcessor post_processor, float parent, const float* margins, float* scores, size_t count) {
  if (!needs_siblings(post_processor)) {
    for (size_t i = 0; i < count; ++i) {
      scores[i] = combine(post_processor, parent, transform(post_processor, margins[i]));
    }
    return;
  }
  float largest = -kInfinity;
  for (size_t i = 0; i < count; ++i) largest = std::max(largest, margins[i]);  // a NaN never wins
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const float power = std::exp(margins[i] - largest);
    if (!std::isnan(power)) sum += power;
  }
  const auto log_sum = static_cast<float>(std::log(sum)) + largest;
  for (size_t i = 0; i < count; ++i) {
    const float log_probability = margins[i] - log_sum;
    const float child = post_processor == PostProcessor::softmax ? std::exp(log_probability) : log_probability;
    scores[i] = combine(post_processor, parent, child);
  }
}

}  // namespace coppice
