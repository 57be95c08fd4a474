// SPDX-License-Identifier: Apache-2.0
// coppice import-pecos: a PECOS XR-Linear model folder becomes one model file with equal scores.
#include <memory>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/core/output_file.h"
#include "coppice/model/import_pecos.h"

namespace coppice::app {
namespace {

struct ImportArguments {
  CommonOptions common;
  ImportPecosOptions import;
  std::string folder;
  std::string output;
};

void run(const ImportArguments& arguments, const std::string& config_path) {
  std::vector<std::string> inputs = files_below(arguments.folder);
  for (std::string& file : files_below(arguments.import.vectorizer)) inputs.push_back(std::move(file));
  inputs.insert(inputs.end(), {arguments.import.label_names, config_path});
  expect_no_input(arguments.output, inputs);
  expect_writable(arguments.output);
  end_on_signals();  // as long as there is no output to tidy up
  ThreadPool pool(arguments.common.threads);
  const Model model = import_pecos(arguments.folder, arguments.import, pool);
  Progress progress;
  const StopOnSignals stop(progress);  // now the one asked for: the file is written to its end
  model.save(arguments.output);
}

}  // namespace

void add_import_pecos(CommandList& commands) {
  Command command(commands, "import-pecos", "Turn a PECOS XR-Linear model folder into a model file with equal scores.",
                  "  coppice import-pecos model-folder -o model.coppice --vectorizer tfidf-folder "
                  "--label-names labels.txt\n");
  auto arguments = std::make_shared<ImportArguments>();
  command.app().add_option("folder", arguments->folder, "what XLinearModel.save wrote")->required();
  command.app().add_option("-o,--output", arguments->output, "where the model goes")->required();
  OptionTable own, common;
  describe(own, arguments->import);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Import");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    expect_named({{"folder", arguments->folder},
                  {"--vectorizer", arguments->import.vectorizer},
                  {"--label-names", arguments->import.label_names}},
                 flags);
    run(*arguments, flags.config_path());
  });
}

}  // namespace coppice::app
