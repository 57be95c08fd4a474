// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/core/parallel.h"
#include "coppice/math/csr.h"

namespace coppice::bench {

/// A made-up extreme multilabel problem: Zipf labels in topics, and rows whose features depend on their labels.
///
/// A row draws a main label by its weight, and Poisson(extra_labels) more, most of them from the main label's topic.
/// Its words come from the signatures of its labels, from the topic's words, and for the greater part from a Zipf
/// background. Values are tf-idf, rows have l2 norm 1.
struct SyntheticOptions {
  uint32_t train_rows = 50000;
  uint32_t test_rows = 10000;
  uint32_t labels = 20000;
  uint32_t features = 100000;
  double words_per_row = 80;
  double extra_labels = 4;        ///< mean number of labels beside the main one
  double same_topic = 0.7;        ///< share of them that come from the main label's topic
  double label_zipf = 0.75;       ///< label weight = (rank + 6)^-label_zipf
  double background_zipf = 0.9;   ///< background word weight = (rank + 5)^-background_zipf
  double signature_share = 0.10;  ///< share of words from signatures of the row's labels
  double topic_share = 0.12;      ///< share of words from the topic
  uint32_t labels_per_topic = 40;
  uint32_t signature_words = 16;
  uint32_t topic_words = 200;
  uint64_t seed = 0;
};

struct SyntheticSet {
  Csr train_features, test_features;
  Csr train_labels, test_labels;
};

/// The same set for any number of threads. Cost: about 1 us a word and thread.
SyntheticSet make_synthetic(const SyntheticOptions& options, ThreadPool& pool);

}  // namespace coppice::bench
