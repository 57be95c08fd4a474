// SPDX-License-Identifier: Apache-2.0
// coppice predict: rows in, ranked label names out.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/named_label.h"
#include "coppice/app/output.h"
#include "coppice/app/prediction_writer.h"
#include "coppice/app/signals.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/workers.h"
#include "coppice/core/error.h"
#include "coppice/data/label_resolver.h"
#include "coppice/data/reader.h"
#include "coppice/dist/tree_over_ranks_predictions.h"
#include "coppice/model/answer.h"
#include "coppice/model/model.h"
#include "coppice/model/same_labels.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/ensemble.h"
#include "coppice/rank/label_scorer.h"
#include "coppice/train/dense_features.h"
#include "coppice/train/row_parts.h"

namespace coppice::app {
namespace {

struct PredictArguments {
  CommonOptions common;
  PredictOptions predict;
  ReadOptions read;
  EnsembleOptions ensemble;
  ConnectOptions connect;
  std::string model_path;
  std::string input = "-";
  std::string output = "-";
  std::string dense;
  std::vector<std::string> more_models;
  std::vector<std::string> allow, deny, score_labels;
  bool verify = false;
};

void describe(OptionTable& table, PredictArguments& arguments) {
  const std::string lists =
      " Names separated by commas; @FILE stands for a file with one name a line, for names that "
      "hold a comma or start with @.";
  table.add("output", arguments.output,
            "Where predictions go: - (standard output) or a path, as JSON lines; a path that ends in .npz gets a SciPy "
            "CSR matrix of scores instead.");
  table.add("dense", arguments.dense, "More features, one row per input row: a .npy or .npz file, as in training.");
  table.add("with_models", arguments.more_models,
            "More models of the same labels, in any order, by path: their predictions are combined (an ensemble).");
  table.add("allow", arguments.allow,
            "Only these labels may come out; applied during the search, not after it." + lists);
  table.add("deny", arguments.deny, "These labels may not come out; applied during the search." + lists);
  table.add("score_labels", arguments.score_labels,
            "No search: the scores of exactly these labels for every row, in this order, as an exhaustive search would "
            "give them (PECOS: selected outputs)." +
                lists);
  table.add("verify", arguments.verify, "Check every checksum of the model first.");
}

/// The file behind "@FILE"; nothing for a name.
std::optional<std::string> file_of(const std::string& entry) {
  if (!entry.starts_with('@')) return std::nullopt;
  return entry.substr(1);
}

std::vector<uint32_t> labels_named(const Model& model, const std::vector<std::string>& entries) {
  std::vector<uint32_t> labels;
  for (const std::string& entry : entries) {
    const std::optional<std::string> path = file_of(entry);
    if (!path) {
      labels.push_back(named_label(model, entry));
      continue;
    }
    const LabelNames names = read_label_names(*path);
    for (uint32_t i = 0; i < names.size(); ++i) {
      labels.push_back(named_label(model, names.name(i), *path + ":" + std::to_string(i + 1)));
    }
  }
  return labels;
}

std::shared_ptr<const LabelFilter> filter_of(const Model& model, const PredictArguments& arguments) {
  const LabelTree& tree = model.ranker().tree;
  if (!arguments.allow.empty()) {
    return std::make_shared<LabelFilter>(LabelFilter::allow(tree, labels_named(model, arguments.allow)));
  }
  if (!arguments.deny.empty()) {
    return std::make_shared<LabelFilter>(LabelFilter::deny(tree, labels_named(model, arguments.deny)));
  }
  return nullptr;
}

/// Every file that is read. Each model looks names up for itself: what several read must be a file.
std::vector<InputFile> inputs_of(const PredictArguments& arguments) {
  std::vector<InputFile> inputs{
      {"model", arguments.model_path, kModel}, {"input", arguments.input}, {"--dense", arguments.dense, kMatrix}};
  for (const std::string& path : one_at_least(arguments.more_models)) inputs.push_back({"--with-models", path, kModel});
  const std::string held = arguments.more_models.empty() ? "" : "a list of labels for several models";
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"--allow", &arguments.allow}, {"--deny", &arguments.deny}, {"--score-labels", &arguments.score_labels}};
  for (const auto& [option, entries] : lists) {
    for (const std::string& entry : *entries) {
      if (const std::optional<std::string> path = file_of(entry)) inputs.push_back({option, *path, held});
    }
  }
  return inputs;
}

/// Throws where predictions would replace a file that is read or named, or not be what their name says.
void check_output(const PredictArguments& arguments, const std::string& config_path) {
  for (const char* packed : {".gz", ".zst"}) {
    if (!arguments.output.ends_with(packed)) continue;
    throw Error(ErrorCode::usage, fmt::format("predictions are not compressed, expected a name without {}", packed),
                arguments.output, "they can be on their way: coppice predict MODEL INPUT | gzip > FILE");
  }
  std::vector<std::string> inputs = paths_of(inputs_of(arguments));
  inputs.insert(inputs.end(), {arguments.read.labels_path, arguments.read.label_names, config_path});
  expect_no_input(arguments.output, inputs);
}

/// Throws for a list that is given and empty (--allow "$NAMES", say): no filter at all is hardly what it means.
void expect_names(const PredictArguments& arguments, const Flags& flags) {
  const std::pair<const char*, const std::vector<std::string>*> lists[] = {
      {"allow", &arguments.allow}, {"deny", &arguments.deny}, {"score_labels", &arguments.score_labels}};
  for (const auto& [name, entries] : lists) {
    if (!entries->empty() || !flags.given(name)) continue;
    throw Error(ErrorCode::usage, "the list is empty, expected names of labels", flag_name(name),
                "leave " + flag_name(name) + " out to do without it");
  }
}

/// Throws for options that contradict each other, and for those that would be ignored.
void expect_used(const PredictArguments& arguments, const Flags& flags) {
  if (!arguments.allow.empty() && !arguments.deny.empty()) {
    throw Error(ErrorCode::usage, "both --allow and --deny are given, expected one of them");
  }
  if (arguments.more_models.empty() && (!arguments.ensemble.weights.empty() || flags.on_command_line("ensemble"))) {
    throw Error(ErrorCode::usage, "how an ensemble is combined is given, but no second model", {},
                "--with-models names the others");
  }
  if (arguments.score_labels.empty()) return;
  if (has_others()) {
    throw Error(ErrorCode::unsupported, "--score-labels is for one worker, and a launcher has started more");
  }
  if (!arguments.more_models.empty()) {
    throw Error(ErrorCode::usage, "--with-models is given, but --score-labels asks one model alone", {},
                "score the labels by each model, one call for each");
  }
  for (const char* name : {"allow", "deny", "beam", "beam_per_level", "top_k", "threshold"}) {
    if (!flags.on_command_line(name)) continue;
    throw Error(ErrorCode::usage, flag_name(name) + " is given, but --score-labels searches for nothing");
  }
}

std::vector<Unused> unused(const PredictArguments& arguments) {
  return {{true, {"label_names", "labels_path", "n_labels"}, "predictions look at no labels of rows"},
          {!arguments.predict.beam_per_level.empty(), {"beam"}, "--beam-per-level says it for every level"}};
}

/// The models of one answer: the one asked, and those it is combined with.
class Predictor {
 public:
  explicit Predictor(const PredictArguments& arguments) : ensemble_(arguments.ensemble) {
    ensemble_.threshold = arguments.predict.threshold;
    add(arguments.model_path, arguments);
    for (const std::string& path : arguments.more_models) add(path, arguments);
  }

  const Model& model() const noexcept { return models_.front(); }

  /// The features of the rows as each model wants them.
  std::vector<Csr> features(const Examples& rows, ThreadPool& pool) const {
    std::vector<Csr> all;
    for (const Model& model : models_) all.push_back(features_for(model, rows, pool));
    return all;
  }

  Predictions predict(const std::vector<Csr>& features, size_t begin, size_t end, ThreadPool& pool) const {
    std::vector<Predictions> all;
    for (size_t i = 0; i < models_.size(); ++i) {
      all.push_back(predict_batch(models_[i].ranker(), rows_between(features[i], begin, end), options_[i], pool));
      renumber_labels(all.back(), numbers_[i]);
    }
    return all.size() == 1 ? std::move(all.front()) : combine_predictions(all, ensemble_);
  }

 private:
  void add(const std::string& path, const PredictArguments& arguments) {
    models_.push_back(Model::load(path, {arguments.verify ? Verify::checksums : Verify::structure, LoadMode::map}));
    const auto labels_of = [](const Model& model) { return LabelSet{model.label_names(), model.n_labels()}; };
    numbers_.push_back(match_labels(labels_of(models_.front()), labels_of(models_.back()), path));
    options_.push_back(arguments.predict);
    options_.back().filter = filter_of(models_.back(), arguments);
    if (!arguments.more_models.empty()) options_.back().threshold = PredictOptions::kNoThreshold;  // of the mean
  }

  std::vector<Model> models_;
  std::vector<PredictOptions> options_;
  std::vector<std::vector<uint32_t>> numbers_;  ///< of each model's labels in the first model; empty = the same
  EnsembleOptions ensemble_;
};

/// Scores the same labels for every row.
class GivenLabels {
 public:
  GivenLabels(const Model& model, const PredictArguments& arguments)
      : scorer_(model.ranker(), arguments.predict.post_processor),
        n_labels_(model.n_labels()),
        labels_(labels_named(model, arguments.score_labels)),
        columns_(labels_) {
    std::sort(columns_.begin(), columns_.end());
    columns_.erase(std::unique(columns_.begin(), columns_.end()), columns_.end());
  }

  /// As asked for.
  const std::vector<uint32_t>& labels() const noexcept { return labels_; }

  Csr score(const Csr& queries, ThreadPool& pool) const {
    CsrBuilder wanted(n_labels_);
    for (size_t i = 0; i < queries.n_rows(); ++i) {
      for (const uint32_t label : columns_) wanted.add(label, 1);
      wanted.end_row();
    }
    return scorer_.score_all(queries, wanted.build(), pool);
  }

 private:
  LabelScorer scorer_;
  uint32_t n_labels_;
  std::vector<uint32_t> labels_;
  std::vector<uint32_t> columns_;  ///< the same, ascending, each once
};

/// The rows of one block, alone: written part by part, while the next one is predicted.
void predict_block(const Predictor& predictor, const GivenLabels* given, const Examples& block, ThreadPool& pool,
                   const Progress& stop, PredictionWriter& output) {
  const std::vector<Csr> features = predictor.features(block, pool);
  for_row_parts(block.size(), pool, &stop, [&](size_t begin, size_t end) {
    if (given != nullptr) {
      output.add(given->score(rows_between(features.front(), begin, end), pool), given->labels(), block, begin);
    } else {
      output.add(predictor.predict(features, begin, end, pool), block, begin);
    }
  });
}

/// The rows of one block by the worker whose turn it is.
void predict_in_turns(const Predictor& predictor, const Examples& block, ThreadPool& pool, const Progress& stop,
                      PredictionTurns& turns, std::optional<PredictionWriter>& output) {
  const auto parts = turns.next(block.size(), [&] {
    std::vector<Predictions> own;
    const std::vector<Csr> features = predictor.features(block, pool);
    for_row_parts(block.size(), pool, &stop,
                  [&](size_t begin, size_t end) { own.push_back(predictor.predict(features, begin, end, pool)); });
    return own;
  });
  size_t begin = 0;
  for (const Predictions& part : parts) {
    output->add(part, block, begin);
    begin += part.n_rows();
  }
}

/// `others`: the workers that predict with this one, of which the first one writes; null = none.
void run(const PredictArguments& arguments, Transport* others) {
  Progress progress;
  const StopOnSignals stop(progress);
  const Predictor predictor(arguments);
  const Model& model = predictor.model();
  std::optional<GivenLabels> given;
  if (!arguments.score_labels.empty()) given.emplace(model, arguments);
  ThreadPool pool(arguments.common.threads);
  ReadOptions read = arguments.read;
  read.stop = &progress;
  const auto reader = open_queries(arguments.input, read);
  DenseFeatures dense(arguments.dense);
  PredictionTurns turns(others, progress);
  std::optional<PredictionWriter> output;
  if (turns.is_first()) output.emplace(arguments.output, LabelSet{model.label_names(), model.n_labels()}, progress);
  for (Examples block; reader->next(block);) {
    dense.join(block);
    if (others != nullptr) {
      predict_in_turns(predictor, block, pool, progress, turns, output);
    } else {
      predict_block(predictor, given ? &*given : nullptr, block, pool, progress, *output);
    }
  }
  require_rows(reader->report());
  dense.expect_end();
  progress.throw_if_stopped();
  if (!output) return;
  output->commit();
  print_remarks(reader->report(), RowsAre::queries, arguments.common);
}

}  // namespace

void add_predict(CommandList& commands) {
  Command command(commands, "predict", "Rank the labels of texts (or of feature rows).",
                  "  echo '{\"text\": \"window manager for X11\"}' | coppice predict packages.coppice - --top-k 5\n"
                  "  coppice predict packages.coppice test.jsonl --output predictions.jsonl\n"
                  "  coppice predict packages.coppice test.svm --output scores.npz --beam 20\n"
                  "  coppice predict packages.coppice test.jsonl --score-labels @candidates.txt\n");
  auto arguments = std::make_shared<PredictArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option("input", arguments->input, "rows in any format of docs/formats.md; - = standard input");
  OptionTable own, search, combine, read, connect, common;
  describe(own, *arguments);
  describe(search, arguments->predict);
  describe(combine, arguments->ensemble);
  describe(read, arguments->read);
  describe(connect, arguments->connect);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Prediction");
  command.flags().add(command.app(), std::move(search), "Search");
  command.flags().add(command.app(), std::move(combine), "Ensemble");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(connect), "Several workers");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    arguments->common.quiet = arguments->common.quiet || !speaks_for_all();
    expect_named(inputs_of(*arguments), flags);
    expect_names(*arguments, flags);
    expect_used(*arguments, flags);
    note_unused(flags, unused(*arguments), arguments->common);
    expect_readable(inputs_of(*arguments));
    check_output(*arguments, flags.config_path());
    predict_with_others(arguments->connect, flags, {arguments->model_path, arguments->input},
                        [&](Transport* others) { run(*arguments, others); });
  });
}

}  // namespace coppice::app
