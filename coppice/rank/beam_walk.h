// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "coppice/rank/beam_search.h"
#include "coppice/rank/chunk_scorer.h"

namespace coppice {

/// A scored node or label as one number: larger is better, and of equal scores the smaller id is.
inline uint64_t candidate_key(float score, uint32_t id) noexcept {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F);  // -0 becomes 0
  const uint32_t ordered = bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
  return (uint64_t{ordered} << 32) | (0xFFFFFFFFU - id);
}
inline uint32_t candidate_id(uint64_t key) noexcept {
  return 0xFFFFFFFFU - static_cast<uint32_t>(key);
}
inline float candidate_score(uint64_t key) noexcept {
  const auto ordered = static_cast<uint32_t>(key >> 32);
  return std::bit_cast<float>(ordered ^ ((ordered >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU));
}

/// The best `keep` candidates of those offered, in storage of the caller's (room(keep) numbers).
///
/// What is kept depends on the set offered only, not on the order.
class Selection {
 public:
  static size_t room(size_t keep) noexcept { return keep + std::max<size_t>(keep, 8); }

  Selection() = default;
  Selection(uint64_t* storage, uint32_t keep) noexcept : keys_(storage), keep_(keep) {}

  /// Refuses scores below `threshold`.
  void set_threshold(float threshold) noexcept { bound_ = candidate_key(threshold, 0xFFFFFFFFU) - 1; }
  /// Keeps but the best candidate of each id.
  void set_unique_ids() noexcept { unique_ids_ = true; }

  /// A score that every further candidate has to reach.
  float bound() const noexcept {
    return bound_ == 0 ? -std::numeric_limits<float>::infinity() : candidate_score(bound_);
  }

  void offer(uint64_t key) noexcept {
    if (key <= bound_ || keep_ == 0) return;
    if (stays_sorted()) return insert(key);
    keys_[count_++] = key;
    if (count_ == room(keep_)) compact();
  }

  /// The kept ones, best first.
  std::span<const uint64_t> finish() noexcept;

 private:
  /// So few are kept sorted from the first to the last; more are cut back whenever their storage is full.
  static constexpr size_t kMostSorted = 32;

  bool stays_sorted() const noexcept { return keep_ <= kMostSorted && !unique_ids_; }
  void insert(uint64_t key) noexcept {
    size_t place = count_ < keep_ ? count_++ : keep_ - 1;
    for (; place > 0 && keys_[place - 1] < key; --place) keys_[place] = keys_[place - 1];
    keys_[place] = key;
    if (count_ == keep_) bound_ = std::max(bound_, keys_[keep_ - 1]);
  }
  void compact() noexcept;

  uint64_t* keys_ = nullptr;
  uint32_t keep_ = 0;
  bool unique_ids_ = false;
  size_t count_ = 0;
  uint64_t bound_ = 0;
};

/// What a search does, whichever way its queries come: made once, read by all.
struct SearchPlan {
  std::span<const LevelWeights> levels;
  uint32_t n_features = 0;
  PostProcessor post_processor = PostProcessor::l3_hinge;
  std::vector<uint32_t> keep;            ///< candidates kept per level; the last: results
  std::span<const uint32_t> leaf_label;  ///< empty: the results are nodes of the last level
  uint32_t n_labels = 0;
  float threshold = PredictOptions::kNoThreshold;
  const LabelFilter* filter = nullptr;

  bool is_last(size_t level) const noexcept { return level + 1 == levels.size(); }
  bool yields_labels(size_t level) const noexcept { return is_last(level) && !leaf_label.empty(); }
  bool overlapping() const noexcept { return leaf_label.size() != n_labels; }
  size_t most_kept() const noexcept { return *std::max_element(keep.begin(), keep.end()); }
  Selection selection(size_t level, uint64_t* storage) const noexcept;
};

/// Throws `ErrorCode::usage` when options or filter do not fit the ranker. Allocates only when `plan` is too small.
void make_plan(const Ranker& ranker, const PredictOptions& options, SearchPlan& plan);

/// One chunk to be scored for one query.
struct Visit {
  const ChunkView* chunk;
  const HashedQuery* query;
  Selection* selection;
  float parent_score;
};

/// Scratch of `visit_chunks`.
class VisitScratch {
 public:
  static constexpr size_t kGroup = 16;  ///< visits whose cache lines are asked for together

  std::vector<Hit> hits;
  std::vector<uint32_t> above;
  std::vector<float> margins;

  void fit(std::span<const Visit> visits);
};

/// Offers the children of one visit to its selection, those that may get in. `scratch.margins`: their margins.
void offer_children(const SearchPlan& plan, size_t level, const Visit& visit, VisitScratch& scratch);

/// Scores the chunks of up to kGroup visits and offers their children to the selections. All of the cache lines that
/// the group needs are asked for before the first is used.
void visit_chunks(const SearchPlan& plan, size_t level, std::span<const Visit> visits, VisitScratch& scratch);

}  // namespace coppice
