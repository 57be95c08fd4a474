// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/block_search.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "coppice/rank/dense_chunk.h"

namespace coppice {
namespace {

constexpr size_t kBlockCandidates = size_t{1} << 21;  ///< caps the block of a very wide beam

/// The search of one block of queries, level by level, chunk by chunk.
class BlockSearch {
 public:
  /// Walks the tree with rows [begin, end); afterwards `results(i)` are the candidates of row begin + i.
  void run(const SearchPlan& plan, const SearchRows& rows, size_t begin, size_t end) {
    hash(plan, rows.queries, begin, end);
    if (rows.nodes == nullptr) {
      begin_at_root(plan, end - begin);
    } else {
      begin_at(*rows.nodes, begin, end);
    }
    for (size_t level = rows.level; level < plan.levels.size(); ++level) search_level(plan, level);
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

  void begin_at_root(const SearchPlan& plan, size_t n_queries) {
    beam_width_ = 1;
    beam_.assign(n_queries, candidate_key(combine_identity(plan.post_processor), 0));
    beam_sizes_.assign(n_queries, 1);
  }

  void begin_at(const Csr& nodes, size_t begin, size_t end) {
    beam_width_ = 1;
    for (size_t i = begin; i < end; ++i) beam_width_ = std::max(beam_width_, nodes.row(i).size());
    beam_.resize((end - begin) * beam_width_);
    beam_sizes_.resize(end - begin);
    for (size_t i = begin; i < end; ++i) {
      const SparseRow row = nodes.row(i);
      uint64_t* place = beam_.data() + (i - begin) * beam_width_;
      for (size_t j = 0; j < row.size(); ++j) place[j] = candidate_key(row.values[j], row.columns[j]);
      beam_sizes_[i - begin] = static_cast<uint32_t>(row.size());
    }
  }

  void hash(const SearchPlan& plan, const Csr& queries, size_t begin, size_t end) {
    hashes_.resize(queries.offsets[end] - queries.offsets[begin]);
    numbers_.clear();
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
    hashes_.resize(used);
  }

  /// Put off until a chunk is unpacked: a small batch has none, and would pay for the table of all hashes.
  void number_features(uint32_t n_features) {
    if (!numbers_.empty()) return;
    features_.reset(n_features);
    features_.add(hashes_);
    features_.number();
    numbers_.resize(hashes_.size());
    features_.find(hashes_, numbers_.data());
  }

  const uint32_t* numbers_of(const HashedQuery& query) const noexcept {
    return numbers_.data() + (query.hashes - hashes_.data());
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

  /// Chunk by chunk: where enough queries meet, on the unpacked chunk, else in groups on the packed ones.
  void visit_stops(const SearchPlan& plan, size_t level) {
    const LevelWeights& weights = plan.levels[level];
    chunks_.resize(VisitScratch::kGroup);
    visits_.clear();
    for (size_t begin = 0, end = 0; begin < stops_.size(); begin = end) {
      size_t n_features = 0;
      for (end = begin; end < stops_.size() && stops_[end].chunk == stops_[begin].chunk; ++end) {
        n_features += queries_[row_of(stops_[end])].size;
      }
      const std::span<const Stop> stops(stops_.data() + begin, end - begin);
      const ChunkView chunk = view_chunk(weights, stops.front().chunk);
      if (DenseChunk::pays(chunk, n_features)) {
        visit_dense(plan, level, chunk, stops);
      } else {
        visit_packed(plan, level, chunk, stops);
      }
    }
    flush(plan, level);
  }

  size_t row_of(const Stop& stop) const noexcept { return stop.place / beam_width_; }

  Visit visit_of(const ChunkView& chunk, const Stop& stop) noexcept {
    const size_t row = row_of(stop);
    return {&chunk, &queries_[row], &selections_[row], candidate_score(beam_[stop.place])};
  }

  void visit_dense(const SearchPlan& plan, size_t level, const ChunkView& chunk, std::span<const Stop> stops) {
    number_features(plan.n_features);
    dense_.unpack(chunk, features_);
    for (const Stop& stop : stops) {
      const Visit visit = visit_of(chunk, stop);
      scratch_.fit({&visit, 1});
      dense_.sum(*visit.query, numbers_of(*visit.query), scratch_.margins.data());
      offer_children(plan, level, visit, scratch_);
    }
  }

  void visit_packed(const SearchPlan& plan, size_t level, const ChunkView& chunk, std::span<const Stop> stops) {
    const ChunkView* seen = nullptr;
    for (const Stop& stop : stops) {
      if (visits_.empty() || seen == nullptr) seen = &(chunks_[visits_.size()] = chunk);
      visits_.push_back(visit_of(*seen, stop));
      if (visits_.size() == VisitScratch::kGroup) flush(plan, level);
    }
  }

  void flush(const SearchPlan& plan, size_t level) {
    if (!visits_.empty()) visit_chunks(plan, level, visits_, scratch_);
    visits_.clear();
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
  std::vector<uint32_t> numbers_;  ///< beside the hashes: the features' numbers in the block
  BlockFeatures features_;
  DenseChunk dense_;
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

}  // namespace

size_t block_queries(size_t n_rows, size_t most_kept, size_t threads) {
  const size_t rows_of_memory = kBlockCandidates / Selection::room(most_kept);
  const size_t fair_share = (n_rows + threads - 1) / threads;
  return std::clamp<size_t>(std::min(rows_of_memory, fair_share), 64, kBlockQueries);
}

void search_blocks(const SearchPlan& plan, const SearchRows& rows, ThreadPool& pool, const TakeCandidates& take) {
  const size_t n_rows = rows.queries.n_rows();
  const size_t block = block_queries(n_rows, plan.most_kept(), pool.threads());
  std::vector<std::unique_ptr<BlockSearch>> searches(pool.threads());
  pool.for_ranges(n_rows, block, [&](size_t begin, size_t end, size_t worker) {
    if (!searches[worker]) searches[worker] = std::make_unique<BlockSearch>();
    searches[worker]->run(plan, rows, begin, end);
    for (size_t i = begin; i < end; ++i) take(i, searches[worker]->results(i - begin));
  });
}

}  // namespace coppice
