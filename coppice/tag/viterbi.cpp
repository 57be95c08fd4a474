// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/viterbi.h"

#include <algorithm>
#include <limits>

namespace coppice {
namespace {

/// The first tag of the highest score among the first `count`; 0 when none is a number.
uint32_t first_best(const float* scores, uint32_t count) noexcept {
  uint32_t best = 0;
  for (uint32_t tag = 1; tag < count; ++tag) best = scores[tag] > scores[best] ? tag : best;
  return best;
}

/// after[tag] = the best of before[..] + the transition.
void advance(const TransitionView<float>& transitions, const float* before, float* after) noexcept {
  const Tags tags = transitions.tags;
  const uint32_t n_tags = tags.count(), n_entered = tags.n_entered();
  std::fill_n(after, n_entered, -std::numeric_limits<float>::infinity());
  for (uint32_t i = 0; i < n_tags; ++i) {
    const float start = before[i];
    const float* const row = transitions.row(i);
    for (uint32_t j = 0; j < n_entered; ++j) {
      const float score = start + row[j];
      after[j] = score > after[j] ? score : after[j];
    }
  }
  for (uint32_t slot = 0; slot < tags.n_slots; ++slot) {
    const uint32_t begin = tags.begin(slot), inside = tags.inside(slot);
    const float begun = before[begin] + transitions.continued[begin - 1];
    const float continued = before[inside] + transitions.continued[inside - 1];
    after[inside] = continued > begun ? continued : begun;
  }
}

/// The tag before `tag` on the best path that ends there: one of the first `n_before`.
uint32_t tag_before(const TransitionView<float>& transitions, const float* before, uint32_t tag, uint32_t n_before) {
  const Tags tags = transitions.tags;
  if (tags.is_inside(tag)) {
    const uint32_t begin = tags.begin(tags.type(tag));
    const auto score = [&](uint32_t i) { return before[i] + transitions.continued[i - 1]; };
    return tag < n_before && score(tag) > score(begin) ? tag : begin;
  }
  uint32_t best = 0;
  float highest = before[0] + transitions.row(0)[tag];
  for (uint32_t i = 1; i < n_before; ++i) {
    const float score = before[i] + transitions.row(i)[tag];
    if (score > highest) {
      best = i;
      highest = score;
    }
  }
  return best;
}

/// What a word may have: the first one no I tag.
uint32_t n_allowed(Tags tags, size_t word) noexcept {
  return word == 0 ? tags.n_entered() : tags.count();
}

}  // namespace

std::span<const uint32_t> Viterbi::best_path(std::span<const float> scores, const TransitionView<float>& transitions) {
  const Tags tags = transitions.tags;
  const size_t n_tags = tags.count(), n = scores.size() / n_tags;
  path_.resize(n);
  if (n == 0) return path_;
  if (best_.size() < scores.size()) best_.resize(scores.size());
  std::fill_n(best_.begin(), n_tags, -std::numeric_limits<float>::infinity());
  std::copy_n(scores.begin(), tags.n_entered(), best_.begin());
  for (size_t t = 1; t < n; ++t) {
    float* const row = best_.data() + t * n_tags;
    advance(transitions, row - n_tags, row);
    for (size_t tag = 0; tag < n_tags; ++tag) row[tag] += scores[t * n_tags + tag];
  }
  path_[n - 1] = first_best(best_.data() + (n - 1) * n_tags, n_allowed(tags, n - 1));
  for (size_t t = n - 1; t-- > 0;) {
    path_[t] = tag_before(transitions, best_.data() + t * n_tags, path_[t + 1], n_allowed(tags, t));
  }
  return path_;
}

void slots_of_path(Tags tags, std::span<const uint32_t> path, std::vector<Slot>& slots) {
  slots.clear();
  for (uint32_t t = 0; t < path.size(); ++t) {
    if (path[t] == Tags::kOutside) continue;
    if (tags.is_inside(path[t])) {
      slots.back().end = t + 1;
    } else {
      slots.push_back({tags.type(path[t]), t, t + 1});
    }
  }
}

}  // namespace coppice
