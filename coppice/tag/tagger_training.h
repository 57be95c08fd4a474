// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/core/options.h"
#include "coppice/tag/bio.h"
#include "coppice/tag/crf.h"
#include "coppice/tag/tagger.h"

namespace coppice {

/// How a tagger is trained.
struct TaggerOptions {
  TagFeatureOptions features;
  uint32_t min_count = 1;
  double l1 = 0.5;
  double l2 = 0.2;
  uint32_t iterations = 100;
  double tolerance = 1e-5;
  float threshold = 0.01F;
};

/// Without the features: `describe` of those is a table of its own.
void describe(OptionTable& table, TaggerOptions& options);

/// What training came to.
struct TaggerTraining {
  Tagger tagger;
  uint64_t n_texts = 0;  ///< with a word at least
  uint64_t n_words = 0;
  uint64_t n_features = 0;    ///< seen often enough
  uint64_t n_weights = 0;     ///< that could be other than 0
  uint64_t n_lost_slots = 0;  ///< slots without a word, which cannot be learned
  uint32_t iterations = 0;
  bool converged = false;
};

/// Learns to find the slots of texts: a linear-chain CRF on the features of `options`, by L-BFGS.
///
/// A feature gets a weight for each tag that some word which has it has. The same for any number of threads.
/// Throws `ErrorCode::data` for texts without a slot and for more types of slots than Tagger::kMostSlots;
/// `ErrorCode::cancelled`.
/// Cost: by iteration O(features of all words + words * tags * slots). Memory: 16 bytes for each feature of a word, and
/// some 36 numbers of 8 bytes for each weight.
TaggerTraining train_tagger(const TaggedTexts& texts, std::vector<Gazetteer> gazetteers, const TaggerOptions& options,
                            Job job);

/// The problem behind it, for tests and for solvers of one's own: the hash of each feature, by its number.
struct TaggerProblem {
  CrfProblem crf;
  std::vector<KeyHash> features;
  uint64_t n_lost_slots = 0;
};
TaggerProblem make_tagger_problem(const TaggedTexts& texts, const TagFeatureSource& source, uint32_t min_count);

}  // namespace coppice
