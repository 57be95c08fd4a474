// SPDX-License-Identifier: Apache-2.0
// coppice train-tagger: texts with tags in, a model that finds slots out.
#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/train/tagger_model.h"

namespace coppice::app {
namespace {

struct TrainTaggerArguments {
  CommonOptions common;
  TaggerInput input;
  TaggerOptions train;
  std::string output;
  std::string model;
  std::string validate;
  bool json = false;
};

void describe(OptionTable& table, TrainTaggerArguments& arguments) {
  table.add(
      "model", arguments.model,
      "A trained model that the tagger is added to, in place of the one it may have: the file that is written then "
      "answers with the best label and the slots.");
  table.add(
      "validate", arguments.validate,
      "Held-out texts with tags: precision, recall and F1 of slots on them are printed, and kept in the model for "
      "inspect to show.");
  table.add("json", arguments.json,
            "Print what training came to (texts, words, features, weights, seconds, size of the model, the figures of "
            "validate) as one JSON object.");
}

std::vector<InputFile> inputs_of(const TrainTaggerArguments& arguments) {
  std::vector<InputFile> inputs{
      {"input", arguments.input.path}, {"--model", arguments.model, kModel}, {"--validate", arguments.validate}};
  for (const std::string& text : arguments.input.gazetteers) {
    inputs.push_back({"--gazetteer", gazetteer_file(text).path});
  }
  return inputs;
}

/// Refuses early what else would be known minutes later.
void check(const TrainTaggerArguments& arguments, const Flags& flags) {
  const std::vector<InputFile> inputs = inputs_of(arguments);
  expect_named(inputs, flags);
  expect_readable(inputs);
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  if (arguments.json && arguments.output == "-") {
    throw Error(ErrorCode::usage, "the model and the JSON object cannot both go to standard output");
  }
  std::vector<std::string> paths = paths_of(inputs);
  paths.push_back(flags.config_path());
  expect_no_input(arguments.output, paths);
  expect_writable(arguments.output);
}

void print_remarks(const BioReport& report, const CommonOptions& common) {
  for (const std::string& remark : report.remarks()) note(remark, common);
}

void report_data(const TrainTaggerArguments& arguments, const TaggedTexts& texts) {
  say(fmt::format("{}, {}, {} of {}", counted(texts.rows.size(), "text"), counted(texts.report.tokens, "token"),
                  counted(texts.n_slots(), "slot"), counted(texts.slot_names.size(), "type")),
      arguments.common);
  print_remarks(texts.report, arguments.common);
}

void report_training(const TrainTaggerArguments& arguments, const TaggerTraining& training) {
  say(fmt::format("{}, {}, {} of them kept, {}", counted(training.n_features, "feature"),
                  counted(training.n_weights, "weight"), training.tagger.n_weights(),
                  counted(training.iterations, "iteration")),
      arguments.common);
  if (training.tagger.n_weights() == 0) note("no weight was kept: the model finds no slot; lower l1", arguments.common);
  if (training.n_lost_slots > 0) {
    note(counted(training.n_lost_slots, "slot") + " without a letter, number or sign cannot be learned",
         arguments.common);
  }
}

nlohmann::ordered_json to_json(const TrainTaggerArguments& arguments, const TaggerTraining& training,
                               const TaggedTexts& texts, double seconds) {
  nlohmann::ordered_json model_bytes;  // null where it went to a stream
  if (!is_output_stream(arguments.output)) model_bytes = std::filesystem::file_size(arguments.output);
  return {{"model", arguments.output},
          {"texts", texts.rows.size()},
          {"words", training.n_words},
          {"slots", texts.n_slots()},
          {"slot_types", texts.slot_names.size()},
          {"features", training.n_features},
          {"weights", training.n_weights},
          {"weights_kept", training.tagger.n_weights()},
          {"iterations", training.iterations},
          {"converged", training.converged},
          {"seconds", seconds},
          {"model_bytes", std::move(model_bytes)},
          {"peak_bytes", peak_memory_bytes()}};
}

std::optional<SlotMetrics> validated(const TrainTaggerArguments& arguments, const Tagger& tagger,
                                     const std::optional<TaggedTexts>& held_out, ThreadPool& pool) {
  if (!held_out) return std::nullopt;
  SlotMetrics metrics = evaluate_tagger(tagger, *held_out, pool);
  if (!arguments.json && arguments.output != "-") print_out(to_table(metrics));
  return metrics;
}

void run(TrainTaggerArguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.input.read.stop = &progress;
  ThreadPool pool(arguments.common.threads);
  std::optional<Model> base;
  if (!arguments.model.empty()) base = Model::load(arguments.model);
  TaggerMaterial material = read_tagger_material(arguments.input, {pool, progress});
  report_data(arguments, material.texts);
  std::optional<TaggedTexts> held_out;  // read first: what is wrong with it is told before the minutes of training
  if (!arguments.validate.empty()) {
    held_out = read_bio(arguments.validate, material.texts.slot_names, arguments.input.read);
    print_remarks(held_out->report, arguments.common);
  }
  const TaggerTraining training =
      train_tagger(material.texts, std::move(material.gazetteers), arguments.train, {pool, progress});
  progress.finish();
  report_training(arguments, training);
  const std::optional<SlotMetrics> metrics = validated(arguments, training.tagger, held_out, pool);
  with_tagger(base ? &*base : nullptr, training, arguments.train, metrics ? &*metrics : nullptr).save(arguments.output);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (arguments.json) {
    auto object = to_json(arguments, training, material.texts, seconds.count());
    if (metrics) object["validation"] = to_json(*metrics);
    print_out(json_text(object));
  }
  if (is_output_stream(arguments.output)) return;
  const auto model_bytes = static_cast<double>(std::filesystem::file_size(arguments.output));
  say(arguments.output + ": " + bytes_text(model_bytes), arguments.common);
}

}  // namespace

void add_train_tagger(CommandList& commands) {
  Command command(commands, "train-tagger", "Train a tagger that finds the slots of texts (artist, city, date).",
                  "  coppice train-tagger train.bio -o slots.coppice --validate held_out.bio\n"
                  "  coppice train-tagger train.bio --model intents.coppice -o assistant.coppice\n"
                  "  coppice train-tagger train.bio -o slots.coppice --gazetteer city=cities.txt,artist=artists.txt\n");
  auto arguments = std::make_shared<TrainTaggerArguments>();
  command.app()
      .add_option("input", arguments->input.path,
                  "texts with tags, a token and its tag a line (docs/formats.md); - = standard input")
      ->required();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, features, fitting, read, common;
  describe(own, *arguments);
  describe(features, arguments->train.features);
  describe(fitting, arguments->train);
  describe(read, arguments->input);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Tagger");
  command.flags().add(command.app(), std::move(features), "Features");
  command.flags().add(command.app(), std::move(fitting), "Fitting");
  command.flags().add(command.app(), std::move(read), "Input");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    run(*arguments);
  });
}

}  // namespace coppice::app
