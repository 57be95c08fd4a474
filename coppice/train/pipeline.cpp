// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/pipeline.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/core/quantity.h"
#include "coppice/train/checkpoint.h"
#include "coppice/train/content_hash.h"

namespace coppice {
namespace {

/// The seed of all stages is that of the whole.
TrainOptions with_seed(TrainOptions options) {
  options.index.kmeans.seed = options.seed;
  options.ranker.solver.seed = options.seed;
  return options;
}

/// What the model keeps, a function of data and options: the words of a file of stop words, never its path.
TrainOptions resolved(const TrainOptions& given, const TrainingSet& set) {
  TrainOptions options = with_seed(given);
  if (set.vectorizer) options.vectorizer = set.vectorizer->options();
  options.vectorizer.stop_words_file.clear();
  return options;
}

RankerInput ranker_input(const TrainingSet& set, const TrainExtras& extras) {
  return {set.features, set.labels, set.weights, extras.negatives};
}

/// A model has a name and a count for each label of its tree.
void require_labels_of(const TrainingSet& set, const LabelTree& tree) {
  if (tree.n_labels == set.labels.n_columns) return;
  throw Error(
      ErrorCode::data,
      "the tree has " + counted(tree.n_labels, "label") + ", the examples " + std::to_string(set.labels.n_columns), {},
      "give the examples all labels of the tree: label_names, or n_labels where labels are numbers");
}

void require_domains_of(const TrainingSet& set, const TrainExtras& extras) {
  if (extras.domains == nullptr || extras.domains->size() == set.labels.n_columns) return;
  throw Error(ErrorCode::data, "the domains are those of " + counted(extras.domains->size(), "label") +
                                   ", the examples have " + std::to_string(set.labels.n_columns));
}

LabelTree build_tree(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job) {
  if (extras.tree != nullptr) {
    require_labels_of(set, *extras.tree);
    return *extras.tree;
  }
  if (options.index.flat && extras.indexer == nullptr) return flat_tree(set.labels.n_columns);
  const EmbedderInput input{set.features, set.labels, extras.label_features, {}};
  const auto own_embedder = make_embedder(options.embedding);
  const LabelEmbedder& embedder = extras.embedder != nullptr ? *extras.embedder : *own_embedder;
  const Csr embedding = embedder.embed(input, job);
  if (extras.indexer != nullptr) return extras.indexer->index(embedding, job);
  return build_label_tree(embedding, options.index, job);
}

std::string options_text(TrainOptions options) {
  OptionTable table;
  describe(table, options);
  return table.get().dump();
}

/// Says which lists per level have entries that no level of the tree will use.
void note_unused_entries(const RankerOptions& options, size_t depth, Progress& progress) {
  const std::pair<const char*, size_t> lists[] = {{"negatives", options.negatives.size()},
                                                  {"level_threshold", options.level_threshold.size()},
                                                  {"level_c_positive", options.level_c_positive.size()},
                                                  {"level_c_negative", options.level_c_negative.size()},
                                                  {"level_max_weights", options.level_max_weights.size()}};
  for (const auto& [name, size] : lists) {
    if (size <= depth) continue;
    progress.note("note: " + std::string(name) + " has values for " + counted(size, "level") + ", the tree has " +
                  std::to_string(depth));
  }
}

/// Work that a checkpoint would spare is about to be done again, and the checkpoint to be replaced.
void note_checkpoint(const Checkpoint& checkpoint, const std::string& path, Progress& progress) {
  const uint32_t n_levels = checkpoint.finished_levels();
  if (n_levels == 0) return;
  progress.note("note: " + path + " holds " + counted(n_levels, "finished level") +
                " of this same training, which begins anew and replaces it; --resume would go on from there");
}

/// The last level, too: what follows may be stopped or fail. But where it alone cannot be written, the model may still.
void keep(const Checkpoint& checkpoint, const LabelTree& tree, const std::vector<LevelWeights>& levels,
          uint32_t n_features, Progress& progress) {
  try {
    checkpoint.save(tree, levels, n_features);
  } catch (const Error& error) {
    if (levels.size() < tree.depth()) throw;
    progress.note(std::string("note: no checkpoint of the last level: ") + error.what());
  }
}

ModelParts parts_of(const TrainingSet& set, const TrainOptions& options, Ranker ranker) {
  ModelParts parts;
  parts.label_names = set.label_names;
  parts.vectorizer = set.vectorizer;
  parts.ranker = std::move(ranker);
  parts.options_json = options_text(options);
  parts.label_counts = PackedNumbers(label_frequencies(set.labels));
  parts.n_training_rows = set.n_rows();
  parts.n_dense = set.n_dense;
  return parts;
}

}  // namespace

TrainOptions::TrainOptions() {
  vectorizer.tokenizer.symbols = SymbolTokens::keep;
  index.branching = 64;
  ranker.negatives = {"tfn+man"};
  ranker.solver.c_positive = 2;
}

void describe(OptionTable& table, TrainOptions& options) {
  table.add(
      "seed", options.seed, 0, UINT64_MAX,
      "Of all random choices: first centres, order of rows. The same seed gives the same model, byte for byte, on "
      "one kind of processor.");
  describe(table, options.vectorizer);
  describe(table, options.embedding);
  describe(table, options.index);
  describe(table, options.ranker);
}

LabelTree index_labels(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job) {
  check_ranker_input(ranker_input(set, extras), options.ranker);  // before the time for the index is spent
  return build_tree(set, with_seed(options), extras, job);
}

std::string fingerprint(const TrainExtras& extras) {
  ContentHash hash;
  const bool is_there[] = {extras.label_features != nullptr, extras.embedder != nullptr, extras.indexer != nullptr,
                           extras.matcher != nullptr,        extras.solver != nullptr,   extras.tree != nullptr,
                           extras.negatives != nullptr};
  hash.add(std::span<const bool>(is_there));
  for (const Csr* matrix : {extras.label_features, extras.negatives}) {
    if (matrix != nullptr) hash.add(*matrix);
  }
  if (extras.tree == nullptr) return hash.text();
  for (const Array<uint32_t>& first_child : extras.tree->first_child) hash.add(first_child.span());
  hash.add(extras.tree->leaf_label.span());
  return hash.text();
}

Model train(const TrainingSet& set, const TrainOptions& options, const TrainExtras& extras, Job job) {
  require_domains_of(set, extras);
  const TrainOptions used = resolved(options, set);
  std::string name = fingerprint(set);
  const Checkpoint checkpoint(extras.checkpoint_path, name + fingerprint(extras) + options_text(used));
  std::optional<TrainingState> state;
  if (extras.resume) {
    state = checkpoint.load();
  } else {
    note_checkpoint(checkpoint, extras.checkpoint_path, job.progress);
  }
  if (!state) state = TrainingState{index_labels(set, used, extras, job), {}};
  release_free_memory();
  note_unused_entries(used.ranker, state->tree.depth(), job.progress);
  TrainingHooks hooks;
  hooks.matcher = extras.matcher;
  hooks.solver = extras.solver;
  hooks.train_levels = extras.train_levels;
  hooks.finished = std::move(state->levels);
  hooks.level_done = [&](const std::vector<LevelWeights>& levels) {
    release_free_memory();
    keep(checkpoint, state->tree, levels, set.features.n_columns, job.progress);
  };
  Ranker ranker = train_ranker(ranker_input(set, extras), state->tree, used.ranker, job, std::move(hooks));
  ModelParts parts = parts_of(set, used, std::move(ranker));
  parts.fingerprint = std::move(name);
  if (extras.domains != nullptr) parts.domains = *extras.domains;
  return Model(std::move(parts));
}

}  // namespace coppice
