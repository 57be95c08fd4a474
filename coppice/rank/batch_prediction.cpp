// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/batch_prediction.h"

#include <algorithm>
#include <memory>
#include <string>

#include "coppice/core/error.h"
#include "coppice/rank/beam_walk.h"

namespace coppice {
namespace {

/// Queries that walk the tree together: enough that many of them meet in a chunk, few enough that their hashes and
/// candidates stay in the outer cache.
constexpr size_t kBlockQueries = 4096;
constexpr size_t kBlockCandidates = size_t{1} << 21;  ///< caps the block of a very wide beam

/// The search of one block of queries, level by level, chunk by chunk.
class BlockSearch {
 public:
  /// Walks the tree with rows [begin, end); afterwards `results(i)` are the candidates of row begin + i.
  void run(const SearchPlan& plan, const Csr& queries, size_t begin, size_t end) {
    hash(plan, queries, begin, end);
    const uint64_t root = candidate_key(combine_identity(plan.post_processor), 0);
    beam_width_ = 1;
    beam_.assign(end - begin, root);
    beam_sizes_.assign(end - begin, 1);
    for (size_t level = 0; level < plan.levels.size(); ++level) search_level(plan, level);
  }

  /// Candidate keys, best first.
  std::span<const uint64_t> results(size_t i) const noexcept {
    return {beam_.data() + i * beam_width_, beam_sizes_[i]};
  }

 private:
  /// A chunk to visit, and the place in the beam that it comes from.
  struct Stop {
    uint32_t chunk;
    uint32_t place;
  };

  void hash(const SearchPlan& plan, const Csr& queries, size_t begin, size_t end) {
    hashes_.resize(queries.offsets[end] - queries.offsets[begin]);
    queries_.clear();
    size_t used = 0;
    for (size_t i = begin; i < end; ++i) {
      const SparseRow row = queries.row(i);
      const size_t known = known_features(row, plan.n_features);
      uint32_t* hashes = hashes_.data() + used;
      hash_features(row.columns.first(known), plan.n_features, hashes);
      queries_.push_back({row.columns.data(), hashes, row.values.data(), known});
      used += known;
    }
  }

  /// The stops of all queries, ordered by chunk and, within a chunk, by query: radix sort, stable.
  void sort_stops(size_t n_chunks) {
    stops_.clear();
    for (size_t i = 0; i < queries_.size(); ++i) {
      for (size_t place = i * beam_width_; place < i * beam_width_ + beam_sizes_[i]; ++place) {
        stops_.push_back({candidate_id(beam_[place]), static_cast<uint32_t>(place)});
      }
    }
    constexpr uint32_t kDigitBits = 11;
    sorted_.resize(stops_.size());
    for (uint32_t shift = 0; shift < 32 && (n_chunks - 1) >> shift != 0; shift += kDigitBits) {
      constexpr uint32_t kMask = (1U << kDigitBits) - 1;
      uint32_t starts[kMask + 2] = {0};
      for (const Stop& stop : stops_) ++starts[((stop.chunk >> shift) & kMask) + 1];
      for (size_t digit = 0; digit <= kMask; ++digit) starts[digit + 1] += starts[digit];
      for (const Stop& stop : stops_) sorted_[starts[(stop.chunk >> shift) & kMask]++] = stop;
      stops_.swap(sorted_);
    }
  }

  void search_level(const SearchPlan& plan, size_t level) {
    const LevelWeights& weights = plan.levels[level];
    const size_t room = Selection::room(plan.keep[level]);
    candidates_.resize(room * queries_.size());
    selections_.clear();
    for (size_t i = 0; i < queries_.size(); ++i) {
      selections_.push_back(plan.selection(level, candidates_.data() + i * room));
    }
    sort_stops(weights.n_chunks());
    visit_stops(plan, level);
    take_beams(plan.keep[level]);
  }

  void visit_stops(const SearchPlan& plan, size_t level) {
    const LevelWeights& weights = plan.levels[level];
    chunks_.resize(VisitScratch::kGroup);
    for (size_t begin = 0; begin < stops_.size(); begin += VisitScratch::kGroup) {
      const size_t count = std::min(VisitScratch::kGroup, stops_.size() - begin);
      visits_.clear();
      size_t n_chunks = 0;
      for (size_t i = 0; i < count; ++i) {
        const Stop& stop = stops_[begin + i];
        if (i == 0 || stop.chunk != stops_[begin + i - 1].chunk) chunks_[n_chunks++] = view_chunk(weights, stop.chunk);
        const size_t row = stop.place / beam_width_;
        visits_.push_back(
            {&chunks_[n_chunks - 1], &queries_[row], &selections_[row], candidate_score(beam_[stop.place])});
      }
      visit_chunks(plan, level, visits_, scratch_);
    }
  }

  void take_beams(uint32_t keep) {
    beam_width_ = std::max<size_t>(keep, 1);
    beam_.resize(queries_.size() * beam_width_);
    for (size_t i = 0; i < queries_.size(); ++i) {
      const std::span<const uint64_t> kept = selections_[i].finish();
      std::copy(kept.begin(), kept.end(), beam_.begin() + static_cast<ptrdiff_t>(i * beam_width_));
      beam_sizes_[i] = static_cast<uint32_t>(kept.size());
    }
  }

  std::vector<uint32_t> hashes_;
  std::vector<HashedQuery> queries_;
  size_t beam_width_ = 1;
  std::vector<uint64_t> beam_;  ///< candidate keys, beam_width_ places a query
  std::vector<uint32_t> beam_sizes_;
  std::vector<Stop> stops_;
  std::vector<Stop> sorted_;
  std::vector<uint64_t> candidates_;
  std::vector<Selection> selections_;
  std::vector<ChunkView> chunks_;
  std::vector<Visit> visits_;
  VisitScratch scratch_;
};

/// Runs the plan over all rows in blocks; `take(row, candidates)` gets the result of each, from any thread.
template <class Take>
void search_blocks(const SearchPlan& plan, const Csr& queries, ThreadPool& pool, const Take& take) {
  const size_t rows_of_memory = kBlockCandidates / Selection::room(plan.most_kept());
  const size_t fair_share = (queries.n_rows() + 15) / 16;  // blocks for up to 16 threads of even small batches
  const size_t block = std::clamp<size_t>(std::min(rows_of_memory, fair_share), 64, kBlockQueries);
  std::vector<std::unique_ptr<BlockSearch>> searches(pool.threads());
  pool.for_ranges(queries.n_rows(), block, [&](size_t begin, size_t end, size_t worker) {
    if (!searches[worker]) searches[worker] = std::make_unique<BlockSearch>();
    searches[worker]->run(plan, queries, begin, end);
    for (size_t i = begin; i < end; ++i) take(i, searches[worker]->results(i - begin));
  });
}

/// Rows of different lengths, as they come from blocks, joined into one matrix.
Csr join_rows(std::vector<uint64_t> offsets, std::span<const uint64_t> keys, size_t width, uint32_t n_columns) {
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] += offsets[i - 1];
  std::vector<uint32_t> columns(offsets.back());
  std::vector<float> values(offsets.back());
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    for (uint64_t place = offsets[i]; place < offsets[i + 1]; ++place) {
      const uint64_t key = keys[i * width + (place - offsets[i])];
      columns[place] = candidate_id(key);
      values[place] = candidate_score(key);
    }
  }
  Csr matrix;
  matrix.n_columns = n_columns;
  matrix.offsets = std::move(offsets);
  matrix.columns = std::move(columns);
  matrix.values = std::move(values);
  return matrix;
}

}  // namespace

Csr Predictions::to_csr(uint32_t n_labels) const {
  CsrBuilder builder(n_labels);
  for (size_t i = 0; i < n_rows(); ++i) {
    for (size_t j = 0; j < counts[i]; ++j) builder.add(row_labels(i)[j], row_scores(i)[j]);
    builder.end_row();
  }
  return builder.build();
}

Predictions predict_batch(const Ranker& ranker, const Csr& queries, const PredictOptions& options, ThreadPool& pool) {
  SearchPlan plan;
  make_plan(ranker, options, plan);
  Predictions predictions;
  predictions.top_k = plan.keep.back();
  predictions.counts.resize(queries.n_rows());
  predictions.labels.resize(queries.n_rows() * predictions.top_k);
  predictions.scores.resize(queries.n_rows() * predictions.top_k);
  search_blocks(plan, queries, pool, [&](size_t row, std::span<const uint64_t> candidates) {
    predictions.counts[row] = static_cast<uint32_t>(candidates.size());
    for (size_t j = 0; j < candidates.size(); ++j) {
      predictions.labels[row * predictions.top_k + j] = candidate_id(candidates[j]);
      predictions.scores[row * predictions.top_k + j] = candidate_score(candidates[j]);
    }
  });
  return predictions;
}

Csr match_nodes(const Matcher& matcher, const Csr& queries, ThreadPool& pool) {
  check(!matcher.levels.empty() && matcher.levels.size() <= matcher.tree.depth(), "matching needs trained levels");
  if (matcher.beam == 0) throw Error(ErrorCode::usage, "a beam of 0, expected 1 or more");
  SearchPlan plan;
  plan.levels = matcher.levels;
  plan.n_features = matcher.levels.front().n_features();
  plan.post_processor = matcher.post_processor;
  for (size_t level = 0; level < plan.levels.size(); ++level) {
    check(plan.levels[level].n_chunks() == matcher.tree.n_chunks(level) &&
              plan.levels[level].n_nodes() == matcher.tree.n_nodes(level + 1) &&
              plan.levels[level].n_features() == plan.n_features,
          "levels have the shape of the tree");
    plan.keep.push_back(static_cast<uint32_t>(std::min<size_t>(matcher.beam, plan.levels[level].n_nodes())));
  }
  const size_t width = plan.keep.back();
  std::vector<uint64_t> offsets(queries.n_rows() + 1);
  std::vector<uint64_t> keys(queries.n_rows() * width);
  search_blocks(plan, queries, pool, [&](size_t row, std::span<const uint64_t> candidates) {
    offsets[row + 1] = candidates.size();
    uint64_t* place = keys.data() + row * width;
    std::copy(candidates.begin(), candidates.end(), place);
    std::sort(place, place + candidates.size(),
              [](uint64_t a, uint64_t b) { return candidate_id(a) < candidate_id(b); });
  });
  return join_rows(std::move(offsets), keys, width, static_cast<uint32_t>(plan.levels.back().n_nodes()));
}

}  // namespace coppice
