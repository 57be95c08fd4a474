// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/sample_model.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "coppice/core/random.h"
#include "coppice/data/vectorizer.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/label_scorer.h"

namespace coppice {
namespace {

constexpr uint32_t kFeatures = 40;
constexpr uint32_t kLabels = 52;

/// Chunks of different density, so that each encoding comes up.
ChunkRows sample_chunk(uint16_t n_children, uint32_t percent, uint64_t seed) {
  Random random(seed);
  ChunkRows rows;
  for (uint16_t c = 0; c < n_children; ++c) rows.bias.push_back(static_cast<float>(random.below(64)) / 64 - 0.5F);
  for (uint32_t feature = 0; feature < kFeatures; ++feature) {
    const size_t begin = rows.children.size();
    for (uint16_t c = 0; c < n_children; ++c) {
      if (random.below(100) >= percent) continue;
      rows.children.push_back(c);
      rows.values.push_back((static_cast<float>(random.below(128)) + 0.5F) / 64 - 1);
    }
    if (rows.children.size() == begin) continue;
    rows.features.push_back(feature);
    rows.first_entry.push_back(static_cast<uint32_t>(begin));
  }
  rows.first_entry.push_back(static_cast<uint32_t>(rows.children.size()));
  return rows;
}

Ranker sample_ranker() {
  Ranker ranker;
  ranker.n_features = kFeatures;
  ranker.tree.n_labels = kLabels;
  ranker.tree.first_child.emplace_back(std::vector<uint32_t>{0, 3});
  ranker.tree.first_child.emplace_back(std::vector<uint32_t>{0, 5, 7, 53});
  std::vector<uint32_t> leaf_label{3, 4, 1, 0, 7, 2, 5, 6, 8, 3, 9, 11, 10};  // 3 has two leaves
  while (leaf_label.size() < kLabels + 1) leaf_label.push_back(static_cast<uint32_t>(leaf_label.size()) - 1);
  ranker.tree.leaf_label = leaf_label;
  LevelWeightsBuilder top(kFeatures);
  top.add(sample_chunk(3, 90, 1));
  LevelWeightsBuilder leaves(kFeatures);
  leaves.add(sample_chunk(5, 20, 2));
  leaves.add(sample_chunk(2, 0, 3));
  leaves.add(sample_chunk(46, 2, 4));
  ranker.levels.push_back(top.build());
  ranker.levels.push_back(leaves.build());
  return ranker;
}

/// Words, pairs and characters; 30 of the ranker's 40 features.
Vectorizer sample_vectorizer() {
  VectorizerOptions options;
  options.char_ngrams = {3, 3};
  using Analyzer = ImportedFeature::Analyzer;
  std::vector<ImportedFeature> features{{Analyzer::word, "window", 0.5F},
                                        {Analyzer::word, "manager", 1.5F},
                                        {Analyzer::word, "window manager", 2.0F},
                                        {Analyzer::character, "win", 1.25F},
                                        {Analyzer::character, "ana", 1.75F}};
  while (features.size() < 30) features.push_back({Analyzer::word, "w" + std::to_string(features.size()), 1.0F});
  return make_vectorizer(options, features);
}

std::vector<std::string> sample_names() {
  std::vector<std::string> names{"window manager", "Fen\xC3\xAAtre", "", "a", "\xE7\xAA\x93"};
  while (names.size() < kLabels) names.push_back("label-" + std::to_string(names.size()));
  return names;
}

}  // namespace

ModelParts sample_parts() {
  ModelParts parts;
  parts.label_names = LabelNames::from(sample_names());
  parts.vectorizer = sample_vectorizer();
  parts.ranker = sample_ranker();
  parts.options_json = R"({"tree":{"branching":16},"solver":{"loss":"squared_hinge"}})";
  parts.metrics_json = R"({"P@1":0.5})";
  parts.fingerprint = "0123456789abcdef";
  std::vector<uint32_t> counts{5, 4, 3, 2, 1, 1, 1, 1, 1, 1, 1, 0};
  counts.resize(kLabels, 1);
  parts.label_counts = counts;
  parts.n_training_rows = 9;
  return parts;
}

std::string sample_image(const Model& model) {
  static int count = 0;
  const auto path = std::filesystem::temp_directory_path() /
                    ("coppice-sample-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  model.save(path.string(), "coppice sample");
  std::ifstream file(path, std::ios::binary);
  std::string image{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(path);
  return image;
}

Csr sample_queries() {
  CsrBuilder builder(2 * kFeatures);
  Random random(7);
  for (size_t row = 0; row < 6; ++row) {
    for (size_t i = 0; i < row * 4; ++i) builder.add(random.below(kFeatures + kFeatures / 4), 0.25F);
    builder.end_row();
  }
  return builder.build();
}

void ask_everything(const Model& model) {
  static const Csr queries = sample_queries();
  PredictOptions options;
  options.beam = 4;
  options.top_k = 5;
  SearchState state;
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    for (const ScoredLabel& found : predict(model.ranker(), queries.row(i), options, state)) {
      (void)model.label_names().find(model.label_names().name(found.label));
    }
  }
  const LabelScorer scorer(model.ranker());
  LabelScorer::State scorer_state;
  if (model.n_labels() >= kLabels) {
    (void)scorer.score(queries.row(5), std::vector<uint32_t>{0, 3, 11}, scorer_state);
  }
  if (const Vectorizer* vectorizer = model.vectorizer()) {
    Vectorizer::State text_state;
    for (const char* text : {"Window manager w7 w29", "", "\xFFwin\xC3\xA4"}) {
      const SparseRow row = vectorizer->transform(text, text_state);
      for (const uint32_t column : row.columns) (void)vectorizer->feature_name(column);
      (void)predict(model.ranker(), row, options, state);
    }
    (void)vectorizer->feature_name(29);
  }
  static ThreadPool pool(1);
  (void)predict_batch(model.ranker(), queries, options, pool);
}

}  // namespace coppice
