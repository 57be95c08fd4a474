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
#include "coppice/net/lasting_net_training.h"
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
  SurvivalOptions survival;
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
  if (arguments.survival.checkpoint.resumes && arguments.survival.checkpoint.folder.empty()) {
    throw Error(ErrorCode::usage, "--resume goes on from checkpoints, and no folder of them is given", {},
                "--checkpoint FOLDER");
  }
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  expect_no_input(arguments.output, paths_of(files));
  expect_writable(arguments.output);
}

std::string bytes_of(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("open", path, errno);
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

nlohmann::ordered_json to_json(const SurvivalReport& report) {
  return {{"generations", report.generations},
          {"lost", report.n_lost},
          {"joined", report.n_joined},
          {"minibatches_in_vain", report.n_rewound},
          {"regroup_seconds", report.regroup_seconds},
          {"checkpoints", report.n_checkpoints},
          {"checkpoint_seconds", report.checkpoint_seconds},
          {"silence_bound_seconds", report.bound_seconds}};
}

/// What was trained, by how many.
struct Outcome {
  const NetTraining& training;
  uint32_t n_workers = 1;
  const SurvivalReport* survival = nullptr;
};

/// What one worker does in the end.
void finish(const TrainNetArguments& arguments, const Material& material, const Outcome& outcome, Job job) {
  const NetTraining& training = outcome.training;
  NetModel model = make_net_model(material.rows.set, training, material.module, arguments.train);
  nlohmann::ordered_json object = to_json(training, outcome.n_workers);
  if (outcome.survival != nullptr) object["survival"] = to_json(*outcome.survival);
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

/// What was made of the strategy, where there is a choice.
void tell_groups(const TrainNetArguments& arguments, uint32_t n_workers) {
  const uint32_t size = arguments.train.hybrid.group_size;
  if (arguments.strategy.strategy != Strategy::hybrid || n_workers < 2) return;
  const char* const what = size == 1           ? ": block momentum alone"
                           : size == n_workers ? ": compressed gradients alone"
                                               : "";
  say(fmt::format("{} in groups of {}{}", counted(n_workers, "worker"), size, what), arguments.common);
}

/// With checkpoints, where any are wanted.
NetTraining train_over(Transport& transport, const TrainNetArguments& arguments, const Material& material,
                       Progress& progress) {
  const CheckpointOptions& checkpoint = arguments.survival.checkpoint;
  const NetSet& set = material.rows.set;
  if (checkpoint.folder.empty()) return train_network(transport, set, material.module, arguments.train, progress);
  return train_network_with_checkpoints(transport, {set, material.module, arguments.train, progress}, checkpoint);
}

/// One of several processes that live and end together.
void train_as_one_of_all(const TrainNetArguments& arguments, const WorkerEnvironment& environment,
                         const Material& material, Job job) {
  const std::unique_ptr<Transport> transport = connect_workers(environment, arguments.connect);
  const NetTraining training = train_over(*transport, arguments, material, job.progress);
  if (transport->rank() == 0) finish(arguments, material, {training, transport->size()}, job);
  transport->barrier();  // the others would report a success that did not come yet
}

/// One of several processes, of which some may be lost.
void train_and_survive(const TrainNetArguments& arguments, const WorkerEnvironment& environment,
                       const Material& material, Job job) {
  train_network_and_survive({environment, arguments.connect, arguments.survival},
                            {material.rows.set, material.module, arguments.train, job.progress},
                            [&](const NetTraining& training, const SurvivalReport& survival) {
                              finish(arguments, material, {training, environment.n_workers, &survival}, job);
                            });
}

void train_as_worker(TrainNetArguments& arguments, const WorkerEnvironment& environment, Progress& progress) {
  ThreadPool pool(arguments.common.threads);
  const Material material = read_material(arguments, {pool, progress});
  if (environment.worker == 0) report(material.rows, arguments.common);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, environment.n_workers);
  tell_groups(arguments, environment.n_workers);
  // While models are under way between the groups there is nothing that all could go back to.
  const bool can_survive =
      arguments.connect.transport == TransportKind::gloo && arguments.train.hybrid.overlap.minibatches == 0;
  (can_survive ? train_and_survive : train_as_one_of_all)(arguments, environment, material, {pool, progress});
}

/// All workers are threads of this process.
void train_in_threads(TrainNetArguments& arguments, Progress& progress) {
  ThreadPool pool(arguments.common.threads);
  const Material material = read_material(arguments, {pool, progress});
  report(material.rows, arguments.common);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, arguments.workers);
  tell_groups(arguments, arguments.workers);
  std::optional<NetTraining> first;
  Progress silent;
  run_workers(arguments.workers, arguments.common.threads, [&](Transport& transport) {
    Progress& own = transport.rank() == 0 ? progress : silent;
    NetTraining training = train_over(transport, arguments, material, own);
    if (transport.rank() == 0) first = std::move(training);
  });
  finish(arguments, material, {*first, arguments.workers}, {pool, progress});
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
  OptionTable own, network, training, strategy, connect, survival, common;
  describe(own, *arguments);
  describe(network, arguments->train.network);
  describe(training, arguments->train);
  describe(strategy, arguments->strategy, arguments->train.hybrid);
  describe(connect, arguments->connect);
  describe(survival, arguments->survival);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Network");
  command.flags().add(command.app(), std::move(network), "Layers");
  command.flags().add(command.app(), std::move(training), "Training");
  command.flags().add(command.app(), std::move(strategy), "Workers");
  command.flags().add(command.app(), std::move(connect), "Connection");
  command.flags().add(command.app(), std::move(survival), "Faults");
  add_options(command, arguments->inputs);
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    run(*arguments);
  });
}

}  // namespace coppice::app
