// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/beam_walk.h"

#include <functional>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

/// Chunks whose headers take fewer bytes are left to the processor's own prefetching once they were visited.
constexpr size_t kSmallHeaderBytes = size_t{16} << 10;

bool headers_are_small(const ChunkView& chunk) noexcept {
  return (sizeof(BucketHeader) << (32 - chunk.bucket_shift)) <= kSmallHeaderBytes;
}

void check_filter(const LabelFilter& filter, const Ranker& ranker) {
  bool fits = filter.depth() == ranker.levels.size();
  for (size_t level = 1; fits && level <= filter.depth(); ++level) {
    fits = filter.n_nodes(level) == ranker.levels[level - 1].n_nodes();
  }
  if (!fits) throw Error(ErrorCode::usage, "the label filter was made for another model");
}

}  // namespace

std::span<const uint64_t> Selection::finish() noexcept {
  if (!stays_sorted()) {
    compact();
    std::sort(keys_, keys_ + count_, std::greater<>());
  }
  return {keys_, count_};
}

void Selection::compact() noexcept {
  if (unique_ids_) {
    const auto by_id = [](uint64_t a, uint64_t b) {
      const auto id_a = static_cast<uint32_t>(a);
      const auto id_b = static_cast<uint32_t>(b);
      return id_a != id_b ? id_a < id_b : a > b;
    };
    std::sort(keys_, keys_ + count_, by_id);
    const auto same_id = [](uint64_t a, uint64_t b) { return static_cast<uint32_t>(a) == static_cast<uint32_t>(b); };
    count_ = static_cast<size_t>(std::unique(keys_, keys_ + count_, same_id) - keys_);
  }
  if (count_ < keep_) return;
  std::nth_element(keys_, keys_ + (keep_ - 1), keys_ + count_, std::greater<>());
  count_ = keep_;
  bound_ = std::max(bound_, keys_[keep_ - 1]);
}

Selection SearchPlan::selection(size_t level, uint64_t* storage) const noexcept {
  Selection selection(storage, keep[level]);
  if (is_last(level) && threshold > PredictOptions::kNoThreshold) selection.set_threshold(threshold);
  if (yields_labels(level) && overlapping()) selection.set_unique_ids();
  return selection;
}

void make_plan(const Ranker& ranker, const PredictOptions& options, SearchPlan& plan) {
  check(!ranker.levels.empty(), "a ranker has levels");
  const std::vector<uint32_t>& beams = options.beam_per_level;
  if (beams.size() > ranker.levels.size()) {
    throw Error(ErrorCode::usage,
                counted(beams.size(), "beam") + " for a model of " + counted(ranker.levels.size(), "level"));
  }
  plan.levels = ranker.levels;
  plan.n_features = ranker.n_features;
  plan.post_processor =
      options.post_processor == PostProcessor::of_model ? ranker.post_processor : options.post_processor;
  plan.leaf_label = ranker.tree.leaf_label;
  plan.n_labels = ranker.tree.n_labels;
  plan.threshold = options.threshold;
  plan.filter = options.filter.get();
  if (plan.filter != nullptr) check_filter(*plan.filter, ranker);
  plan.keep.clear();
  for (size_t level = 0; level < plan.levels.size(); ++level) {
    const uint32_t wanted = beams.empty() ? options.beam : beams[std::min(level, beams.size() - 1)];
    if (wanted == 0) throw Error(ErrorCode::usage, "a beam of 0, expected 1 or more");
    plan.keep.push_back(static_cast<uint32_t>(std::min<size_t>(wanted, plan.levels[level].n_nodes())));
  }
  plan.keep.back() = static_cast<uint32_t>(std::min<size_t>(options.top_k, plan.levels.back().n_nodes()));
}

void VisitScratch::fit(std::span<const Visit> visits) {
  size_t most_hits = 0;
  size_t most_margins = kMarginRoom;
  for (const Visit& visit : visits) {
    most_hits += visit.query->size + 1;
    most_margins = std::max(most_margins, margin_room(*visit.chunk));
  }
  if (hits.size() < most_hits) hits.resize(most_hits);
  if (margins.size() < most_margins) {
    above.resize(most_margins);
    margins.resize(most_margins);  // last, as it is asked: where memory ends, no size may be one that is not there
  }
}

void offer_children(const SearchPlan& plan, size_t level, const Visit& visit, VisitScratch& scratch) {
  const ChunkView& chunk = *visit.chunk;
  const bool labels = plan.yields_labels(level);
  float* margins = scratch.margins.data();
  const bool siblings = needs_siblings(plan.post_processor);
  if (siblings) transform_siblings(plan.post_processor, visit.parent_score, margins, margins, chunk.n_children);
  const float bound = visit.selection->bound();
  const float cut = siblings ? bound : margin_below(plan.post_processor, visit.parent_score, bound);
  const size_t n = select_margins(margins, chunk.n_children, cut, scratch.above.data());
  for (size_t i = 0; i < n; ++i) {
    const uint32_t child = scratch.above[i];
    const uint32_t node = chunk.first_node + child;
    if (plan.filter != nullptr && !plan.filter->allows(level + 1, node)) continue;
    const uint32_t id = labels ? plan.leaf_label[node] : node;
    if (labels && id >= plan.n_labels) continue;
    const float score =
        siblings ? margins[child]
                 : combine(plan.post_processor, visit.parent_score, transform(plan.post_processor, margins[child]));
    visit.selection->offer(candidate_key(score, id));
  }
}

void visit_chunks(const SearchPlan& plan, size_t level, std::span<const Visit> visits, VisitScratch& scratch) {
  scratch.fit(visits);
  for (size_t i = 0; i < visits.size(); ++i) {
    const bool warm = i > 0 && visits[i].chunk == visits[i - 1].chunk && headers_are_small(*visits[i].chunk);
    if (!warm) prefetch_headers(*visits[i].chunk, *visits[i].query);
  }
  size_t hit_ends[VisitScratch::kGroup + 1] = {0};
  for (size_t i = 0; i < visits.size(); ++i) {
    hit_ends[i + 1] = hit_ends[i] + find_hits(*visits[i].chunk, *visits[i].query, scratch.hits.data() + hit_ends[i]);
  }
  for (size_t i = 0; i < visits.size(); ++i) {
    const std::span<const Hit> hits(scratch.hits.data() + hit_ends[i], hit_ends[i + 1] - hit_ends[i]);
    sum_hits(*visits[i].chunk, *visits[i].query, hits, scratch.margins.data());
    offer_children(plan, level, visits[i], scratch);
  }
}

}  // namespace coppice
