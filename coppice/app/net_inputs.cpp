// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/net_inputs.h"

#include <fmt/core.h>

#include <fstream>
#include <iterator>
#include <utility>

#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/net/net_evaluation.h"

namespace coppice::app {

namespace {

/// Nothing of no file.
std::string bytes_of(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("open", path, errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void describe(OptionTable& table, NetInputs& inputs) {
  table.add("task", inputs.task,
            {{NetTask::speech, "speech"}, {NetTask::text, "text"}, {NetTask::features, "features"}},
            "What the rows are: recordings; texts, by the features of a vectorizer (rows with sparse features will do, "
            "too); rows of numbers.");
  table.add(
      "data", inputs.input.path,
      "Rows with labels. Speech: a folder of recordings (LABEL_SPEAKER_NUMBER.wav, or LABEL/SPEAKER_NUMBER.wav), or "
      "JSON lines {\"audio\": path, \"labels\": [...]}. Else any format of docs/formats.md. Each worker reads them.");
  table.add(
      "hold_out", inputs.hold_out,
      "Speakers whose recordings are not trained on: the network is measured on them, and the figures kept in it.");
  table.add("validate", inputs.validate,
            "Rows with labels that the network is measured on; the figures are kept in it.");
  describe(table, inputs.input.annotated);
  table.add("module", inputs.module,
            "A TorchScript file of your own that takes the place of our layers; docs/networks.md says what its forward "
            "is given.");
}

std::vector<InputFile> input_files(const NetInputs& inputs) {
  return {{"--data", inputs.input.path},
          {"--validate", inputs.validate},
          {"--annotated", inputs.input.annotated.path},
          {"--module", inputs.module, "a module"}};
}

void expect_whole(const NetInputs& inputs) {
  if (inputs.input.path.empty()) {
    throw Error(ErrorCode::usage, "no rows are given", {}, "--data PATH says what to train on");
  }
  if (!inputs.hold_out.empty() && (inputs.task != NetTask::speech || !inputs.validate.empty())) {
    throw Error(ErrorCode::usage, "--hold-out is for speech, and takes the place of --validate");
  }
}

NetMaterial read_net_material(const NetInputs& inputs, Job job) {
  NetInput input = inputs.input;
  input.read.stop = &job.progress;
  NetMaterial material{read_net_set(inputs.task, input, inputs.read, job), {}, bytes_of(inputs.module)};
  if (!inputs.hold_out.empty()) {
    material.held_out = hold_speakers_out(material.set.rows, inputs.hold_out);
  } else if (!inputs.validate.empty()) {
    LabelIndex labels(material.set.label_names, material.set.n_labels);
    material.held_out = read_net_rows(material.set.features, {inputs.validate, input.read, {}, {}}, labels, job);
  }
  if (material.held_out && material.held_out->examples.labels.n_nonzeros() == 0) {
    throw Error(ErrorCode::data, "no row that the network is to be measured on has a label", inputs.validate);
  }
  return material;
}

void report(const NetMaterial& material, const CommonOptions& common) {
  const std::string held_out =
      material.held_out ? fmt::format(", {} held out", material.held_out->examples.size()) : "";
  const std::optional<ReadReport>& annotated = material.set.rows.annotated;
  const std::string of_them = annotated ? fmt::format(", {} of them annotated", annotated->rows) : "";
  say(fmt::format("{} to train on{}{}, {}", counted(material.set.rows.examples.size(), "row"), of_them, held_out,
                  counted(material.set.n_labels, "label")),
      common);
  print_remarks(material.set.rows.report, RowsAre::examples, common);
  if (annotated) print_remarks(*annotated, RowsAre::examples, common);
}

std::vector<Unused> unused(const NetInputs& inputs) {
  NetworkOptions network;
  NetReadOptions read;
  OptionTable layers, speech, text;
  describe(layers, network);
  describe(speech, read.log_mel);
  describe(text, read.vectorizer);
  std::vector<std::string> of_layers = names_of(layers), of_speech = names_of(speech), of_text = names_of(text);
  std::erase(of_layers, "loss");
  of_speech.insert(of_speech.end(), {"architecture", "context"});
  of_text.emplace_back("embedding");
  return {{!inputs.module.empty(), std::move(of_layers), "--module takes the place of our layers"},
          {inputs.task != NetTask::speech, std::move(of_speech), "the rows are no recordings"},
          {inputs.task != NetTask::text, std::move(of_text), "the rows are no texts"}};
}

void add_options(Command& command, NetInputs& inputs) {
  OptionTable speech, text, read;
  describe(speech, inputs.read.log_mel);
  describe(text, inputs.read.vectorizer);
  describe(read, inputs.input.read);
  command.flags().add(command.app(), std::move(speech), "Speech");
  command.flags().add(command.app(), std::move(text), "Text");
  command.flags().add(command.app(), std::move(read), "Reading");
}

}  // namespace coppice::app
