// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "coppice/data/tokenizer.h"
#include "coppice/data/vectorizer.h"
#include "coppice/data/vectorizer_hash.h"

namespace coppice {

/// The analyzers in the order of their blocks; compounds count as words.
inline constexpr size_t kAnalyzers = 3;

/// Where the name of a feature occurrence stands: tokens of the text, or a slice of it.
struct NamePlace {
  static constexpr uint32_t kSlice = 0;            ///< `order` of a slice of `AnalysisScratch::slices`
  static constexpr uint32_t kText = ~uint32_t{0};  ///< `order` of a slice of the text itself

  uint32_t begin;  ///< first token, or first byte
  uint32_t order;  ///< tokens joined by a space, or one of the above
  uint32_t size;   ///< bytes of a slice
};

/// The feature occurrences of one text, block by block; storage is reused.
struct FeatureOccurrences {
  std::vector<uint64_t> hashes;
  std::vector<uint32_t> checks;  ///< these two when the names were asked for
  std::vector<NamePlace> places;
  std::array<size_t, kAnalyzers> block_ends{};
  size_t size = 0;
};

/// Scratch of one thread.
struct AnalysisScratch {
  explicit AnalysisScratch(Normalization normalization) : unicode(normalization) {}

  UnicodeTable unicode;
  TokenizedText text;
  std::vector<uint64_t> tokens;  ///< hash of each token
  std::vector<uint64_t> ngrams;
  std::vector<uint32_t> token_checks;
  std::vector<uint32_t> ngram_checks;
  std::vector<char> slices;          ///< " " + the text with white space collapsed + " ", padded
  std::vector<uint32_t> characters;  ///< where each character of it begins, and its end
  size_t n_characters = 0;
  std::vector<uint32_t> compounds;  ///< begin, end, ... in the text
  FeatureOccurrences features;
};

/// Text -> hashes of its features. Shared by fitting and transforming, so that they cannot differ.
///
/// Threads: const methods are thread-safe, each thread with its own scratch.
class Analysis {
 public:
  explicit Analysis(const VectorizerOptions& options);

  /// Fills `scratch.features`.
  void analyze(std::string_view text, AnalysisScratch& scratch) const;
  /// And with what their names are made of; the text and its slices stay in `scratch`, too.
  void analyze_with_names(std::string_view text, AnalysisScratch& scratch) const;

  /// The hash under which a feature of that name is found.
  FeatureHash hash_of(const ImportedFeature& feature) const;

 private:
  template <bool kNames>
  void analyze_as(std::string_view text, AnalysisScratch& scratch) const;
  template <bool kNames>
  void hash_tokens(AnalysisScratch& scratch) const;
  template <bool kNames>
  void add_words(AnalysisScratch& scratch) const;
  template <bool kNames>
  void add_compounds(AnalysisScratch& scratch) const;
  template <bool kNames>
  void add_characters(AnalysisScratch& scratch) const;
  template <bool kNames>
  void add_characters_in_words(AnalysisScratch& scratch) const;
  void drop_stop_words(AnalysisScratch& scratch) const;
  void find_compounds(AnalysisScratch& scratch) const;
  void prepare_slices(AnalysisScratch& scratch) const;

  struct NgramRange {
    uint32_t shortest = 0, longest = 0;  ///< longest 0 = none
  };
  static NgramRange range_of(const std::vector<uint32_t>& option);

  Tokenizer tokenizer_;
  NgramRange words_, characters_, characters_wb_;
  uint32_t max_tokens_;
  Compounds compounds_;
  bool raw_slices_;
  std::array<uint64_t, 4> seeds_;  ///< words, characters, characters in words, compounds
  std::unordered_set<uint64_t> stop_words_;
};

}  // namespace coppice
