// SPDX-License-Identifier: Apache-2.0
// The commands that need LibTorch, some 300 libraries, are a program of their own, which stands beside this one: so
// this one starts in milliseconds, and is there without LibTorch.
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "coppice/app/command.h"
#include "coppice/core/error.h"

namespace coppice::app {
namespace {

namespace fs = std::filesystem;

void add(CLI::App& family, char** argv, const std::string& name, const std::string& summary) {
  CLI::App* const command = family.add_subcommand(name, summary);
  command->prefix_command();  // its flags are the other program's
  command->set_help_flag();
  command->callback([argv] { start_coppice_net(argv); });
}

}  // namespace

void start_coppice_net(char** argv) {
  const fs::path own = fs::read_symlink("/proc/self/exe");
  const std::string program = own.parent_path() / "coppice-net";
  ::execv(program.c_str(), argv);
  if (errno != ENOENT) throw_io_error("cannot start", program, errno);
  throw Error(ErrorCode::unsupported, "networks need the program coppice-net, which is not there", program,
              "it is built and installed beside coppice where CMake finds libtorch-dev, libsndfile1-dev and "
              "libsamplerate0-dev");
}

void add_commands_of_networks(CommandList& commands, char** argv) {
  add(commands.program, argv, "train-net",
      "Train a network on recordings, texts or features, with any number of workers.");
  add(commands.program, argv, "evaluate-net", "Measure a network on rows whose labels are known.");
  add(commands.program, argv, "predict-net", "Rank the labels of recordings, texts or features by a network.");
  add(*commands.program.get_subcommand("dist"), argv, "study",
      "Compare strategies for many workers by your own rows, network and links.");
}

}  // namespace coppice::app
