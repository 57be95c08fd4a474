// SPDX-License-Identifier: Apache-2.0
// coppice train-net: recordings, texts or features with labels in, a network out; with any number of workers.
#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coppice/app/command.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/net_inputs.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/app/terminal_progress.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/core/quantity.h"
#include "coppice/dist/connect.h"
#include "coppice/dist/in_process.h"
#include "coppice/dist/strategy.h"
#include "coppice/net/net_evaluation.h"
#include "coppice/net/net_training.h"

namespace coppice::app {
namespace {

struct TrainNetArguments {
  CommonOptions common;
  NetInputs inputs;
  NetTrainOptions train;
  StrategyOptions strategy;
  ConnectOptions connect;
  std::string module, output;
  uint32_t workers = 1;
  bool json = false;
};

void describe(OptionTable& table, TrainNetArguments& arguments) {
  describe(table, arguments.inputs);
  table.add("module", arguments.module,
            "A TorchScript file of your own that takes the place of our layers; docs/networks.md says what its forward "
            "is given.");
  table.add("workers", arguments.workers, 1, 4096,
            "Workers that are threads of this process, where no launcher has started several processes.");
  table.add("json", arguments.json, "Print what training came to as one JSON object.");
}

void check(const TrainNetArguments& arguments, const Flags& flags) {
  std::vector<InputFile> files = input_files(arguments.inputs);
  files.push_back({"--module", arguments.module, "a module"});
  expect_named(files, flags);
  expect_whole(arguments.inputs);
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  expect_no_input(arguments.output, paths_of(files));
  expect_writable(arguments.output);
}

std::string bytes_of(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("cannot open", path, errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What each worker reads.
struct Material {
  NetMaterial rows;
  std::string module;
};

Material read_material(const TrainNetArguments& arguments, Job job) {
  return {read_net_material(arguments.inputs, job), bytes_of(arguments.module)};
}

nlohmann::ordered_json to_json(const Traffic& traffic) {
  return {{"operations", traffic.operations},
          {"bytes_sent", traffic.bytes_sent},
          {"bytes_received", traffic.bytes_received},
          {"seconds", traffic.seconds}};
}

nlohmann::ordered_json to_json(const NetTraining& training, uint32_t n_workers) {
  const HybridReport& report = training.report;
  return {{"workers", n_workers},
          {"parameters", training.parameters.size()},
          {"minibatches", report.steps},
          {"rows_of_worker_0", report.samples},
          {"skipped_minibatches", report.n_skipped},
          {"density", report.density},
          {"seconds", training.seconds},
          {"compute_seconds", report.compute_seconds},
          {"encode_seconds", report.encode_seconds},
          {"decode_seconds", report.decode_seconds},
          {"gradients", to_json(report.in_group)},
          {"blocks", to_json(report.blocks)}};
}

/// What worker 0 does in the end.
void finish(const TrainNetArguments& arguments, const Material& material, const NetTraining& training,
            uint32_t n_workers, Job job) {
  NetModel model = make_net_model(material.rows.set, training, material.module, arguments.train);
  nlohmann::ordered_json object = to_json(training, n_workers);
  if (material.rows.held_out) {
    const Metrics metrics = evaluate_network(model, material.rows.held_out->examples, {}, job);
    model = with_metrics(std::move(model), metrics);
    object["validation"] = coppice::to_json(metrics);
    if (!arguments.json) print_out(error_text(metrics));
  }
  model.save(arguments.output);
  if (arguments.json) print_out(json_text(object));
  const auto bytes = static_cast<double>(std::filesystem::file_size(arguments.output));
  say(fmt::format("{}: {}, {}", arguments.output, counted(training.parameters.size(), "parameter"), bytes_text(bytes)),
      arguments.common);
}

/// One worker of several processes.
void train_as_worker(TrainNetArguments& arguments, const WorkerEnvironment& environment, Progress& progress) {
  const std::unique_ptr<Transport> transport = connect_workers(environment, arguments.connect);
  ThreadPool pool(arguments.common.threads);
  const Material material = read_material(arguments, {pool, progress});
  if (transport->rank() == 0) report(material.rows, arguments.common);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, transport->size());
  const NetTraining training = train_network(*transport, material.rows.set, material.module, arguments.train, progress);
  if (transport->rank() == 0) finish(arguments, material, training, transport->size(), {pool, progress});
  transport->barrier();  // the others would report a success that did not come yet
}

/// All workers are threads of this process.
void train_in_threads(TrainNetArguments& arguments, Progress& progress) {
  ThreadPool pool(arguments.common.threads);
  const Material material = read_material(arguments, {pool, progress});
  report(material.rows, arguments.common);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, arguments.workers);
  std::optional<NetTraining> first;
  Progress silent;
  run_workers(arguments.workers, arguments.common.threads, [&](Transport& transport) {
    Progress& own = transport.rank() == 0 ? progress : silent;
    NetTraining training = train_network(transport, material.rows.set, material.module, arguments.train, own);
    if (transport.rank() == 0) first = std::move(training);
  });
  finish(arguments, material, *first, arguments.workers, {pool, progress});
}

void run(TrainNetArguments& arguments) {
  const std::optional<WorkerEnvironment> environment = worker_environment();
  if (environment && environment->worker > 0) arguments.common.quiet = true;  // worker 0 speaks for all
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  if (environment && environment->n_workers > 1) return train_as_worker(arguments, *environment, progress);
  train_in_threads(arguments, progress);
}

}  // namespace

void add_train_net(CommandList& commands) {
  Command command(commands, "train-net",
                  "Train a network on recordings, texts or features, with any number of workers.",
                  "  coppice train-net --task speech --data recordings --hold-out theo -o digits.coppice\n"
                  "  coppice train-net --data train.jsonl --validate held_out.jsonl -o tags.coppice\n"
                  "  coppice dist launch -n 8 -- coppice train-net --data train.jsonl --strategy gtc+bmuf "
                  "--group-size 4 -o tags.coppice\n");
  auto arguments = std::make_shared<TrainNetArguments>();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, network, training, strategy, connect, common;
  describe(own, *arguments);
  describe(network, arguments->train.network);
  describe(training, arguments->train);
  describe(strategy, arguments->strategy);
  describe(strategy, arguments->train.hybrid);
  describe(connect, arguments->connect);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Network");
  command.flags().add(command.app(), std::move(network), "Layers");
  command.flags().add(command.app(), std::move(training), "Training");
  command.flags().add(command.app(), std::move(strategy), "Workers");
  command.flags().add(command.app(), std::move(connect), "Connection");
  add_options(command, arguments->inputs);
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    run(*arguments);
  });
}

}  // namespace coppice::app
