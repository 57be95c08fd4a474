// SPDX-License-Identifier: Apache-2.0
// coppice compress: a model in, a smaller one with nearly the same answers out.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

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
#include "coppice/train/compress_search.h"
#include "coppice/train/compress_size.h"

namespace coppice::app {
namespace {

struct CompressArguments {
  CommonOptions common;
  CompressOptions compress;
  CompressBudget budget;
  ReadOptions read;
  std::string model_path;
  std::string output;
  std::string validate, validate_labels, validate_dense;
  std::string refit, refit_labels, refit_dense;
  std::string curve;
  uint64_t keep_weights = 0;
  std::string max_bytes = "0";
  bool json = false;
};

void describe(OptionTable& table, CompressArguments& arguments) {
  table.add(
      "validate", arguments.validate,
      "Rows with labels that were held out from training: the smallest model is sought that keeps to max_loss and "
      "max_disagreement on them, and every model tried is shown. Not the rows of a final test: what is chosen by "
      "rows looks a little better on them than it is.");
  table.add("validate_labels", arguments.validate_labels, "For npz and npy: the label matrix of the rows of validate.");
  table.add("validate_dense", arguments.validate_dense, "The dense features of the rows of validate.");
  table.add(
      "refit", arguments.refit,
      "The rows the model was trained on: the weights that stay are fitted to the margins of the whole model. "
      "Many fewer are needed then for the same answers, on every set measured so far; validate tries both. Each step "
      "takes about as long as training.");
  table.add("refit_labels", arguments.refit_labels, "For npz and npy: the label matrix of the rows of refit.");
  table.add("refit_dense", arguments.refit_dense, "The dense features of the rows of refit.");
  table.add(
      "keep_weights", arguments.keep_weights, 0, UINT64_MAX,
      "Keep so many weights, the largest by size, in place of a threshold: for a number that a search found for a "
      "model like this one. 0 = all.");
  table.add(
      "max_bytes", arguments.max_bytes,
      "Keep as many weights as a file of this size has room for: 500k, 4M, 1.5G (powers of 1000; Ki, Mi, Gi of 1024), "
      "or a number of bytes. 0 = all.");
  table.add("curve", arguments.curve, "With validate: where a drawing (SVG) of size against loss goes.");
  table.add("json", arguments.json, "With validate: print what was tried as one JSON object.");
}

std::vector<InputFile> inputs_of(const CompressArguments& arguments) {
  return {{"model", arguments.model_path, kModel},
          {"--validate", arguments.validate, "what to validate on"},
          {"--validate-labels", arguments.validate_labels, kMatrix},
          {"--validate-dense", arguments.validate_dense, kMatrix},
          {"--refit", arguments.refit, "what to refit on"},
          {"--refit-labels", arguments.refit_labels, kMatrix},
          {"--refit-dense", arguments.refit_dense, kMatrix},
          {"--label-names", arguments.read.label_names, "a list of label names that is read more than once"}};
}

std::vector<Unused> unused(const CompressArguments& arguments) {
  const bool searches = !arguments.validate.empty();
  const bool counts = !searches && (arguments.keep_weights > 0 || arguments.max_bytes != "0");
  const bool drops = counts || drops_any(arguments.compress.prune);
  const bool reads = searches || !arguments.refit.empty();
  CompressBudget names;
  OptionTable budget, read;
  ReadOptions read_names;
  describe(budget, names);
  describe(read, read_names);
  return {
      {!searches, names_of(budget), "--validate names no rows"},
      {!searches, {"validate_labels", "validate_dense", "curve", "json"}, "--validate names no rows"},
      {searches, {"threshold", "max_weights", "keep_weights", "max_bytes"}, "--validate seeks them"},
      {counts, {"threshold", "max_weights"}, "--keep-weights and --max-bytes say how many are kept"},
      {arguments.refit.empty(), {"refit_labels", "refit_dense"}, "--refit names no rows"},
      {!searches && !drops,
       {"refit"},
       "no weight is dropped (--threshold, --max-weights, --keep-weights, --max-bytes, --validate)"},
      {arguments.compress.pack.value_bits == PackOptions::kHalf, {"scales"}, "halves have no scale"},
      {arguments.compress.keys.perfect_hash != PerfectHash::levels, {"gamma"}, "--perfect-hash levels alone takes it"},
      {!reads, names_of(read), "no rows are read"}};
}

/// As above, where it depends on the model.
std::vector<Unused> unused_by(const Model& model, const CompressArguments& arguments) {
  const bool has_tagger = model.tagger() != nullptr;
  return {{!arguments.validate.empty() && !has_tagger, {"value_bits"}, "--validate seeks them"},
          {!has_tagger, {"tagger_value_bits"}, "the model has no slot tagger"},
          {is_compressed(model),
           {"perfect_hash", "gamma", "fingerprint_bits"},
           "the model is compressed already, and its features stay known as they are"}};
}

void check(const CompressArguments& arguments, const Flags& flags) {
  validate(arguments.compress);
  parse_bytes(arguments.max_bytes, "max_bytes", BareSize::bytes);
  if (arguments.keep_weights > 0 && arguments.max_bytes != "0") {
    throw Error(ErrorCode::usage, "both keep_weights and max_bytes are given, expected one of them");
  }
  const std::vector<InputFile> inputs = inputs_of(arguments);
  expect_named(inputs, flags);
  expect_readable(inputs);
  std::vector<std::string> paths = paths_of(inputs);
  paths.push_back(flags.config_path());
  for (const std::string& output : {arguments.output, arguments.curve}) {
    if (output.empty()) continue;
    expect_no_input(output, paths);
    expect_writable(output);
  }
  if (!arguments.curve.empty() && !is_output_stream(arguments.curve))
    expect_no_input(arguments.curve, {arguments.output});
  if ((arguments.output == "-") + (arguments.curve == "-") + (arguments.json ? 1 : 0) > 1) {
    throw Error(ErrorCode::usage, "two outputs cannot both go to standard output");
  }
}

EvaluationInput rows_of(const std::string& path, const std::string& labels, const std::string& dense,
                        const CompressArguments& arguments) {
  EvaluationInput input{path, arguments.read, dense};
  input.read.labels_path = labels;
  return input;
}

/// Drops weights as asked for. Where those that stay are fitted, in steps: less is lost than when most go at once.
Model pruned(const Model& model, const RefitRows* rows, const CompressArguments& arguments, Job job) {
  Pruner pruner(model, rows, job.pool);
  if (arguments.keep_weights > 0) {
    pruner.descend_to(arguments.keep_weights, job);
    return pruner.model();
  }
  PruneOptions prune = arguments.compress.prune;
  if (rows != nullptr) {
    for (const float share : {0.5F, 0.75F}) pruner.prune({.threshold = share * prune.threshold}, job);
  }
  pruner.prune(prune, job);
  return pruner.model();
}

std::optional<RefitRows> read_rows(const Model& model, const CompressArguments& arguments, Job job) {
  if (arguments.refit.empty()) return std::nullopt;
  return read_refit_rows(model, rows_of(arguments.refit, arguments.refit_labels, arguments.refit_dense, arguments),
                         job);
}

Model searched(const Model& model, const CompressArguments& arguments, Job job) {
  const EvaluationInput judged_by =
      rows_of(arguments.validate, arguments.validate_labels, arguments.validate_dense, arguments);
  const std::optional<RefitRows> rows = read_rows(model, arguments, job);
  CompressSearch search =
      search_compressed(model, judged_by, rows ? &*rows : nullptr, arguments.budget, arguments.compress, job);
  static_cast<TerminalProgress&>(job.progress).finish();
  if (!arguments.curve.empty()) {
    OutputFile file(arguments.curve);
    file.write(to_svg(search, arguments.budget));
    file.commit();
  }
  if (arguments.output == "-" || arguments.curve == "-") {
    say(to_text(search), arguments.common);
  } else {
    print_out(arguments.json ? json_text(to_json(search)) : to_text(search));
  }
  return std::move(search.best);
}

/// What is asked of a part of the model needs the part.
void expect_parts(const Model& model, const CompressArguments& arguments) {
  const bool of_ranker = drops_any(arguments.compress.prune) || arguments.keep_weights > 0 ||
                         arguments.max_bytes != "0" || !arguments.validate.empty() || !arguments.refit.empty();
  if (of_ranker && !model.has_ranker()) {
    throw Error(ErrorCode::usage, "the model is a slot tagger alone: it has no ranker to drop weights of",
                arguments.model_path, "--tagger-threshold drops weights of a tagger, --value-bits says their bits");
  }
  if (arguments.compress.tagger_threshold > 0 && model.tagger() == nullptr) {
    throw Error(ErrorCode::usage, "--tagger-threshold is given, but the model has no slot tagger",
                arguments.model_path);
  }
}

Model smaller(const Model& model, const CompressArguments& arguments, Job job) {
  if (!arguments.validate.empty()) return searched(model, arguments, job);
  CompressOptions options = arguments.compress;
  const uint64_t max_bytes = parse_bytes(arguments.max_bytes, "max_bytes", BareSize::bytes);
  if (max_bytes == 0 && arguments.keep_weights == 0 && !drops_any(options.prune)) {
    return compress(model, options, job.pool);
  }
  const std::optional<RefitRows> rows = read_rows(model, arguments, job);
  const RefitRows* const fit_to = rows ? &*rows : nullptr;
  options.prune = {.threshold = 0};
  if (max_bytes > 0) return compress_to_size(model, fit_to, max_bytes, options, job);
  return compress(pruned(model, fit_to, arguments, job), options, job.pool);
}

void run(CompressArguments& arguments, const Flags& flags) {
  return_large_blocks();
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.read.stop = &progress;
  ThreadPool pool(arguments.common.threads);
  const Model model = Model::load(arguments.model_path);
  expect_parts(model, arguments);
  note_unused(flags, unused_by(model, arguments), arguments.common);
  const Model result = smaller(model, arguments, {pool, progress});
  progress.finish();
  result.save(arguments.output);
  if (is_output_stream(arguments.output)) return;
  const auto before = static_cast<double>(model.saved_bytes()), after = static_cast<double>(result.saved_bytes());
  say(fmt::format("{}: {}, {:.1f} times smaller than {}", arguments.output, bytes_text(after), before / after,
                  bytes_text(before)),
      arguments.common);
}

}  // namespace

void add_compress(CommandList& commands) {
  Command command(commands, "compress", "Make a model smaller that answers nearly the same.",
                  "  coppice compress packages.coppice -o packages.small.coppice\n"
                  "  coppice compress packages.coppice -o packages.small.coppice --validate held_out.jsonl "
                  "--max-loss 0.1 --refit packages.jsonl\n");
  auto arguments = std::make_shared<CompressArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option("-o,--output", arguments->output, "where the smaller model goes")->required();
  OptionTable own, compress, budget, read, common;
  describe(own, *arguments);
  describe(compress, arguments->compress);
  describe(budget, arguments->budget);
  describe(read, arguments->read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Compression");
  command.flags().add(command.app(), std::move(compress), "Form");
  command.flags().add(command.app(), std::move(budget), "Budget");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    note_unused(flags, unused(*arguments), arguments->common);
    run(*arguments, flags);
  });
}

}  // namespace coppice::app
