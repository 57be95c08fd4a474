// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/sample_model.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/data/vectorizer.h"
#include "coppice/model/answer.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/beam_search.h"
#include "coppice/rank/explain.h"
#include "coppice/rank/label_scorer.h"

namespace coppice {
namespace {

constexpr uint32_t kFeatures = 40;
constexpr uint32_t kLabels = 52;

/// Chunks of different density, so that each encoding comes up.
ChunkRows sample_chunk(uint16_t n_children, uint32_t percent, uint64_t seed, uint32_t n_features = kFeatures) {
  Random random(seed);
  ChunkRows rows;
  for (uint16_t c = 0; c < n_children; ++c) rows.bias.push_back(static_cast<float>(random.below(64)) / 64 - 0.5F);
  for (uint32_t feature = 0; feature < n_features; ++feature) {
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

LevelWeights sample_level(const Array<uint32_t>& first_child, uint32_t percent, uint64_t seed) {
  LevelWeightsBuilder builder(kFeatures);
  for (size_t p = 0; p + 1 < first_child.size(); ++p) {
    builder.add(sample_chunk(static_cast<uint16_t>(first_child[p + 1] - first_child[p]), percent, seed + p));
  }
  return builder.build();
}

/// Four levels, so that there are nodes whose children's children are nodes.
Ranker deep_ranker() {
  Ranker ranker;
  ranker.n_features = kFeatures;
  ranker.tree.n_labels = 16;
  ranker.tree.first_child = {std::vector<uint32_t>{0, 2}, std::vector<uint32_t>{0, 2, 4},
                             std::vector<uint32_t>{0, 3, 4, 6, 8},
                             std::vector<uint32_t>{0, 2, 4, 6, 8, 10, 12, 14, 16}};
  ranker.tree.leaf_label = std::vector<uint32_t>{3, 4, 1, 0, 7, 2, 5, 6, 8, 9, 11, 10, 15, 12, 14, 13};
  for (const Array<uint32_t>& first_child : ranker.tree.first_child) {
    ranker.levels.push_back(sample_level(first_child, 50, 10 * (ranker.levels.size() + 1)));
  }
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
  parts.label_counts = PackedNumbers(counts);
  parts.n_training_rows = 9;
  return parts;
}

ModelParts deep_sample_parts() {
  ModelParts parts;
  parts.ranker = deep_ranker();
  std::vector<std::string> names;
  while (names.size() < parts.ranker.tree.n_labels) names.push_back("label-" + std::to_string(names.size()));
  parts.label_names = LabelNames::from(names);
  return parts;
}

namespace {

constexpr uint32_t kTags = 5;  // O, and B and I of two types

/// Words that tell tags; a row for each of them and for each tag.
TaggerParts sample_tagger_parts() {
  ThreadPool pool(1);
  TaggerParts parts;
  parts.slot_names = {"city", "Fen\xC3\xAAtre"};
  parts.options = {2, 1, 1, 2, 2, 1, true};
  std::vector<KeyHash> hashes;
  for (const char* word : {"in", "new", "york", "a", "w7", "\xC3\xA4pfel"}) {
    for (const char* kind : {"wF", "wE", "wG", "aF", "bF1", "pF"})
      hashes.push_back(hash_tag_feature(kind + std::string(word)));
  }
  parts.features = TagFeatureIndex::build(hashes, pool);
  ChunkRows rows;
  rows.first_entry = {0};
  rows.bias = {-0.5F, -0.25F, 0.5F, 0, 0.25F};
  for (uint32_t feature = 0; feature < parts.features.size() + kTags; ++feature) {
    rows.features.push_back(feature);
    for (uint32_t tag = 0; tag < kTags; ++tag) {
      if ((feature + tag) % 3 == 0) continue;
      rows.children.push_back(static_cast<uint16_t>(tag));
      rows.values.push_back(static_cast<float>((feature * 7 + tag * 5) % 16) / 8 - 0.9375F);
    }
    rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
  }
  LevelWeightsBuilder builder(parts.features.size() + kTags);
  builder.add(rows);
  parts.weights = builder.build();
  const std::vector<std::string> cities{"new york", "york", "oslo"}, windows{"Fen\xC3\xAAtre"};
  parts.gazetteers = {make_gazetteer("city", cities, pool), make_gazetteer("window", windows, pool)};
  return parts;
}

}  // namespace

ModelParts tagger_sample_parts() {
  ModelParts parts;
  parts.tagger = Tagger(sample_tagger_parts());
  parts.options_json = R"({"tagger":{"l1":0.5}})";
  parts.metrics_json = R"({"slot_f1":50})";
  parts.n_training_rows = 9;
  return parts;
}

ModelParts assistant_sample_parts() {
  ModelParts parts = sample_parts();
  parts.domains = sample_domains(parts.ranker.tree.n_labels);
  parts.tagger = tagger_sample_parts().tagger;
  return parts;
}

ModelParts flat_sample_parts(uint32_t percent) {
  constexpr uint32_t kIntents = 24, kWords = 300;
  using Analyzer = ImportedFeature::Analyzer;
  std::vector<ImportedFeature> words;
  for (uint32_t word = 0; word < kWords; ++word) {
    words.push_back({Analyzer::word, "w" + std::to_string(word), 1 + static_cast<float>(word % 9) / 4});
  }
  std::vector<std::string> names;
  std::vector<uint32_t> leaf_label;
  for (uint32_t label = 0; label < kIntents; ++label) {
    names.push_back("intent-" + std::to_string(label));
    leaf_label.push_back(label);
  }
  ModelParts parts;
  parts.label_names = LabelNames::from(names);
  parts.vectorizer = make_vectorizer({}, words);
  parts.ranker.n_features = kWords;
  parts.ranker.tree.n_labels = kIntents;
  parts.ranker.tree.first_child.emplace_back(std::vector<uint32_t>{0, kIntents});
  parts.ranker.tree.leaf_label = leaf_label;
  LevelWeightsBuilder builder(kWords);
  builder.add(sample_chunk(kIntents, percent, 5, kWords));
  parts.ranker.levels.push_back(builder.build());
  return parts;
}

ModelParts passages_sample_parts() {
  ModelParts parts = flat_sample_parts(12);
  PassagesBuilder passages;
  for (uint32_t label = 0; label < parts.ranker.tree.n_labels; ++label) {
    const std::string number = std::to_string(label);
    const std::string metadata = R"({"page":)" + number + R"(,"title":"Fen\u00eatre )" + number + "\"}";
    passages.add(label == 5 ? "" : "Passage " + number + ", in \xC3\xA4pfel.\n", label % 3 == 2 ? "" : metadata);
  }
  parts.passages = passages.build();
  parts.ranker.post_processor = PostProcessor::noop;  // as in an index of passages
  return parts;
}

LabelDomains sample_domains(uint32_t n_labels) {
  std::vector<std::optional<uint32_t>> domains(n_labels);
  for (uint32_t label = 0; label < n_labels; ++label) {
    if (label % 4 < 3) domains[label] = label % 4;
  }
  return LabelDomains::from({"banking", "r\xC3\xA9servation", ""}, domains);
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

namespace {

void ask_text(const Model& model, const PredictOptions& options, SearchState& state) {
  const Vectorizer* vectorizer = model.vectorizer();
  if (vectorizer == nullptr) return;
  Vectorizer::State text_state;
  for (const char* text : {"Window manager w7 w29", "", "\xFFwin\xC3\xA4"}) {
    const SparseRow row = vectorizer->transform(text, text_state);
    for (const uint32_t column : row.columns) (void)vectorizer->feature_name(column);
    (void)predict(model.ranker(), row, options, state);
  }
  (void)vectorizer->feature_name(29);
}

/// The first, the last and one between.
std::vector<uint32_t> some_labels(const Model& model) {
  const uint32_t n = model.n_labels();
  return {0, n / 2, n - 1};
}

void ask_with_filters(const Model& model, SparseRow query, PredictOptions options, SearchState& state) {
  const LabelTree& tree = model.ranker().tree;
  for (const LabelFilter& filter :
       {LabelFilter::allow(tree, some_labels(model)), LabelFilter::deny(tree, some_labels(model))}) {
    options.filter = std::make_shared<LabelFilter>(filter);
    (void)predict(model.ranker(), query, options, state);
  }
}

void ask_why(const Model& model, SparseRow query, PredictOptions options) {
  options.top_k = 2;
  const LabelTree& tree = model.ranker().tree;
  for (const Explanation& explanation : explain_best(model.ranker(), query, options)) {
    for (size_t i = 0; i < explanation.levels.size(); ++i) {
      const NodeRange leaves = leaves_below(tree, i + 1, explanation.levels[i].node);
      for (uint32_t leaf = leaves.begin; leaf < leaves.end; ++leaf) (void)label_text(model, tree.leaf_label[leaf]);
    }
  }
}

void ask_for_slots(const Model& model) {
  static const std::string longest(3000, 'w');
  Tagger::State state;
  for (const std::string& text :
       {std::string("Windows in New York, a w7."), std::string(), std::string("\xFF \xC3\xA4pfel"), longest}) {
    for (const Slot& slot : model.tagger()->tag(text, state)) {
      check(slot.begin < slot.end && slot.end <= text.size(), "a slot lies in its text");
      check(slot.type < model.tagger()->slot_names().size(), "a slot has a type");
    }
  }
}

}  // namespace

void ask_everything(const Model& model) {
  if (model.tagger() != nullptr) ask_for_slots(model);
  if (!model.has_ranker()) return;
  static const Csr queries = sample_queries();
  PredictOptions options;
  options.beam = 4;
  options.top_k = 5;
  SearchState state;
  for (size_t i = 0; i < queries.n_rows(); ++i) {
    for (const ScoredLabel& found : predict(model.ranker(), queries.row(i), options, state)) {
      (void)model.label_names().find(model.label_names().name(found.label));
      (void)std::string(model.passages().text(found.label)).append(model.passages().metadata(found.label));
      if (const auto domain = model.domains().of(found.label)) (void)model.domains().names().at(*domain);
    }
  }
  const LabelScorer scorer(model.ranker());
  LabelScorer::State scorer_state;
  (void)scorer.score(queries.row(5), some_labels(model), scorer_state);
  ask_text(model, options, state);
  static ThreadPool pool(1);
  (void)predict_batch(model.ranker(), queries, options, pool);
  ask_with_filters(model, queries.row(5), options, state);
  ask_why(model, queries.row(5), options);
}

}  // namespace coppice
