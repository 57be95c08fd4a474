// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/tag/tags.h"

namespace coppice {

/// Texts as a linear-chain CRF is trained on: numbers of features, and the right tags.
///
/// Shapes: m texts, n words, f features. A feature has a weight for some tags only, as a rule those that it was seen
/// with: row r of the weights is [row_begin[r], row_begin[r + 1]), a weight for each of `row_tags` there.
struct CrfProblem {
  Tags tags;
  std::vector<uint64_t> first_word{0};  ///< m + 1
  std::vector<uint64_t> word_begin{0};  ///< n + 1: places in `word_features`
  std::vector<uint32_t> word_features;
  std::vector<uint64_t> text_begin{0};  ///< m + 1: places in `text_features`
  std::vector<uint32_t> text_features;  ///< that hold at each word of a text
  std::vector<uint32_t> gold;           ///< n
  std::vector<uint64_t> row_begin{0};   ///< f + 1
  std::vector<uint32_t> row_tags;

  size_t n_texts() const noexcept { return first_word.size() - 1; }
  size_t n_words() const noexcept { return gold.size(); }
  size_t n_features() const noexcept { return row_begin.size() - 1; }

  std::span<const uint32_t> of_word(size_t word) const noexcept {
    return std::span(word_features).subspan(word_begin[word], word_begin[word + 1] - word_begin[word]);
  }
  std::span<const uint32_t> of_text(size_t text) const noexcept {
    return std::span(text_features).subspan(text_begin[text], text_begin[text + 1] - text_begin[text]);
  }

  // The weights, one after the other: of the features, of the tags themselves (biases), of transitions.
  size_t bias_begin() const noexcept { return row_tags.size(); }
  size_t transitions_begin() const noexcept { return bias_begin() + tags.count(); }
  size_t n_weights() const noexcept { return transitions_begin() + TransitionView<double>::size(tags); }
};

/// How badly weights explain the tags of some texts: the sum over texts of -log P(tags | text), and l2 / 2 times the
/// sum of the squares of the weights.
///
/// Texts are shared out to a fixed number of parts, each with sums of its own that are added in order: the same for any
/// number of threads. Memory: kParts copies of the weights.
class CrfObjective {
 public:
  static constexpr size_t kParts = 16;

  /// The problem and the pool are borrowed.
  CrfObjective(const CrfProblem& problem, double l2, ThreadPool& pool);

  /// The value, and the gradient written over `gradient`.
  double operator()(std::span<const double> weights, std::span<double> gradient);

 private:
  double run_part(size_t part, std::span<const double> weights);

  const CrfProblem& problem_;
  double l2_;
  ThreadPool& pool_;
  std::vector<std::vector<double>> gradients_;  ///< by part
};

}  // namespace coppice
