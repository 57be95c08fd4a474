// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// How much two texts have in common: F1 of their words counted as often as they occur, twice the words in common over
/// the words of both; from 0 to 1. 1 where both are empty.
/// Source: Rajpurkar, Zhang, Lopyrev, Liang, "SQuAD", EMNLP 2016, section 6.1 (without leaving out articles).
double words_f1(const std::vector<std::string>& a, const std::vector<std::string>& b);

/// How much a word tells: ln((1 + n) / (1 + texts with it)) + 1, where n is the number of texts.
///
/// Texts: what is usual for the task, so that "page" and "image" count for little: the answers of other runs, say.
/// Without any, all words count the same. Source: Sparck Jones, "A statistical interpretation of term specificity",
/// Journal of Documentation, 1972, in the smoothed form that scikit-learn has.
class WordWeights {
 public:
  WordWeights() = default;
  explicit WordWeights(const std::vector<std::string>& texts);
  double of(const std::string& word) const;

 private:
  std::map<std::string, uint32_t, std::less<>> texts_with_;
  size_t n_texts_ = 0;
};

/// One of the things that were made side by side: the text of a page, the description of an image.
struct Branch {
  std::string name, text;
};

/// How well branches agree. Each figure is from 0 to 1, and the mean over those pairs of branches that it can be
/// computed for; -1 where there is none.
struct Coherence {
  /// For a pair with the sets of words A and B, words that are no names of grammar alone, weighted by WordWeights:
  /// weight(A and B) / min(weight(A), weight(B)): 1 where the shorter one says nothing that the other does not.
  /// Source: the overlap coefficient (Szymkiewicz, 1934; Simpson, 1960), weighted.
  double terms = -1;
  /// Names (words within a sentence that begin with a capital, in a row) that occur in both, over those and the
  /// near misses: names of one branch that the other writes otherwise by one or two letters ("Brightleaf",
  /// "Brightlief").
  double names = -1;
  /// Of the quantities of which both tell the number ("25 years", "30 kWh"), the share with a number in common.
  double numbers = -1;
  /// Of the colours of the branch that has fewer (#0a3d62, rgb(), or the words for colours), the share that the other
  /// one has, too, or one that looks alike (a difference in CIE L*a*b* of at most 20).
  double colors = -1;
  /// The mean of those above that are there; 1 where none is.
  double all = 1;

  /// One sentence each: "'page' says 25 for 'year', 'hero image' 20".
  std::vector<std::string> contradictions;
};

/// Cost: for each pair of branches, their words, and the product of their names, of which at most 200 each are looked
/// at.
/// Source: the terms as above; the rest is ours: rules that find plain contradictions, not a judge of meaning.
Coherence coherence(const std::vector<Branch>& branches, const WordWeights& weights = {});

/// How different answers are from one another. Each figure is from 0 to 1.
struct Novelty {
  /// 1 - the mean over all pairs of |A and B| / |A or B|, where A and B are the sets of shingles (5 words in a row; all
  /// words of a shorter text as one). Source: Broder, "On the resemblance and containment of documents", 1997.
  double diversity = 0;
  /// The number of different words (pairs of words in a row) over the number of all. Source: Li, Galley, Brockett, Gao,
  /// Dolan, "A diversity-promoting objective function for neural conversation models", NAACL 2016 (distinct-1, -2).
  double distinct_1 = 0, distinct_2 = 0;
  /// Texts that are the same, word for word, as one before them.
  size_t copies = 0;
  /// Diversity was estimated by 256 minimum hashes, with a standard error of at most 0.032 for each pair; so it is for
  /// more than 64 texts. Source: Broder, Charikar, Frieze, Mitzenmacher, "Min-wise independent permutations", 1998.
  bool is_estimated = false;
};

/// Of runs with one input, or of runs with several: `diversity` of fewer than two texts is 1. Cost: linear in the
/// texts, times their number up to 64 of them.
Novelty novelty(const std::vector<std::string>& texts);

}  // namespace coppice
