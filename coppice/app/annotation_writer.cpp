// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/annotation_writer.h"

#include <fmt/core.h>

#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/workers.h"
#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/example_writer.h"

namespace coppice::app {

void add_places(Command& command, AnnotateArguments& arguments) {
  command.app()
      .add_option("model", arguments.model_path, "the model file, of a ranker or of a network: the teacher")
      ->required();
  command.app().add_option("input", arguments.input,
                           "rows as the model takes them, in any format of docs/formats.md; recordings or a folder of "
                           "them; - = standard input. Labels that they have are not looked at");
  command.app().add_option("-o,--output", arguments.output,
                           "where the rows with the model's labels go, as JSON lines; - = standard output");
}

void check_places(const AnnotateArguments& arguments, const Flags& flags) {
  const std::vector<InputFile> files = model_and_rows(arguments.model_path, arguments.input);
  expect_named(files, flags);
  expect_readable(files);
  expect_one_worker("annotate");
  for (const char* packed : {".gz", ".zst", ".npz"}) {
    if (!arguments.output.ends_with(packed)) continue;
    throw Error(ErrorCode::usage,
                fmt::format("annotated rows are plain JSON lines, expected a name without {}", packed),
                arguments.output);
  }
  std::vector<std::string> inputs = paths_of(files);
  inputs.push_back(flags.config_path());
  for (std::string& path : files_below(arguments.input)) inputs.push_back(std::move(path));
  expect_no_input(arguments.output, inputs);
}

AnnotationWriter::AnnotationWriter(const AnnotateArguments& arguments, ScoreScale scale, LabelSet labels,
                                   const Progress& stop)
    : arguments_(arguments), labels_(labels), annotator_(arguments.annotation, scale), file_(arguments.output, &stop) {
  if (labels.names.size() > 0 || arguments.annotation.labels == AnnotatedLabels::hard) return;
  throw Error(ErrorCode::usage, "the model knows its labels by number alone, and shares can be given to names only",
              arguments.model_path, "--labels hard, or a model that was trained with --label-names");
}

/// A label whose name is empty could not be read back.
void AnnotationWriter::expect_names(const Csr& labels) const {
  if (labels_.names.size() == 0) return;
  for (const uint32_t label : labels.columns) {
    if (!labels_.names.name(label).empty()) continue;
    throw Error(ErrorCode::unsupported, fmt::format("label {} has an empty name, which no row can be given", label),
                arguments_.model_path);
  }
}

void AnnotationWriter::add(const Examples& rows, size_t begin, const Predictions& answers) {
  const Examples annotated = annotator_.annotate(rows, begin, answers, labels_.n_labels);
  expect_names(annotated.labels);
  write_jsonl(file_, annotated, labels_.names, arguments_.read);
}

void AnnotationWriter::commit(const ReadReport& read) {
  const AnnotationReport& report = annotator_.report();
  require_labelled(report, arguments_.annotation);
  file_.commit();
  const CommonOptions& common = arguments_.common;
  const auto n_labelled = static_cast<double>(report.labelled);
  say(fmt::format("{}: {} labelled ({:.2f} labels each, mean confidence {:.3f}), {} left out",
                  counted(report.rows, "row"), report.labelled, static_cast<double>(report.label_entries) / n_labelled,
                  report.confidence_sum / n_labelled, report.rows - report.labelled),
      common);
  if (read.unread_labels > 0) {
    note(counted(read.unread_labels, "label") + " of the rows not looked at: those of the model take their place",
         common);
  }
  print_remarks(read, RowsAre::queries, common);
}

}  // namespace coppice::app
