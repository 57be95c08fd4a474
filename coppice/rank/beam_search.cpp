// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/beam_search.h"

#include "coppice/rank/beam_walk.h"

namespace coppice {

namespace {

constexpr uint64_t kMost = 0xFFFFFFFF;

void describe_beam(OptionTable& table, PredictOptions& options) {
  table.add(
      "beam", options.beam, 1, kMost,
      "How many nodes of each level of the tree the search keeps. Wider costs time in proportion and finds labels "
      "that a narrow one misses; as wide as the tree makes it exhaustive. Called beam_size in PECOS, beam width "
      "elsewhere.");
  table.add("beam_per_level", options.beam_per_level, 1, kMost,
            "The beam of each level of the tree from the top, when one number for all is not wanted; the last serves "
            "all deeper levels. Empty: `beam` everywhere.");
}

void describe_scores(OptionTable& table, PredictOptions& options) {
  std::string help =
      "How margins become scores. The default is what the model was trained for. With h = max(0, 1 - margin): lP_hinge "
      "is exp(-h^P), multiplied along the path; the log_ ones are added; softmax is over siblings; noop is the "
      "margin of the label alone.";
  auto names = post_processors();
  names.insert(names.begin(), {PostProcessor::of_model, "of_model"});
  table.add("post_processor", options.post_processor, names, help);
}

}  // namespace

void describe_search(OptionTable& table, PredictOptions& options) {
  describe_beam(table, options);
  describe_scores(table, options);
}

void describe(OptionTable& table, PredictOptions& options) {
  describe_beam(table, options);
  table.add("top_k", options.top_k, 1, kMost,
            "How many labels come out at most, best first. Called only_topk in PECOS, k elsewhere.");
  table.add("threshold", options.threshold, PredictOptions::kNoThreshold, 1e30,
            "Labels with a lower score do not come out. The default keeps all.");
  describe_scores(table, options);
}

struct SearchState::Scratch {
  SearchPlan plan;
  std::vector<uint32_t> hashes;
  std::vector<uint64_t> candidates;
  std::vector<uint64_t> beam;  ///< candidate keys of nodes
  std::vector<ScoredLabel> results;
  std::vector<ChunkView> chunks;
  std::vector<Visit> visits;
  VisitScratch visit;
};

SearchState::SearchState() : scratch_(std::make_unique<Scratch>()) {}
SearchState::~SearchState() = default;
SearchState::SearchState(SearchState&&) noexcept = default;
SearchState& SearchState::operator=(SearchState&&) noexcept = default;

namespace {

/// Expands every node of the beam; afterwards the beam holds the kept children.
void search_level(SearchState::Scratch& scratch, size_t level, const HashedQuery& query) {
  const SearchPlan& plan = scratch.plan;
  const LevelWeights& weights = plan.levels[level];
  const size_t room = Selection::room(plan.keep[level]);
  if (scratch.candidates.size() < room) scratch.candidates.resize(room);
  Selection selection = plan.selection(level, scratch.candidates.data());
  scratch.chunks.resize(VisitScratch::kGroup);
  for (const uint64_t node : scratch.beam) __builtin_prefetch(&weights.arrays().chunks[candidate_id(node)]);
  for (size_t begin = 0; begin < scratch.beam.size(); begin += VisitScratch::kGroup) {
    const size_t count = std::min(VisitScratch::kGroup, scratch.beam.size() - begin);
    scratch.visits.clear();
    for (size_t i = 0; i < count; ++i) {
      const uint64_t node = scratch.beam[begin + i];
      scratch.chunks[i] = view_chunk(weights, candidate_id(node));
      scratch.visits.push_back({&scratch.chunks[i], &query, &selection, candidate_score(node)});
    }
    visit_chunks(plan, level, scratch.visits, scratch.visit);
  }
  const std::span<const uint64_t> kept = selection.finish();
  scratch.beam.assign(kept.begin(), kept.end());
}

}  // namespace

std::span<const ScoredLabel> predict(const Ranker& ranker, SparseRow query, const PredictOptions& options,
                                     SearchState& state) {
  SearchState::Scratch& scratch = state.scratch();
  make_plan(ranker, options, scratch.plan);
  const size_t known = known_features(query, ranker.n_features);
  if (scratch.hashes.size() < known) scratch.hashes.resize(known);
  hash_features(query.columns.first(known), ranker.n_features, scratch.hashes.data());
  const HashedQuery hashed{query.columns.data(), scratch.hashes.data(), query.values.data(), known};
  scratch.beam.assign(1, candidate_key(combine_identity(scratch.plan.post_processor), 0));
  for (size_t level = 0; level < ranker.levels.size(); ++level) search_level(scratch, level, hashed);
  scratch.results.clear();
  for (const uint64_t key : scratch.beam) scratch.results.push_back({candidate_id(key), candidate_score(key)});
  return scratch.results;
}

}  // namespace coppice
