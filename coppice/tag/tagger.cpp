// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tagger.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/utf8.h"
#include "coppice/rank/chunk_scorer.h"
#include "coppice/rank/chunk_view.h"

namespace coppice {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "the tagger is damaged: " + why);
}

void check_slot_names(const std::vector<std::string>& names) {
  if (names.empty() || names.size() > Tagger::kMostSlots)
    refuse("it has " + counted(names.size(), "type") + " of slots");
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty() || !is_valid_utf8(name)) refuse("a type of slots has a name that is no text");
    if (!seen.insert(name).second) refuse("two types of slots have the name " + name);
  }
}

void check_weights(const TaggerParts& parts, uint32_t n_tags) {
  const LevelArrays& arrays = parts.weights.arrays();
  if (arrays.chunks.size() != 1 || arrays.bias.size() != n_tags || arrays.chunks[0].first_node != 0 ||
      arrays.chunks[0].n_children != n_tags) {
    refuse("its weights are not those of one chunk of " + counted(n_tags, "tag"));
  }
  if (arrays.n_features != uint64_t{parts.features.size()} + n_tags) {
    refuse("its weights are of " + counted(arrays.n_features, "feature") + ", expected " +
           std::to_string(uint64_t{parts.features.size()} + n_tags));
  }
}

/// margins = bias + the sum of the rows of the features in `state.known`.
void sum_known(const ChunkView& chunk, uint32_t n_features, Tagger::State& state) {
  const size_t n = state.known.size();
  std::ranges::sort(state.known);
  if (state.hashes.size() < n + 1) {
    state.hits.resize(n + 1);
    state.ones.resize(n + 1, 1.0F);
    state.hashes.resize(n + 1);  // last, as it is asked: where memory ends, no size may be one that is not there
  }
  hash_features(state.known, n_features, state.hashes.data());
  const HashedQuery query{state.known.data(), state.hashes.data(), state.ones.data(), n};
  const size_t n_hits = find_hits(chunk, query, state.hits.data());
  sum_hits(chunk, query, {state.hits.data(), n_hits}, state.margins.data());
}

void grow_margins(const ChunkView& chunk, Tagger::State& state) {
  if (state.margins.size() < margin_room(chunk)) state.margins.resize(margin_room(chunk));
}

}  // namespace

Tagger::Tagger(TaggerParts parts) : parts_(std::make_shared<const TaggerParts>(std::move(parts))) {
  check_slot_names(parts_->slot_names);
  check_weights(*parts_, tags().count());
  const TagFeatureOptions& options = parts_->options;
  constexpr uint32_t kMost = TagFeatureOptions::kMostWindow;
  if (std::max({options.word_window, options.pair_window, options.triple_window, options.shape_window}) > kMost ||
      std::max(options.prefix_chars, options.suffix_chars) > TagFeatureOptions::kMostChars) {
    refuse("its options are out of range");
  }
  no_bias_ = std::vector<float>(tags().count());
  read_transitions();
}

/// The rows behind those of the features.
void Tagger::read_transitions() {
  const Tags tags = this->tags();
  ChunkView chunk = view_chunk(parts_->weights, 0);
  chunk.bias = no_bias_.data();
  State state;
  grow_margins(chunk, state);
  std::vector<float> transitions(TransitionView<float>::size(tags));
  for (uint32_t before = 0; before < tags.count(); ++before) {
    state.known.assign(1, parts_->features.size() + before);
    sum_known(chunk, parts_->weights.n_features(), state);
    for (uint32_t tag = 0; tag < tags.n_entered(); ++tag) {
      transitions[TransitionView<float>::place(tags, before, tag)] = state.margins[tag];
    }
    if (before == Tags::kOutside) continue;
    const uint32_t continued = tags.continued(before);
    transitions[TransitionView<float>::place(tags, before, continued)] = state.margins[continued];
  }
  transitions_ = std::move(transitions);
}

std::span<const Slot> Tagger::tag(std::string_view text, State& state) const {
  state.splitter.split(text, state.split);
  state.extractor.extract({parts_->options, parts_->gazetteers}, text, state.split, state.features);
  score(state);
  const size_t n_scores = state.split.size() * tags().count();
  const auto path =
      state.viterbi.best_path(std::span(state.scores).first(n_scores), TransitionView<float>::of(tags(), transitions_));
  slots_of_path(tags(), path, state.slots);
  for (Slot& slot : state.slots) {
    const uint32_t last = slot.end - 1;
    slot = {slot.type, state.split.words[slot.begin].begin, state.split.words[last].end};
  }
  return state.slots;
}

/// The scores of the tags, word by word: what is the same at each of them is summed once.
void Tagger::score(State& state) const {
  const TagFeatures& features = state.features;
  const size_t n_tags = tags().count(), n = features.n_words();
  if (state.numbers.size() < features.keys.size()) state.numbers.resize(features.keys.size());
  if (state.scores.size() < n * n_tags) state.scores.resize(n * n_tags);
  parts_->features.find(features.keys, state.numbers.data());
  const ChunkView chunk = view_chunk(parts_->weights, 0);
  ChunkView without_bias = chunk;
  without_bias.bias = no_bias_.data();
  grow_margins(chunk, state);
  const auto sum = [&](const ChunkView& view, size_t i) {
    state.known.clear();
    for (size_t k = features.begin[i]; k < features.begin[i + 1]; ++k) {
      if (state.numbers[k] != KeyIndex::kNone) state.known.push_back(state.numbers[k]);
    }
    sum_known(view, parts_->weights.n_features(), state);
  };
  sum(chunk, n);
  for (size_t i = 0; i < n; ++i) std::copy_n(state.margins.begin(), n_tags, state.scores.begin() + i * n_tags);
  for (size_t i = 0; i < n; ++i) {
    sum(without_bias, i);
    float* const row = state.scores.data() + i * n_tags;
    for (size_t tag = 0; tag < n_tags; ++tag) row[tag] += state.margins[tag];
  }
}

uint64_t Tagger::n_weights() const noexcept {
  return coppice::n_weights(parts_->weights);
}

uint64_t Tagger::size_bytes() const noexcept {
  uint64_t bytes = parts_->features.size_bytes() + parts_->weights.size_bytes();
  for (const Gazetteer& gazetteer : parts_->gazetteers) bytes += gazetteer.phrases().size_bytes();
  return bytes;
}

void Tagger::verify() const {
  parts_->features.verify();
  const std::array<uint32_t, 2> first_child{0, tags().count()};
  parts_->weights.verify(first_child, "weights of the tagger");
  for (const Gazetteer& gazetteer : parts_->gazetteers) gazetteer.phrases().verify();
}

}  // namespace coppice
