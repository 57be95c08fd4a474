// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/net_inputs.h"

#include <fmt/core.h>

#include <utility>

#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/net/net_evaluation.h"

namespace coppice::app {

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
}

std::vector<InputFile> input_files(const NetInputs& inputs) {
  return {{"--data", inputs.input.path}, {"--validate", inputs.validate}, {"--annotated", inputs.input.annotated.path}};
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
  NetMaterial material{read_net_set(inputs.task, input, inputs.read, job), {}};
  if (!inputs.hold_out.empty()) {
    material.held_out = hold_speakers_out(material.set.rows, inputs.hold_out);
  } else if (!inputs.validate.empty()) {
    LabelIndex labels(material.set.label_names, material.set.n_labels);
    material.held_out = read_net_rows(material.set.features, {inputs.validate, input.read, {}, {}}, labels, job);
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
