// SPDX-License-Identifier: Apache-2.0
// coppice index: passages in, a model that finds them out.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
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
#include "coppice/data/passage_reader.h"
#include "coppice/train/passage_index.h"

namespace coppice::app {
namespace {

struct IndexArguments {
  CommonOptions common;
  std::vector<std::string> inputs;
  PassageReadOptions read;
  PassageIndexOptions index;
  std::string output;
  std::string passages;
  bool json = false;
};

void describe(OptionTable& table, IndexArguments& arguments) {
  table.add("passages", arguments.passages,
            "Where the passages go as they were indexed, parts of texts included: as JSON lines that coppice index "
            "takes. - = standard output.");
  table.add("json", arguments.json,
            "Print what came of it (passages, words, seconds, size of the model) as one JSON object.");
}

std::vector<InputFile> inputs_of(const IndexArguments& arguments) {
  std::vector<InputFile> inputs;
  for (const std::string& path : one_at_least(arguments.inputs)) inputs.push_back({"input", path});
  inputs.push_back({"--stop-words-file", arguments.index.vectorizer.stop_words_file});
  return inputs;
}

std::vector<Unused> unused(const IndexArguments& arguments) {
  const auto is_of = [&](PassageFormat format) {
    return [&arguments, format](const std::string& path) { return format_of(path, arguments.read) == format; };
  };
  const bool rows = std::any_of(arguments.inputs.begin(), arguments.inputs.end(), is_of(PassageFormat::jsonl));
  const bool texts = std::any_of(arguments.inputs.begin(), arguments.inputs.end(), is_of(PassageFormat::text));
  return {{!rows, {"id_field", "text_field", "title_field", "max_line_bytes"}, "no file holds rows of jsonl"},
          {!texts && arguments.read.chunk_words == 0, {"chunk_overlap"}, "--chunk-words cuts nothing"}};
}

/// Refuses early what else would be known later.
void check(const IndexArguments& arguments, const Flags& flags) {
  const std::vector<InputFile> inputs = inputs_of(arguments);
  expect_named(inputs, flags);
  expect_readable(inputs);
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  if ((arguments.output == "-") + (arguments.passages == "-") + (arguments.json ? 1 : 0) > 1) {
    throw Error(ErrorCode::usage, "two outputs cannot both go to standard output");
  }
  if (arguments.output == arguments.passages && !is_output_stream(arguments.output)) {
    throw Error(ErrorCode::usage, "both the model and the passages would go there", arguments.output,
                "give --passages a file of its own");
  }
  std::vector<std::string> paths = paths_of(inputs);
  paths.push_back(flags.config_path());
  for (const std::string& output : {arguments.output, arguments.passages}) {
    if (output.empty()) continue;
    expect_no_input(output, paths);
    expect_writable(output);
    paths.push_back(output);
  }
}

/// In the fields from which they are read.
void write_passages(const IndexArguments& arguments, const std::vector<Passage>& passages) {
  OutputFile output(arguments.passages);
  for (const Passage& passage : passages) {
    nlohmann::ordered_json object{{arguments.read.id_field, passage.id}, {arguments.read.text_field, passage.text}};
    if (!passage.metadata.empty()) object.update(nlohmann::ordered_json::parse(passage.metadata));
    output.write(object.dump() + "\n");
  }
  output.commit();
}

nlohmann::ordered_json to_json(const IndexArguments& arguments, const PassageReport& report, const Model& model,
                               double seconds) {
  nlohmann::ordered_json model_bytes;  // null where it went to a stream
  if (!is_output_stream(arguments.output)) model_bytes = std::filesystem::file_size(arguments.output);
  return {{"model", arguments.output},
          {"files", report.files},
          {"texts", report.texts},
          {"texts_split", report.split},
          {"passages", model.n_labels()},
          {"features", model.n_features()},
          {"weights", model.ranker().n_weights()},
          {"seconds", seconds},
          {"model_bytes", std::move(model_bytes)},
          {"peak_bytes", peak_memory_bytes()}};
}

void run(IndexArguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.read.stop = &progress;
  ThreadPool pool(arguments.common.threads);
  const PassageList list = read_passages(arguments.inputs, arguments.read);
  for (const std::string& remark : list.report.remarks()) note(remark, arguments.common);
  const Model model = index_passages(list.passages, arguments.index, {pool, progress});
  progress.finish();
  if (!arguments.passages.empty()) write_passages(arguments, list.passages);
  model.save(arguments.output);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  if (arguments.json) print_out(json_text(to_json(arguments, list.report, model, seconds.count())));
  say(fmt::format("{} of {}, {}", counted(model.n_labels(), "passage"), counted(list.report.texts, "text"),
                  counted(model.n_features(), "feature")),
      arguments.common);
  if (is_output_stream(arguments.output)) return;
  const auto model_bytes = static_cast<double>(std::filesystem::file_size(arguments.output));
  say(arguments.output + ": " + bytes_text(model_bytes), arguments.common);
}

}  // namespace

void add_index(CommandList& commands) {
  Command command(commands, "index", "Index passages, without training pairs, for coppice retrieve.",
                  "  coppice index passages.jsonl -o notes.coppice\n"
                  "  coppice index guide.md notes.txt -o notes.coppice --chunk-words 150 --chunk-overlap 30\n"
                  "  coppice index passages.jsonl -o notes.coppice --char-wb-ngrams 4,5 --char-wb-weight 0.2\n");
  auto arguments = std::make_shared<IndexArguments>();
  command.app()
      .add_option("input", arguments->inputs,
                  "passages: lines {\"id\": ..., \"text\": ...}, or files of text; - = standard input")
      ->required();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, read, index, common;
  describe(own, *arguments);
  describe(read, arguments->read);
  describe(index, arguments->index);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Indexing");
  command.flags().add(command.app(), std::move(read), "Passages");
  command.flags().add(command.app(), std::move(index), "Ranking");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    note_unused(flags, unused(*arguments), arguments->common);
    run(*arguments);
  });
}

}  // namespace coppice::app
