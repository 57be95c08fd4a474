// SPDX-License-Identifier: Apache-2.0
// The program `coppice-net`: the commands that need LibTorch. `coppice` starts it when one of them is asked for.
#include "coppice/app/program.h"

int main(int argc, char** argv) {
  using namespace coppice::app;
  return run_program(argc, argv, [](CommandList& commands) {
    add_train_net(commands);
    add_evaluate_net(commands);
    add_predict_net(commands);
    add_annotate_net(commands);
    add_dist_study(commands);
    add_options(commands, "coppice-net");
  });
}
