// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "coppice/tag/tags.h"

namespace coppice {

/// The sums over all paths of tags that a linear-chain CRF needs: log Z, and how probable each tag and each transition
/// is. Paths that BIO does not allow are none.
///
/// Probabilities are kept scaled, word by word; a text for which even that under- or overflows is done once more with
/// logarithms, by the plain loops of `log_forward_backward`.
/// Cost: O(words * tags * slots). Threads: one at a time, each with its own.
/// Source: Lafferty, McCallum and Pereira, "Conditional random fields", ICML 2001; the scaling is Rabiner's ("A
/// tutorial on hidden Markov models", 1989, section V.A).
class ForwardBackward {
 public:
  /// `transitions` as in TransitionView::of; copied.
  ForwardBackward(Tags tags, std::span<const double> transitions);

  /// Takes the scores of the tags, n x tags, and leaves their probabilities in their place. Returns log Z.
  double run(std::span<double> scores);

  /// Adds how often each transition is expected in the texts since the last call; `counts` as `transitions`.
  void take_counts(std::span<double> counts);

 private:
  bool forward(std::span<double> scores);
  void backward(std::span<double> scores);
  void advance(const double* before, double* after) const noexcept;
  void retreat(const double* after, double* before) const noexcept;
  void count(const double* before, const double* after) noexcept;

  Tags tags_;
  std::vector<double> transitions_;
  std::vector<double> factors_;     ///< exp(transition - the largest of them)
  std::vector<double> transposed_;  ///< of the factors of `entered`: entered tags x tags
  double largest_ = 0;
  std::vector<double> alpha_;        ///< n x tags, each word's adding up to 1
  std::vector<double> beta_, next_;  ///< of one word
  std::vector<double> scales_;       ///< of a word's alpha, the largest score taken out
  double log_z_ = 0;
  std::vector<double> sums_;        ///< counts without their factors
  std::vector<double> log_counts_;  ///< of texts that were done with logarithms
};

/// The same by plain loops over logarithms, slower and without any under- or overflow: adds to `counts`.
double log_forward_backward(Tags tags, std::span<const double> transitions, std::span<double> scores,
                            std::span<double> counts);

}  // namespace coppice
