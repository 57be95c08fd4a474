// SPDX-License-Identifier: Apache-2.0
// coppice predict-net: recordings, texts or features in, ranked label names out.
#include <filesystem>
#include <memory>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/app/prediction_writer.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/app/workers.h"
#include "coppice/net/net_model.h"

namespace coppice::app {
namespace {

struct PredictNetArguments {
  CommonOptions common;
  NetInput input{"-", {}, RowsAre::queries, {}};
  std::string model_path;
  std::string output = "-";
  uint32_t top_k = 10;
};

void describe(OptionTable& table, PredictNetArguments& arguments) {
  table.add("output", arguments.output,
            "Where predictions go: - (standard output) or a path, as JSON lines; a path that ends in .npz gets a SciPy "
            "CSR matrix of scores instead.");
  table.add("top_k", arguments.top_k, 1, 1U << 20, "How many labels come out for each row at most.");
}

void run(PredictNetArguments& arguments) {
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.input.read.stop = &progress;
  const NetModel model = NetModel::load(arguments.model_path);
  const NetModelParts& parts = model.parts();
  ThreadPool pool(arguments.common.threads);
  LabelIndex labels(parts.label_names, parts.n_labels);
  NetRows rows = read_net_rows(parts.features, arguments.input, labels, {pool, progress});
  const Predictions predictions = model.predict(rows.examples, arguments.top_k, {pool, progress});
  progress.finish();
  PredictionWriter output(arguments.output, {parts.label_names, parts.n_labels}, progress);
  Examples named;
  named.ids = std::move(rows.ids);
  output.add(predictions, named, 0);
  output.commit();
  print_remarks(rows.report, RowsAre::queries, arguments.common);
}

}  // namespace

void add_predict_net(CommandList& commands) {
  Command command(commands, "predict-net", "Rank the labels of recordings, texts or features by a network.",
                  "  coppice predict-net digits.coppice recording.wav --top-k 1\n"
                  "  echo '{\"text\": \"window manager for X11\"}' | coppice predict-net tags.coppice -\n");
  auto arguments = std::make_shared<PredictNetArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option("input", arguments->input.path,
                           "a recording or a folder of them, or rows of the kind that the network was trained on; - = "
                           "standard input");
  OptionTable own, read, common;
  describe(own, *arguments);
  describe(read, arguments->input.read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Prediction");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] {
    expect_one_worker("predict-net");
    expect_readable(model_and_rows(arguments->model_path, arguments->input.path));
    expect_no_input(arguments->output, {arguments->model_path, arguments->input.path});
    run(*arguments);
  });
}

}  // namespace coppice::app
