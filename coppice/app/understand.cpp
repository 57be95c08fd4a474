// SPDX-License-Identifier: Apache-2.0
// coppice understand: texts in, their domains, intents and slots out.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/data/reader.h"
#include "coppice/data/utf8.h"
#include "coppice/model/understanding.h"
#include "coppice/train/row_parts.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct UnderstandArguments {
  CommonOptions common;
  ReadOptions read;
  std::string model_path;
  std::string input = "-";
  std::string text;
  bool one_text = false;  ///< that of --text, which may be empty
  std::string output = "-";
  bool verify = false;
};

void describe(OptionTable& table, UnderstandArguments& arguments) {
  table.add("text", arguments.text, "Understand this text, and read no rows.");
  table.add("output", arguments.output,
            "Where what was understood goes, as JSON lines: - (standard output) or a path.");
  table.add("verify", arguments.verify, "Check every checksum of the model first.");
}

std::vector<InputFile> inputs_of(const UnderstandArguments& arguments) {
  std::vector<InputFile> inputs{{"model", arguments.model_path, kModel}};
  if (!arguments.one_text) inputs.push_back({"input", arguments.input});
  return inputs;
}

std::vector<Unused> unused(const UnderstandArguments& arguments) {
  ReadOptions names;
  OptionTable read;
  describe(read, names);
  return {{arguments.one_text, names_of(read), "--text is the only row"},
          {true, {"label_names", "labels_path", "n_labels"}, "nothing looks at the labels of rows"}};
}

ordered_json to_json(const Understanding& understood, std::string_view text) {
  ordered_json object{{"text", text}};
  if (understood.domain) object["domain"] = *understood.domain;
  if (understood.intent) {
    object["intent"] = understood.intent->name;
    object["score"] = shortest_decimal(understood.intent->score);
  }
  object["slots"] = ordered_json::array();
  for (const FoundSlot& slot : understood.slots) {
    object["slots"].push_back({{"name", slot.name}, {"text", slot.text}, {"begin", slot.begin}, {"end", slot.end}});
  }
  return object;
}

/// The rows [begin, end) of a block, a line each.
void write(const Model& model, const Examples& block, size_t begin, size_t end, ThreadPool& pool, OutputFile& output) {
  Examples rows;
  for (size_t i = begin; i < end; ++i) rows.texts.add(block.texts[i]);
  const std::vector<Understanding> understood = understand(model, rows, pool);
  for (size_t i = begin; i < end; ++i) {
    ordered_json object = ordered_json::object();
    if (!block.ids.empty() && !block.ids[i].empty()) object["id"] = block.ids[i];
    object.update(to_json(understood[i - begin], block.texts[i]));
    output.write(object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  }
}

void understand_text(const Model& model, const UnderstandArguments& arguments) {
  OutputFile output(arguments.output);
  const std::string text = repair_utf8(arguments.text);  // as rows are repaired: places are those of what is printed
  const ordered_json object = to_json(understand(model, text), text);
  output.write(object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  output.commit();
}

void expect_texts(const Examples& block) {
  if (block.texts.size() > 0 || block.size() == 0) return;
  throw Error(ErrorCode::data, "the rows have features but no text, expected texts to understand");
}

void run(const UnderstandArguments& arguments) {
  Progress progress;
  const StopOnSignals stop(progress);
  const Model model =
      Model::load(arguments.model_path, {arguments.verify ? Verify::checksums : Verify::structure, LoadMode::map});
  if (arguments.one_text) return understand_text(model, arguments);
  ThreadPool pool(arguments.common.threads);
  ReadOptions read = arguments.read;
  read.stop = &progress;
  const auto reader = open_queries(arguments.input, read);
  OutputFile output(arguments.output, &progress);
  for (Examples block; reader->next(block);) {
    expect_texts(block);
    for_row_parts(block.size(), pool, &progress,
                  [&](size_t begin, size_t end) { write(model, block, begin, end, pool, output); });
  }
  require_rows(reader->report());
  progress.throw_if_stopped();
  output.commit();
  print_remarks(reader->report(), RowsAre::queries, arguments.common);
}

}  // namespace

void add_understand(CommandList& commands) {
  Command command(commands, "understand", "Find the domain, the intent and the slots of texts.",
                  "  echo '{\"text\": \"play jazz by miles davis\"}' | coppice understand assistant.coppice -\n"
                  "  coppice understand assistant.coppice --text \"play jazz by miles davis\"\n"
                  "  coppice understand assistant.coppice lines.txt --format text\n");
  auto arguments = std::make_shared<UnderstandArguments>();
  command.app()
      .add_option("model", arguments->model_path, "the model file: what it ranks are intents, its tagger finds slots")
      ->required();
  command.app().add_option("input", arguments->input, "rows with texts, in any format of docs/formats.md");
  OptionTable own, read, common;
  describe(own, *arguments);
  describe(read, arguments->read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Understanding");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    arguments->one_text = flags.given("text");
    expect_named(inputs_of(*arguments), flags);
    expect_readable(inputs_of(*arguments));
    note_unused(flags, unused(*arguments), arguments->common);
    std::vector<std::string> inputs = paths_of(inputs_of(*arguments));
    inputs.push_back(flags.config_path());
    expect_no_input(arguments->output, inputs);
    run(*arguments);
  });
}

}  // namespace coppice::app
