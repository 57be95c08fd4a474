// SPDX-License-Identifier: Apache-2.0
// coppice annotate, where the model is a network: recordings, texts or features in, the same with its labels out.
#include <filesystem>
#include <memory>
#include <utility>

#include "coppice/app/annotation_writer.h"
#include "coppice/app/command.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/net/net_model.h"

namespace coppice::app {
namespace {

namespace fs = std::filesystem;

/// Paths as seen from the folder of the output, which is where those who read it start.
void name_from_output(const std::string& output, Examples& recordings) {
  const fs::path folder = output == "-" ? fs::path() : fs::path(output).parent_path();
  Texts paths;
  for (size_t i = 0; i < recordings.texts.size(); ++i) {
    const fs::path path(std::string{recordings.texts[i]});
    paths.add(fs::proximate(path, folder.empty() ? fs::current_path() : folder).string());
  }
  recordings.texts = std::move(paths);
}

void run(AnnotateArguments& arguments) {
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  const NetModel model = NetModel::load(arguments.model_path);
  const NetModelParts& parts = model.parts();
  const bool speech = parts.features.task == NetTask::speech;
  ReadOptions read = arguments.read;
  read.stop = &progress;
  if (speech && arguments.read.text_field == ReadOptions{}.text_field) arguments.read.text_field = {"audio"};
  AnnotationWriter output(arguments, ScoreScale::confidence, {parts.label_names, parts.n_labels}, progress);
  ThreadPool pool(arguments.common.threads);
  LabelIndex labels(parts.label_names, parts.n_labels);
  NetRows rows = read_net_rows(parts.features, {arguments.input, read, RowsAre::queries, {}}, labels, {pool, progress});
  const Predictions answers = model.predict(rows.examples, output.top_k(), {pool, progress});
  progress.finish();
  if (speech) name_from_output(arguments.output, rows.asked);
  output.add(rows.asked, 0, answers);
  output.commit(rows.report);
}

}  // namespace

void add_annotate_net(CommandList& commands) {
  Command command(commands, "annotate", "Label rows by a trained network, to train another model on.",
                  "  coppice annotate network.coppice unlabelled.jsonl -o annotated.jsonl --floor 0.5\n"
                  "  coppice annotate digits.coppice recordings -o annotated.jsonl --floor 0.9 --labels hard\n");
  auto arguments = std::make_shared<AnnotateArguments>();
  add_places(command, *arguments);
  OptionTable annotation, read, common;
  describe(annotation, arguments->annotation);
  describe(read, arguments->read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(annotation), "Annotation");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check_places(*arguments, flags);
    run(*arguments);
  });
}

}  // namespace coppice::app
