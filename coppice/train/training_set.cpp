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

/// A file of examples, read twice.
struct Input {
  ExampleSource source;
  double weight = 1;
  ReadReport report = {};  ///< of the first reading
};

/// What the first pass over the inputs leaves: all of it but the texts.
struct FirstPass {
  std::vector<Csr> features;
  std::vector<Csr> labels;
  std::vector<float> weights;
  size_t n_rows = 0;
  uint32_t n_own_features = 0;  ///< that rows bring themselves
  bool has_texts = false;
};

/// Adds the rows of one input to `pass`.
void read_input(Input& input, LabelIndex& labels, VectorizerBuilder& vocabulary, Progress& progress, FirstPass& pass) {
  const auto reader = input.source.open(labels);
  pass.has_texts = false;
  for (Examples block; reader->next(block);) {
    progress.throw_if_stopped();
    weigh(block, input.weight);
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
  input.report = reader->report();
  require_rows(input.report);
}

/// A model that learned of names annotates with names, one that learned of numbers with numbers.
void expect_one_kind_of_labels(const LabelIndex& labels, bool had_names, const Input& annotated) {
  if (labels.has_names() == had_names) return;
  throw Error(ErrorCode::data, "the labels are names, expected numbers as in the other rows", annotated.report.input,
              "give the other rows label_names, too, or let a model annotate that has learned of them");
}

FirstPass read_all(std::vector<Input>& inputs, LabelIndex& labels, VectorizerBuilder& vocabulary, Progress& progress) {
  FirstPass pass;
  read_input(inputs[0], labels, vocabulary, progress, pass);
  if (inputs.size() == 1) return pass;
  const bool had_names = labels.has_names(), had_texts = pass.has_texts;
  read_input(inputs[1], labels, vocabulary, progress, pass);
  require_labels(inputs[1].report);
  expect_one_kind_of_labels(labels, had_names, inputs[1]);
  if (pass.has_texts == had_texts) return pass;
  throw Error(ErrorCode::data,
              had_texts ? "the rows have features alone, expected texts as in the other rows"
                        : "the rows have texts, expected features alone as in the other rows",
              inputs[1].report.input);
}

/// Where features come from: the texts, the rows themselves (`n_own`), a file beside them.
struct FeatureSources {
  const Vectorizer& vectorizer;
  uint32_t n_own;
  DenseFeatures& dense;
};

Csr vectorize_all(const std::vector<Input>& inputs, const FeatureSources& sources, Job job) {
  std::vector<Csr> pieces;
  for (const Input& input : inputs) {
    const auto reader = input.source.open_again(input.report);
    for (Examples block; reader->next(block);) {
      job.progress.throw_if_stopped();
      sources.dense.join(block);
      pieces.push_back(join_features(&sources.vectorizer, block, sources.n_own, job.pool));
      job.progress.advance(block.size());
    }
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

std::vector<Input> inputs_of(const TrainingInput& input) {
  std::vector<Input> inputs;
  inputs.push_back({ExampleSource(input.path, input.read)});
  if (input.annotated.path.empty()) return inputs;
  if (!input.dense.empty()) {
    throw Error(ErrorCode::usage, "annotated rows cannot be joined with features of a file beside them (dense)");
  }
  inputs.push_back({ExampleSource(input.annotated.path, annotated_read_options(input.read)), input.annotated.weight});
  return inputs;
}

}  // namespace

void describe(OptionTable& table, AnnotatedInput& input) {
  table.add(
      "annotated", input.path,
      "More rows with labels, behind the others: those that a trained model has labelled (coppice annotate), in any "
      "format that holds its labels. Vocabulary and labels are those of both.");
  table.add("annotated_weight", input.weight, 1e-6, 1e6,
            "What rows of annotated weigh, times the weights that they have; the other rows weigh 1 unless they say "
            "otherwise.");
}

ReadOptions annotated_read_options(ReadOptions read) {
  read.format = Format::automatic;
  read.labels_path.clear();
  return read;
}

void weigh(Examples& block, double weight) {
  if (weight == 1) return;
  block.weights.resize(block.size(), 1.0F);
  for (float& own : block.weights) own = static_cast<float>(own * weight);
}

void describe(OptionTable& table, TrainingInput& input) {
  table.add("dense", input.dense,
            "More features beside the text: a .npy or .npz file with one row per example. They stand behind the text's "
            "features, unscaled.");
  table.add("min_label_count", input.min_label_count, 1, UINT32_MAX,
            "Labels that fewer examples have are left out of the model. Rare labels are hard to learn and cost memory; "
            "their examples stay, as examples of their other labels.");
  describe(table, input.annotated);
}

TrainingSet read_training_set(const TrainingInput& input, const VectorizerOptions& options, Job job) {
  TrainingSet set;
  LabelIndex labels;
  VectorizerBuilder vocabulary(options, job.pool);  // before a pipe is copied: what is wrong with options is told first
  std::vector<Input> inputs = inputs_of(input);
  job.progress.stage("reading", 0);
  FirstPass pass = read_all(inputs, labels, vocabulary, job.progress);
  set.report = inputs[0].report;
  if (inputs.size() > 1) set.annotated = inputs[1].report;
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
    set.features = vectorize_all(inputs, sources, job);
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
