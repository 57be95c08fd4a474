// SPDX-License-Identifier: Apache-2.0
// The program: one file per subcommand, each nothing but flags around a call into the library.
#include "coppice/app/program.h"

int main(int argc, char** argv) {
  using namespace coppice::app;
  return run_program(argc, argv, [argv](CommandList& commands) {
    add_train(commands);
    add_train_tagger(commands);
    add_evaluate(commands);
    add_predict(commands);
    add_annotate(commands, argv);
    add_understand(commands);
    add_explain(commands);
    add_index(commands);
    add_retrieve(commands);
    add_compress(commands);
    add_inspect(commands);
    add_import_pecos(commands);
    add_dist(commands);
#ifdef COPPICE_WITH_FLOW
    add_flow_checks(commands);
    add_flow_probe(commands);
    add_flow_runs(commands);
    add_flow_approve(commands);
    add_flow_plan(commands);
    add_flow_compare(commands);
    add_flow_optimize(commands);
    add_flow_views(commands);
    add_flow_stand_in(commands);
#endif
    add_commands_of_networks(commands, argv);
    add_options(commands, "coppice");
  });
}
