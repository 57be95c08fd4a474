// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/math/array.h"
#include "coppice/rank/chunk_scorer.h"
#include "coppice/rank/level_weights.h"
#include "coppice/tag/gazetteer.h"
#include "coppice/tag/tag_feature_index.h"
#include "coppice/tag/tag_features.h"
#include "coppice/tag/tags.h"
#include "coppice/tag/viterbi.h"
#include "coppice/tag/words.h"

namespace coppice {

/// What a tagger is made of.
struct TaggerParts {
  std::vector<std::string> slot_names;
  TagFeatureOptions options;
  std::vector<Gazetteer> gazetteers;
  TagFeatureIndex features;
  /// One sibling chunk whose children are the tags. Its rows are the features, by their numbers, and behind them one
  /// for each tag: what it adds to the tag of the next word.
  LevelWeights weights;
};

/// A linear-chain CRF that finds the slots of a text ("miles davis" is an artist).
///
/// Immutable; copies share the storage. After the constructor no text reads out of bounds whatever the arrays hold.
/// Threads: const methods are thread-safe, each thread with its own State.
/// Source: Lafferty, McCallum and Pereira, 2001; weights in few bits and features without names as in Strimel,
/// Sathyendra and Peshterliev, "Statistical model compression for small-footprint natural language understanding",
/// Interspeech 2018.
class Tagger {
 public:
  static constexpr uint32_t kMostSlots = 1000;

  /// Throws `ErrorCode::data` naming the parts that do not fit. Cost: a row of weights for each tag.
  explicit Tagger(TaggerParts parts);

  /// Scratch memory, of any tagger.
  struct State {
    WordSplitter splitter;
    SplitText split;
    TagFeatureExtractor extractor;
    TagFeatures features;
    std::vector<uint32_t> numbers, known, hashes;
    std::vector<Hit> hits;
    std::vector<float> ones, margins, scores;
    Viterbi viterbi;
    std::vector<Slot> slots;
  };

  /// The slots of a text, from left to right, until the next call; their bytes are those of `text` as it is.
  /// Throws `ErrorCode::data` for a text above WordSplitter::kMostBytes. Cost: no allocation once the state has grown.
  std::span<const Slot> tag(std::string_view text, State& state) const;

  Tags tags() const noexcept { return {static_cast<uint32_t>(parts_->slot_names.size())}; }
  const std::vector<std::string>& slot_names() const noexcept { return parts_->slot_names; }
  const TaggerParts& parts() const noexcept { return *parts_; }
  uint64_t n_weights() const noexcept;
  uint64_t size_bytes() const noexcept;

  /// Checks every invariant. Throws `ErrorCode::data` naming the first that does not hold. Cost: O(bytes).
  void verify() const;

 private:
  void read_transitions();
  void score(State& state) const;

  std::shared_ptr<const TaggerParts> parts_;
  Array<float> transitions_;  ///< as in TransitionView::of
  Array<float> no_bias_;
};

}  // namespace coppice
