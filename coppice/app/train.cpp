// SPDX-License-Identifier: Apache-2.0
// coppice train: texts (or features) and labels in, one model file out.
#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/app/output.h"
#include "coppice/core/error.h"
#include "coppice/data/matrix_example_reader.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/output_file.h"
#include "coppice/index/tree_import.h"
#include "coppice/index/word_vectors.h"
#include "coppice/train/estimate.h"
#include "coppice/train/checkpoint.h"
#include "coppice/train/pipeline.h"

namespace coppice::app {
namespace {

struct TrainArguments {
  CommonOptions common;
  TrainingInput input;
  TrainOptions train;
  std::string output;
  std::string label_features;
  std::string label_vectors;
  std::vector<std::string> tree;
  WordVectorOptions word_vectors;
  std::string negatives;
  bool plan = false;
  bool json = false;
  bool resume = false;
  double memory_limit_gb = 0;
};

void describe(OptionTable& table, TrainArguments& arguments) {
  table.add("plan", arguments.plan,
            "Read the data, build the index, train a sample of each level, say what memory, time and model size the "
            "whole will take, and stop.");
  table.add("json", arguments.json, "Print the plan, or what training came to, as one JSON object.");
  table.add("resume", arguments.resume,
            "Go on where an interrupted training of the same data and options stopped: finished levels are read from "
            "OUTPUT.checkpoint. The model has the same bytes as one trained without interruption.");
  table.add("memory_limit_gb", arguments.memory_limit_gb, 0, 1e6,
            "Refuse to start the ranker (exit code 5) when the plan needs more memory than this, in GB of 10^9 bytes; "
            "0 = no limit.");
  table.add("label_features", arguments.label_features,
            "Features of the labels (.npz or .npy, one row per label) for the embeddings that use them.");
  table.add("label_vectors", arguments.label_vectors,
            "Word vectors in word2vec's text or binary format: a label's features are the mean of the vectors of its "
            "name's words.");
  table.add("tree", arguments.tree,
            "A tree of your own in place of the index: a JSON file of nested children, or the .npz cluster matrices of a "
            "chain from the root down (PECOS: C), separated by commas. A label may stand in several leaves.");
  table.add("negatives_matrix", arguments.negatives,
            "Negatives of your own: a .npz matrix, one row per example, whose columns are labels.");
}

/// What the command line names by path, read.
struct Extras {
  Csr label_features;
  std::optional<LabelTree> tree;
  Csr negatives;

  TrainExtras view(const TrainArguments& arguments) const {
    TrainExtras extras;
    if (label_features.n_rows() > 0) extras.label_features = &label_features;
    if (tree) extras.tree = &*tree;
    if (negatives.n_rows() > 0) extras.negatives = &negatives;
    extras.checkpoint_path = arguments.output + ".checkpoint";
    extras.resume = arguments.resume;
    return extras;
  }
};

/// A tree of the user's: nested JSON, or cluster matrices C0.npz, C1.npz, ... of a folder or named one by one.
LabelTree read_tree(const std::vector<std::string>& paths, const TrainingSet& set) {
  const TreeImportOptions options{set.labels.n_columns,
                                  [&set](std::string_view name) { return set.label_names.find(name); },
                                  MissingLabels::gather};
  if (paths.size() == 1 && !paths.front().ends_with(".npz")) {
    const MappedFile file(paths.front());
    return tree_from_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, options,
                          paths.front());
  }
  std::vector<Csr> chain;
  for (const std::string& path : paths) chain.push_back(read_matrix(path));
  return tree_from_clusters(chain, options, paths.front());
}

Extras read_extras(const TrainArguments& arguments, const TrainingSet& set) {
  Extras extras;
  if (!arguments.label_features.empty()) extras.label_features = read_matrix(arguments.label_features);
  if (!arguments.label_vectors.empty()) {
    const LabelNameList names{set.labels.n_columns, [&set](uint32_t label) { return set.label_names.name(label); }};
    extras.label_features =
        read_label_vectors(InputStream::open(arguments.label_vectors), names, arguments.word_vectors).features;
  }
  if (!arguments.tree.empty()) extras.tree = read_tree(arguments.tree, set);
  if (!arguments.negatives.empty()) extras.negatives = read_matrix(arguments.negatives);
  return extras;
}

void say(const TrainArguments& arguments, const std::string& text) {
  if (!arguments.common.quiet) fmt::print(stderr, "{}\n", text);
}

void report_data(const TrainArguments& arguments, const TrainingSet& set) {
  say(arguments, fmt::format("{} rows, {} features ({:.1f} a row), {} labels ({:.1f} a row)", set.n_rows(),
                             set.features.n_columns,
                             static_cast<double>(set.features.n_nonzeros()) / static_cast<double>(set.n_rows()),
                             set.labels.n_columns,
                             static_cast<double>(set.labels.n_nonzeros()) / static_cast<double>(set.n_rows())));
  for (const std::string& remark : set.report.remarks()) say(arguments, "note: " + remark);
  if (set.rare_labels > 0) say(arguments, fmt::format("note: {} rare labels left out", set.rare_labels));
}

/// Refuses early what can only fail hours later.
void check_output(const TrainArguments& arguments) {
  if (arguments.plan) return;
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  OutputFile(arguments.output);  // creates and removes the temporary file beside it
}

void run(TrainArguments& arguments) {
  check_output(arguments);
  TerminalProgress progress(default_style(arguments.common.quiet, arguments.common.log_json));
  stop_on_signals(progress);
  ThreadPool pool(arguments.common.threads);
  const TrainingSet set = read_training_set(arguments.input, arguments.train.vectorizer, pool, progress);
  progress.finish();
  report_data(arguments, set);
  const Extras extras = read_extras(arguments, set);
  if (arguments.plan || arguments.memory_limit_gb > 0) {
    const Estimate estimate = estimate_training(set, arguments.train, extras.view(arguments), pool, progress);
    progress.finish();
    if (arguments.plan) {
      print_out(arguments.json ? to_json(estimate).dump(2) + "\n" : to_text(estimate));
      return;
    }
    expect_to_fit(estimate, arguments.memory_limit_gb);
  }
  const Model model = train(set, arguments.train, extras.view(arguments), pool, progress);
  model.save(arguments.output);
  remove_checkpoint(extras.view(arguments).checkpoint_path);
  progress.finish();
  say(arguments, fmt::format("{}: {}", arguments.output,
                             bytes_text(static_cast<double>(std::filesystem::file_size(arguments.output)))));
}

}  // namespace

void add_train(CLI::App& program) {
  Command command(program, "train", "Train a model from texts (or features) and their labels.",
                  "  coppice train packages.jsonl -o packages.coppice\n"
                  "  coppice train packages.jsonl -o packages.coppice --plan\n"
                  "  coppice train X.npz --labels-path Y.npz -o model.coppice\n"
                  "  coppice train big.jsonl.zst -o big.coppice --resume\n");
  auto arguments = std::make_shared<TrainArguments>();
  command.app().add_option("input", arguments->input.path, "examples in any format of docs/formats.md; - = standard input")
      ->required();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, input, read, options, common;
  describe(own, *arguments);
  describe(own, arguments->word_vectors);
  describe(input, arguments->input);
  describe(read, arguments->input.read);
  describe(options, arguments->train);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Training");
  command.flags().add(command.app(), std::move(options), "Stages");
  command.flags().add(command.app(), std::move(input), "Examples");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { run(*arguments); });
}

}  // namespace coppice::app
