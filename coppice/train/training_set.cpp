// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/training_set.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/data/label_index.h"
#include "coppice/data/reader.h"
#include "coppice/index/label_embedding.h"
#include "coppice/model/answer.h"
#include "coppice/train/content_hash.h"
#include "coppice/train/dense_features.h"

namespace coppice {
namespace {

/// What the first pass over the input leaves: all of it but the texts.
struct FirstPass {
  std::vector<Csr> features;
  std::vector<Csr> labels;
  std::vector<float> weights;
  size_t n_rows = 0;
  uint32_t n_own_features = 0;  ///< that rows bring themselves
  bool has_texts = false;
};

FirstPass read_all(ExampleReader& reader, VectorizerBuilder& vocabulary, Progress& progress) {
  FirstPass pass;
  for (Examples block; reader.next(block);) {
    progress.throw_if_stopped();
    pass.n_own_features = std::max(pass.n_own_features, block.features.n_columns);
    if (block.texts.size() > 0) {
      pass.has_texts = true;
      vocabulary.add(block.texts);
    } else if (block.features.n_rows() > 0) {
      pass.features.push_back(std::move(block.features));
    }
    append_weights(block, pass.n_rows, pass.weights);
    pass.n_rows += block.size();
    progress.advance(block.size());
    pass.labels.push_back(std::move(block.labels));
  }
  return pass;
}

/// Where features come from: the texts, the rows themselves (`n_own`), a file beside them.
struct FeatureSources {
  const Vectorizer& vectorizer;
  uint32_t n_own;
  DenseFeatures& dense;
};

Csr vectorize_all(ExampleReader& reader, const FeatureSources& sources, Job job) {
  std::vector<Csr> pieces;
  for (Examples block; reader.next(block);) {
    job.progress.throw_if_stopped();
    sources.dense.join(block);
    pieces.push_back(join_features(&sources.vectorizer, block, sources.n_own, job.pool));
    job.progress.advance(block.size());
  }
  sources.dense.expect_end();
  return concatenate_rows(std::move(pieces));
}

Csr with_dense(Csr features, DenseFeatures& dense, ThreadPool& pool) {
  const uint32_t n_own = features.n_columns;
  Examples all;
  all.features = std::move(features);
  dense.join(all);
  dense.expect_end();
  return join_features(nullptr, all, n_own, pool);
}

/// Leaves labels out that are rarer than asked for; the others keep their order.
void drop_rare_labels(uint32_t min_count, TrainingSet& set) {
  const std::vector<uint32_t> counts = label_frequencies(set.labels);
  std::vector<uint32_t> new_id(counts.size(), UINT32_MAX);
  std::vector<std::string> names;
  uint32_t kept = 0;
  for (uint32_t label = 0; label < counts.size(); ++label) {
    if (counts[label] < min_count) continue;
    new_id[label] = kept++;
    if (set.label_names.size() > 0) names.push_back(set.label_names.name(label));
  }
  set.rare_labels = static_cast<uint32_t>(counts.size()) - kept;
  if (set.rare_labels == 0) return;
  CsrBuilder labels(kept);
  for (size_t i = 0; i < set.labels.n_rows(); ++i) {
    const SparseRow row = set.labels.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      if (new_id[row.columns[j]] != UINT32_MAX) labels.add(new_id[row.columns[j]], row.values[j]);
    }
    labels.end_row();
  }
  set.labels = labels.build();
  if (set.label_names.size() == 0) {
    throw Error(ErrorCode::usage, "labels without names cannot be left out: their numbers would change", {},
                "min_label_count needs named labels");
  }
  set.label_names = LabelNames::from(names);
}

/// Names say how many labels there are: an option that says otherwise would be ignored, or make labels without a name.
void expect_number_of_names(const LabelNames& names, uint32_t n_labels) {
  if (names.size() == 0 || n_labels == 0 || n_labels == names.size()) return;
  throw Error(ErrorCode::usage,
              "n_labels is " + std::to_string(n_labels) + ", but the labels have names, and there are " +
                  std::to_string(names.size()),
              {}, "n_labels is for labels that are given as numbers; leave it out");
}

void expect_something(const TrainingSet& set, const TrainingInput& input) {
  if (set.labels.n_columns == 0 || set.labels.n_nonzeros() == 0) {
    throw Error(
        ErrorCode::data, set.rare_labels > 0 ? "no label is seen often enough, all are left out" : "no row has a label",
        input.path, set.rare_labels > 0 ? "lower min_label_count" : "docs/formats.md shows how labels are given");
  }
  if (set.features.n_columns == 0 || set.features.n_nonzeros() == 0) {
    if (set.vectorizer) {
      throw Error(ErrorCode::data, "no row has a feature: every text is empty, or no word is frequent enough",
                  input.path);
    }
    throw Error(ErrorCode::data, "no row has a feature: all of them are empty", input.path,
                "docs/formats.md shows how features are given");
  }
}

}  // namespace

void describe(OptionTable& table, TrainingInput& input) {
  table.add("dense", input.dense,
            "More features beside the text: a .npy or .npz file with one row per example. They stand behind the text's "
            "features, unscaled.");
  table.add("min_label_count", input.min_label_count, 1, UINT32_MAX,
            "Labels that fewer examples have are left out of the model. Rare labels are hard to learn and cost memory; "
            "their examples stay, as examples of their other labels.");
}

TrainingSet read_training_set(const TrainingInput& input, const VectorizerOptions& options, Job job) {
  TrainingSet set;
  LabelIndex labels;
  VectorizerBuilder vocabulary(options, job.pool);  // before a pipe is copied: what is wrong with options is told first
  const ExampleSource source(input.path, input.read);
  job.progress.stage("reading", 0);
  const auto reader = source.open(labels);
  FirstPass pass = read_all(*reader, vocabulary, job.progress);
  set.report = reader->report();
  require_rows(set.report);
  set.label_names = labels.names();
  expect_number_of_names(set.label_names, input.read.n_labels);
  set.labels = concatenate_rows(std::move(pass.labels));
  set.labels.n_columns = std::max(set.labels.n_columns, labels.size());
  set.weights = std::move(pass.weights);
  DenseFeatures dense(input.dense);
  set.n_dense = dense.n_columns();
  if (pass.has_texts) {
    set.vectorizer = vocabulary.build();
    release_free_memory();
    job.progress.stage("turning text into features", pass.n_rows);
    const FeatureSources sources{*set.vectorizer, pass.n_own_features, dense};
    set.features = vectorize_all(*source.open_again(set.report), sources, job);
  } else {
    set.features = with_dense(concatenate_rows(std::move(pass.features)), dense, job.pool);
  }
  if (input.min_label_count > 1) drop_rare_labels(input.min_label_count, set);
  expect_something(set, input);
  release_free_memory();
  return set;
}

std::string fingerprint(const TrainingSet& set) {
  ContentHash hash;
  hash.add(set.features);
  hash.add(set.labels);
  hash.add(std::span<const float>(set.weights));
  hash.add(set.label_names.bytes().span());
  return hash.text();
}

}  // namespace coppice
