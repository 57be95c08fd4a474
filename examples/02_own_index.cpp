// SPDX-License-Identifier: Apache-2.0
// An embedding and an indexer of your own: labels are known by their numbers' parity, and the tree has two branches.
#include <iostream>

#include "coppice/coppice.h"

namespace {

using namespace coppice;

/// Two dimensions: even and odd.
class ParityEmbedder : public LabelEmbedder {
 public:
  Csr embed(const EmbedderInput& input, Job) const override {
    CsrBuilder builder(2);
    for (uint32_t label = 0; label < input.labels.n_columns; ++label) {
      builder.add(label % 2, 1);
      builder.end_row();
    }
    return builder.build();
  }
};

/// One branch for each dimension, with the labels that have it.
class BranchPerDimension : public Indexer {
 public:
  LabelTree index(const Csr& embedding, Job) const override {
    std::vector<std::vector<uint32_t>> members(embedding.n_columns);
    for (uint32_t label = 0; label < embedding.n_rows(); ++label) {
      members[embedding.row(label).columns[0]].push_back(label);
    }
    std::vector<uint32_t> labels, first_label{0};
    for (const auto& branch : members) {
      labels.insert(labels.end(), branch.begin(), branch.end());
      first_label.push_back(static_cast<uint32_t>(labels.size()));
    }
    LabelTree tree;
    tree.n_labels = static_cast<uint32_t>(embedding.n_rows());
    tree.first_child = {std::vector<uint32_t>{0, static_cast<uint32_t>(members.size())}, first_label};
    tree.leaf_label = labels;
    tree.validate();
    return tree;
  }
};

/// Row i has feature i mod 6 and label i mod 6.
TrainingSet six_labels() {
  CsrBuilder features(6), labels(6);
  for (uint32_t i = 0; i < 60; ++i) {
    features.add(i % 6, 1);
    features.end_row();
    labels.add(i % 6, 1);
    labels.end_row();
  }
  TrainingSet set;
  set.features = features.build();
  set.labels = labels.build();
  return set;
}

}  // namespace

int main() {
  const ParityEmbedder embedder;
  const BranchPerDimension indexer;
  TrainExtras extras;
  extras.embedder = &embedder;
  extras.indexer = &indexer;
  ThreadPool pool(2);
  Progress quiet;
  const TrainingSet set = six_labels();
  const Model model = train(set, {}, extras, {pool, quiet});
  const Predictions best = predict_batch(model.ranker(), set.features, {}, pool);
  size_t hits = 0;
  for (size_t i = 0; i < best.n_rows(); ++i) hits += best.row_labels(i)[0] == i % 6 ? 1 : 0;
  std::cout << hits << " of " << best.n_rows() << " rows get their label first\n";
  return hits == best.n_rows() ? 0 : 1;
}
