// SPDX-License-Identifier: Apache-2.0
// coppice train: texts (or features) and labels in, one model file out.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/app/train_inputs.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/workers.h"
#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/dist/tree_over_ranks.h"
#include "coppice/train/checkpoint.h"
#include "coppice/train/estimate.h"
#include "coppice/train/memory_limit.h"
#include "coppice/train/pipeline.h"
#include "coppice/train/validation.h"

namespace coppice::app {
namespace {

struct TrainArguments {
  CommonOptions common;
  TrainingInput input;
  TrainInputs more;
  TrainOptions train;
  ValidationInput validation;
  ConnectOptions connect;
  std::string output;
  bool plan = false;
  bool json = false;
  bool resume = false;
  std::string memory_limit = "0";
};

void describe(OptionTable& table, TrainArguments& arguments) {
  table.add("plan", arguments.plan,
            "Read the data, build the index, train a sample of each level, say what memory, time and model size the "
            "whole will take, and stop.");
  table.add(
      "json", arguments.json,
      "Print the plan, or what training came to (rows, features, labels, seconds by stage, size of the model, peak "
      "memory), as one JSON object.");
  table.add("resume", arguments.resume,
            "Go on where an interrupted training of the same data and options stopped: finished levels are read from "
            "OUTPUT.checkpoint. The model has the same bytes as one trained without interruption.");
  table.add(
      "memory_limit", arguments.memory_limit,
      "Refuse to train (exit code 5) when the plan needs more memory than this: 20G, 1.5G, 500M; k, M, G, T are "
      "powers of 1000, Ki, Mi, Gi, Ti of 1024, and a bare number counts GB of 10^9 bytes. 0 = no limit. The data is "
      "read and the index built before.");
}

double per_row(const Csr& matrix) {
  return static_cast<double>(matrix.n_nonzeros()) / static_cast<double>(matrix.n_rows());
}

/// Is there any relevance but 1?
bool has_relevances(const TrainingSet& set) {
  return std::ranges::any_of(set.labels.values, [](float relevance) { return relevance != 1; });
}

/// Says how many rows a model has labelled, and what is not made of their labels.
void report_annotated(const TrainArguments& arguments, const TrainingSet& set) {
  say(counted(set.annotated->rows, "row") + " of them annotated", arguments.common);
  print_remarks(*set.annotated, RowsAre::examples, arguments.common);
  if (arguments.train.ranker.relevance != Relevance::ignore || !has_relevances(set)) return;
  note(
      "all labels of a row count alike, whatever their shares: --relevance induce looks at these, and annotate "
      "--labels "
      "hard gives the best label alone",
      arguments.common);
}

void report_data(const TrainArguments& arguments, const TrainingSet& set) {
  say(fmt::format("{}, {} ({:.1f} a row), {} ({:.1f} a row)", counted(set.n_rows(), "row"),
                  counted(set.features.n_columns, "feature"), per_row(set.features),
                  counted(set.labels.n_columns, "label"), per_row(set.labels)),
      arguments.common);
  print_remarks(set.report, RowsAre::examples, arguments.common);
  if (set.annotated) report_annotated(arguments, set);
  if (set.rare_labels > 0) note(counted(set.rare_labels, "rare label") + " left out", arguments.common);
}

/// "" where a model that goes to a stream has none.
std::string checkpoint_path(const TrainArguments& arguments) {
  return arguments.plan || is_output_stream(arguments.output) ? std::string() : arguments.output + ".checkpoint";
}

constexpr const char* kReadTwice = "a list of label names that --validate reads again";

/// Every file that is read.
std::vector<InputFile> inputs_of(const TrainArguments& arguments) {
  const TrainingInput& input = arguments.input;
  const ValidationInput& held_out = arguments.validation;
  const bool twice = !arguments.plan && !held_out.path.empty();
  std::vector<InputFile> inputs{{"input", input.path},
                                {"--dense", input.dense, kMatrix},
                                {"--annotated", input.annotated.path},
                                {"--labels-path", input.read.labels_path, kMatrix},
                                {"--label-names", input.read.label_names, twice ? kReadTwice : ""},
                                {"--stop-words-file", arguments.train.vectorizer.stop_words_file}};
  for (InputFile& file : input_files(arguments.more)) inputs.push_back(std::move(file));
  if (arguments.plan) return inputs;
  inputs.push_back({"--validate", held_out.path, "what to validate on"});
  if (held_out.path.empty()) return inputs;
  inputs.push_back({"--validate-labels", held_out.labels_path, kMatrix});
  inputs.push_back({"--validate-dense", held_out.dense_path, kMatrix});
  return inputs;
}

/// Refuses early what can only fail hours later.
void check_output(const TrainArguments& arguments, const std::string& config_path) {
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  if (arguments.json && arguments.output == "-") {
    throw Error(ErrorCode::usage, "the model and the JSON object cannot both go to standard output");
  }
  const std::string checkpoint = checkpoint_path(arguments);
  if (arguments.resume && checkpoint.empty()) {
    throw Error(ErrorCode::usage, "nothing can be resumed where the model goes to a stream", arguments.output);
  }
  std::vector<std::string> inputs = paths_of(inputs_of(arguments));
  inputs.push_back(config_path);
  expect_no_input(arguments.output, inputs);
  expect_writable(arguments.output);
  if (checkpoint.empty()) return;
  expect_no_input(checkpoint, inputs);
  expect_writable(checkpoint);
  expect_place_for_checkpoint(checkpoint);
}

/// Rows to validate on have dense features if the examples have.
void expect_dense_of_both(const TrainArguments& arguments) {
  const bool trained = !arguments.input.dense.empty(), judged = !arguments.validation.dense_path.empty();
  if (arguments.validation.path.empty() || trained == judged) return;
  throw Error(ErrorCode::usage,
              trained ? "--dense is given, but --validate-dense is not: the model needs both to be judged"
                      : "--validate-dense is given, but --dense is not: the model will know no such features");
}

/// Refuses early what else would be known minutes or hours later.
void check(const TrainArguments& arguments, const Flags& flags) {
  expect_named(inputs_of(arguments), flags);
  validate(arguments.train.vectorizer);
  expect_used(arguments.more, arguments.train);
  expect_readable(inputs_of(arguments));
  if (arguments.plan) return;
  expect_dense_of_both(arguments);
  expect_readable(arguments.validation);
  check_output(arguments, flags.config_path());
}

/// Options of texts that others of them make useless.
std::vector<Unused> unused(const VectorizerOptions& text) {
  const bool hashed = text.hash_bits > 0;
  const bool tokens = !text.word_ngrams.empty() || text.compounds == Compounds::add;
  const std::vector<std::string> cuts{"punctuation", "symbols", "cjk", "split_letters_numbers"};
  constexpr const char* kNoTokens = "no feature is made of tokens (--word-ngrams, --compounds)";
  std::vector<Unused> table{
      {!hashed, {"hash_signed"}, "--hash-bits is 0, features are numbered"},
      {hashed,
       {"min_df", "max_df", "min_df_share", "max_df_share", "max_features", "feature_names"},
       "hashed features (--hash-bits) have no vocabulary"},
      {tokens && text.tokenizer.split != TokenSplit::words, cuts, "--tokens words alone asks for it"},
      {!tokens, cuts, kNoTokens},
      {!tokens, {"stop_words", "stop_words_file", "max_tokens"}, kNoTokens},
      {text.idf != InverseDocumentFrequency::pecos,
       {"pecos_idf_smooth", "pecos_idf_add_one"},
       "--idf pecos alone asks for it"}};
  const std::pair<const char*, bool> analyzers[] = {{"word_weight", tokens},
                                                    {"char_weight", !text.char_ngrams.empty()},
                                                    {"char_wb_weight", !text.char_wb_ngrams.empty()}};
  const auto n_on =
      std::count_if(std::begin(analyzers), std::end(analyzers), [](const auto& one) { return one.second; });
  for (const auto& [weight, on] : analyzers) {
    table.push_back({!on, {weight}, "its analyzer is off"});
    table.push_back({on && n_on == 1, {weight}, "its analyzer is the only one"});
  }
  return table;
}

/// Options of the index that others make useless.
std::vector<Unused> unused_index(const TrainArguments& arguments) {
  const EmbeddingMethod method = arguments.train.embedding.method;
  const bool joined = method == EmbeddingMethod::pifa_concat || method == EmbeddingMethod::pifa_convex;
  const bool own_tree = !arguments.more.tree.empty();
  const bool clusters = !own_tree && !arguments.train.index.flat;
  const char* const why = own_tree ? "the tree is given" : "--flat makes no clusters";
  TrainOptions names;
  OptionTable embedding, index;
  describe(embedding, names.embedding);
  describe(index, names.index);
  std::vector<std::string> shape = names_of(index);
  if (!own_tree) std::erase(shape, "flat");
  return {{!clusters, names_of(embedding), why},
          {!clusters, shape, why},
          {clusters && !joined, {"pifa_share"}, "only --label-embedding pifa_concat and pifa_convex join two parts"},
          {clusters && !arguments.train.index.level_widths.empty(),
           {"branching", "max_leaf", "root_branching"},
           "--level-widths says the whole shape"}};
}

/// What can be told before anything is read.
std::vector<Unused> unused(const TrainArguments& arguments) {
  const RankerOptions& ranker = arguments.train.ranker;
  std::vector<Unused> table{
      {arguments.validation.path.empty(), {"validate_labels", "validate_dense"}, "--validate names no rows"},
      {!uses_matcher(ranker), {"matcher_beam"}, "--negatives man alone searches"},
      {!ranker.level_threshold.empty(), {"threshold"}, "--level-threshold says it for every level"},
      {!ranker.level_max_weights.empty(), {"max_weights"}, "--level-max-weights says it for every level"},
      {!ranker.level_c_positive.empty(), {"c_positive"}, "--level-c-positive says it for every level"},
      {!ranker.level_c_negative.empty(), {"c_negative"}, "--level-c-negative says it for every level"},
      {arguments.input.annotated.path.empty(), {"annotated_weight"}, "--annotated names no rows"},
      {arguments.plan, {"resume"}, "--plan trains nothing to go on with"}};
  for (const auto& more : {unused_index(arguments), unused(arguments.train.vectorizer)}) {
    table.insert(table.end(), more.begin(), more.end());
  }
  return table;
}

/// What the rows themselves make useless.
std::vector<Unused> unused(const TrainingSet& set) {
  VectorizerOptions names;
  OptionTable text;
  describe(text, names);
  return {{!set.vectorizer, names_of(text), "no row has a text"},
          {set.weights.empty(), {"weight_field"}, "no row has a weight"},
          {!has_relevances(set), {"relevance", "weigh_by_relevance"}, "every label has relevance 1"}};
}

/// What each worker did, and how much longer the slowest trained than all of them in the mean.
nlohmann::ordered_json to_json(const std::vector<RankReport>& ranks) {
  nlohmann::ordered_json workers = nlohmann::ordered_json::array();
  double seconds = 0, most = 0;
  for (const RankReport& rank : ranks) {
    workers.push_back({{"chunks", rank.chunks},
                       {"rows", rank.rows},
                       {"cost", rank.cost},
                       {"seconds", rank.seconds},
                       {"peak_bytes", rank.peak_bytes}});
    seconds += rank.seconds;
    most = std::max(most, rank.seconds);
  }
  const double imbalance = seconds > 0 ? most * static_cast<double>(ranks.size()) / seconds : 1;
  return {{"workers", std::move(workers)}, {"imbalance", imbalance}};
}

/// What training came to, for --json.
nlohmann::ordered_json to_json(const TrainArguments& arguments, const TrainingSet& set,
                               const TerminalProgress& progress, double seconds) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (const StageTime& stage : progress.stages()) stages.push_back({{"name", stage.name}, {"seconds", stage.seconds}});
  nlohmann::ordered_json model_bytes;  // null where it went to a stream
  if (!is_output_stream(arguments.output)) model_bytes = std::filesystem::file_size(arguments.output);
  return {{"model", arguments.output},
          {"rows", set.n_rows()},
          {"features", set.features.n_columns},
          {"labels", set.labels.n_columns},
          {"nonzeros", set.features.n_nonzeros()},
          {"seconds", seconds},
          {"stages", std::move(stages)},
          {"model_bytes", std::move(model_bytes)},
          {"peak_bytes", peak_memory_bytes()}};
}

/// Makes the plan if one is wanted; true when it was all that was wanted.
bool plan(const TrainArguments& arguments, const TrainingSet& set, const TrainExtras& extras, ThreadPool& pool,
          TerminalProgress& progress) {
  const uint64_t limit_bytes = parse_bytes(arguments.memory_limit, "memory_limit");
  if (!arguments.plan && limit_bytes == 0) return false;
  double reading_seconds = 0;
  for (const StageTime& stage : progress.stages()) reading_seconds += stage.seconds;
  Estimate estimate = estimate_training(set, arguments.train, extras, {pool, progress});
  estimate.reading_seconds = reading_seconds;
  progress.finish();
  if (arguments.plan) print_out(arguments.json ? json_text(to_json(estimate)) : to_text(estimate));
  expect_below_limit(estimate, limit_bytes);
  return arguments.plan;
}

/// Saves the model, and what was needed to go on with it is no longer.
void save(const Model& model, const TrainArguments& arguments) {
  model.save(arguments.output);
  remove_checkpoint(checkpoint_path(arguments));
}

/// The hours of training are not lost: the model is saved without the figures, and the error says so.
Error after_saving(const Model& model, const TrainArguments& arguments, const Error& error) {
  save(model, arguments);
  const std::string place = arguments.output == "-" ? "standard output" : "'" + arguments.output + "'";
  return Error(
      error.code(), std::string("the model could not be validated: ") + error.what(), error.where(),
      (error.hint().empty() ? "" : error.hint() + "\n  ") + "the model is written, without metrics, to " + place);
}

/// The model with what --validate measures.
Model validated(const Model& model, const TrainArguments& arguments, ThreadPool& pool) {
  if (arguments.validation.path.empty()) return model;
  try {
    return with_validation(model, arguments.validation, arguments.input.read, pool);
  } catch (const Error& error) {
    throw after_saving(model, arguments, error);
  } catch (const std::bad_alloc&) {
    throw after_saving(model, arguments, Error(ErrorCode::memory, "out of memory"));
  }
}

/// Told before the hours of training, not after them.
void check_validation(const TrainArguments& arguments, const TrainingSet& set, TerminalProgress& progress) {
  if (arguments.plan || arguments.validation.path.empty()) return;
  progress.stage("looking at what to validate on", 0);
  expect_usable(arguments.validation, arguments.input.read, set);
  progress.finish();
}

/// `ranks`: the workers that train with this one; null = none.
void run(TrainArguments& arguments, const Flags& flags, TreeOverRanks* ranks) {
  parse_bytes(arguments.memory_limit, "memory_limit");  // a wrong one is told before the data is read
  const auto begin = std::chrono::steady_clock::now();
  return_large_blocks();
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.input.read.stop = &progress;
  ThreadPool pool(arguments.common.threads);
  const TrainingSet set = read_training_set(arguments.input, arguments.train.vectorizer, {pool, progress});
  progress.finish();
  report_data(arguments, set);
  note_unused(flags, unused(set), arguments.common);
  check_validation(arguments, set, progress);
  const TrainMaterial material = read_train_material(arguments.more, set, progress);
  for (const std::string& remark : material.remarks) note(remark, arguments.common);
  TrainExtras extras = material.extras();
  extras.checkpoint_path = checkpoint_path(arguments);
  extras.resume = arguments.resume;
  if (ranks != nullptr) extras.train_levels = [&](auto... levels) { ranks->train_levels(levels...); };
  if (plan(arguments, set, extras, pool, progress)) return;
  const Model trained = train(set, arguments.train, extras, {pool, progress});
  const std::vector<RankReport> reports = ranks != nullptr ? ranks->finish() : std::vector<RankReport>();
  progress.finish();
  save(validated(trained, arguments, pool), arguments);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  nlohmann::ordered_json report = to_json(arguments, set, progress, seconds.count());
  if (ranks != nullptr) report.update(to_json(reports));
  if (arguments.json) print_out(json_text(report));
  if (is_output_stream(arguments.output)) return;
  const auto model_bytes = static_cast<double>(std::filesystem::file_size(arguments.output));
  say(arguments.output + ": " + bytes_text(model_bytes), arguments.common);
}

/// What one process does, the first worker does.
void check_and_run(TrainArguments& arguments, const Flags& flags, TreeOverRanks* ranks) {
  check(arguments, flags);
  note_unused(flags, unused(arguments), arguments.common);
  run(arguments, flags, ranks);
}

void lead(TrainArguments& arguments, const Flags& flags, Transport& others) {
  TreeOverRanks ranks(others);
  try {
    check_and_run(arguments, flags, &ranks);
    ranks.finish();
  } catch (const Error& error) {
    ranks.fail(error);
    throw;
  } catch (const std::bad_alloc&) {
    ranks.fail(Error(ErrorCode::memory, "out of memory"));
    throw;
  }
}

/// The others read and write nothing.
void help(const TrainArguments& arguments, Transport& others) {
  return_large_blocks();
  end_on_signals();
  Progress progress;
  ThreadPool pool(arguments.common.threads);
  train_for_first_rank(others, {pool, progress});
}

}  // namespace

void add_train(CommandList& commands) {
  Command command(commands, "train", "Train a model from texts (or features) and their labels.",
                  "  coppice train packages.jsonl -o packages.coppice\n"
                  "  coppice train packages.jsonl -o packages.coppice --plan --memory-limit 20G\n"
                  "  coppice train X.npz --labels-path Y.npz -o model.coppice\n"
                  "  coppice train big.jsonl.zst -o big.coppice --resume\n"
                  "  coppice dist launch -n 4 -- coppice train big.jsonl -o big.coppice\n");
  auto arguments = std::make_shared<TrainArguments>();
  command.app()
      .add_option("input", arguments->input.path, "examples in any format of docs/formats.md; - = standard input")
      ->required();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, input, read, options, connect, common;
  describe(own, *arguments);
  describe(own, arguments->validation);
  describe(own, arguments->more);
  describe(connect, arguments->connect);
  describe(input, arguments->input);
  describe(read, arguments->input.read);
  describe(options, arguments->train);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Training");
  command.flags().add(command.app(), std::move(options), "Stages");
  command.flags().add(command.app(), std::move(input), "Examples");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(connect), "Several workers");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    const std::unique_ptr<Transport> others = connect_others(arguments->connect, flags);
    if (!others) return check_and_run(*arguments, flags, nullptr);
    if (others->rank() > 0) return help(*arguments, *others);
    lead(*arguments, flags, *others);
  });
}

}  // namespace coppice::app
