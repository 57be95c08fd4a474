// SPDX-License-Identifier: Apache-2.0
// coppice import-pecos: a PECOS XR-Linear model folder becomes one model file with equal scores.
#include <memory>

#include "coppice/app/command.h"
#include "coppice/core/error.h"
#include "coppice/model/import_pecos.h"

namespace coppice::app {
namespace {

struct ImportArguments {
  CommonOptions common;
  ImportPecosOptions import;
  std::string folder;
  std::string output;
};

void run(const ImportArguments& arguments) {
  ThreadPool pool(arguments.common.threads);
  import_pecos(arguments.folder, arguments.import, pool).save(arguments.output);
}

}  // namespace

void add_import_pecos(CLI::App& program) {
  Command command(program, "import-pecos", "Turn a PECOS XR-Linear model folder into a model file with equal scores.",
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
  command.action([arguments] { run(*arguments); });
}

}  // namespace coppice::app
