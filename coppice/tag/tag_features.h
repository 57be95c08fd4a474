// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/math/key_hash.h"
#include "coppice/tag/gazetteer.h"
#include "coppice/tag/words.h"

namespace coppice {

/// What a tagger looks at. Words are folded; distances are counted in words.
struct TagFeatureOptions {
  uint32_t word_window = 2;
  uint32_t pair_window = 1;
  uint32_t triple_window = 0;
  uint32_t prefix_chars = 4;
  uint32_t suffix_chars = 4;
  uint32_t shape_window = 2;
  bool sentence_words = true;

  static constexpr uint32_t kMostWindow = 5;
  static constexpr uint32_t kMostChars = 8;
};

void describe(OptionTable& table, TagFeatureOptions& options);

/// The features of a text: those of each word, and those of the text itself, which hold at each of its words. Storage
/// is reused from text to text.
struct TagFeatures {
  std::vector<KeyHash> keys;
  std::vector<uint32_t> begin;  ///< words + 2: keys of word i are [begin[i], begin[i + 1]), then come the text's

  size_t n_words() const noexcept { return begin.size() - 2; }
  std::span<const KeyHash> of_word(size_t i) const noexcept {
    return std::span(keys).subspan(begin[i], begin[i + 1] - begin[i]);
  }
  std::span<const KeyHash> of_text() const noexcept { return of_word(n_words()); }
};

/// What features are made by.
struct TagFeatureSource {
  const TagFeatureOptions& options;
  std::span<const Gazetteer> gazetteers;
};

/// Turns words into features. A feature is a string of bytes that says its kind and what was found, known by its hash
/// from then on: no string is kept.
///
/// Threads: one at a time, each with its own. Cost: no allocation once it has grown.
class TagFeatureExtractor {
 public:
  /// `split` is made of `text`.
  void extract(const TagFeatureSource& source, std::string_view text, const SplitText& split, TagFeatures& result);

 private:
  void extract_word(size_t i);
  void add_words(size_t i);
  void add_affixes(size_t i);
  void add_shapes(size_t i);
  void add_marks(size_t i);
  void add_text_words();
  std::string_view word(size_t i, int distance) const noexcept;
  void add_run(char kind, size_t i, int first, int last);
  void start(char kind, int distance);
  void finish();

  TagFeatureOptions options_;
  std::span<const Gazetteer> gazetteers_;  ///< during a call
  const SplitText* split_ = nullptr;
  TagFeatures* result_ = nullptr;
  std::vector<std::string> shapes_;
  std::vector<Gazetteer::Mark> marks_;  ///< gazetteers x words
  std::string buffer_;
};

/// The shape of a word: X for runs of upper-case letters, x for runs of others, d for each digit (four at most), other
/// characters of ASCII as they are, and u for those beyond it that are no letters.
void append_shape(std::string_view word, std::string& shape);

/// The hash of a feature's bytes: one seed for all models.
KeyHash hash_tag_feature(std::string_view bytes) noexcept;

}  // namespace coppice
