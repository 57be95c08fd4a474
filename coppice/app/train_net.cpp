// SPDX-License-Identifier: Apache-2.0
// coppice train-net: recordings, texts or features with labels in, a network out; with any number of workers.
#include <fmt/core.h>

#include <filesystem>
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
#include "coppice/app/unused_options.h"
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
  std::string output;
  uint32_t workers = 1;
  bool json = false;
  bool is_writer_quiet = false;  ///< who writes the model may be one who was silent
};

void describe(OptionTable& table, TrainNetArguments& arguments) {
  describe(table, arguments.inputs);
  table.add("workers", arguments.workers, 1, 4096,
            "Workers that are threads of this process, where no launcher has started several processes.");
  table.add("json", arguments.json, "Print what training came to as one JSON object.");
}

void check(const TrainNetArguments& arguments, const Flags& flags) {
  const std::vector<InputFile> files = input_files(arguments.inputs);
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

nlohmann::ordered_json to_json(const Traffic& traffic) {
  return {{"operations", traffic.operations},
          {"bytes_sent", traffic.bytes_sent},
          {"bytes_received", traffic.bytes_received},
          {"seconds", traffic.seconds}};
}

/// `writer`: whose figures these are.
nlohmann::ordered_json to_json(const NetTraining& training, uint32_t n_workers, uint32_t writer) {
  const HybridReport& report = training.report;
  return {{"workers", n_workers},
          {"worker", writer},
          {"parameters", training.parameters.size()},
          {"minibatches", report.steps},
          {"rows_of_this_worker", report.samples},
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
  uint32_t n_workers = 1;  ///< at first
  uint32_t writer = 0;     ///< which of them has the model
  const SurvivalReport* survival = nullptr;
};

/// What one worker does in the end.
void finish(const TrainNetArguments& arguments, const NetMaterial& material, const Outcome& outcome, Job job) {
  const NetTraining& training = outcome.training;
  NetModel model = make_net_model(material.set, training, material.module, arguments.train);
  if (training.report.n_skipped > 0) {
    note(fmt::format("{} of {} of this worker were left out: their gradients were no finite numbers",
                     training.report.n_skipped, counted(training.report.steps, "minibatch", "minibatches")),
         arguments.common);
  }
  nlohmann::ordered_json object = to_json(training, outcome.n_workers, outcome.writer);
  if (outcome.survival != nullptr) object["survival"] = to_json(*outcome.survival);
  model.save(arguments.output);  // whatever comes of measuring it
  if (material.held_out) {
    const Metrics metrics = evaluate_network(model, material.held_out->examples, {}, job);
    model = with_metrics(std::move(model), metrics);
    object["validation"] = coppice::to_json(metrics);
    if (!arguments.json) print_out(error_text(metrics));
    model.save(arguments.output);
  }
  if (arguments.json) print_out(json_text(object));
  const auto bytes = static_cast<double>(std::filesystem::file_size(arguments.output));
  CommonOptions common = arguments.common;
  common.quiet = arguments.is_writer_quiet;
  say(fmt::format("{}: {}, {}", arguments.output, counted(training.parameters.size(), "parameter"), bytes_text(bytes)),
      common);
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

/// Where workers come from.
enum class Workers : uint8_t { threads, processes };

/// What workers of one kind, of one strategy, or in one group do not look at.
std::vector<Unused> unused(const TrainNetArguments& arguments, Workers kind, uint32_t n_workers) {
  ConnectOptions connect;
  SurvivalOptions survival;
  OptionTable connection, faults, checkpoints;
  describe(connection, connect);
  describe(faults, survival);
  describe(checkpoints, survival.checkpoint);
  std::vector<std::string> of_loss = names_of(faults);
  for (const std::string& name : names_of(checkpoints)) std::erase(of_loss, name);
  const HybridOptions& hybrid = arguments.train.hybrid;
  const bool one_group = hybrid.group_size == 0 || hybrid.group_size == n_workers;
  const bool compresses =
      n_workers > 1 && hybrid.group_size != 1 && (hybrid.compression.threshold > 0 || hybrid.compression.density > 0);
  const bool threads = kind == Workers::threads, by_mpi = arguments.connect.transport == TransportKind::mpi;
  constexpr const char* kOneGroup = "there is one group, whose models need not be brought together";
  const std::vector<std::string> of_blocks{"block_variant",  "block_momentum",  "block_learning_rate", "block_exchange",
                                           "keeps_momentum", "block_fragments", "block_overlap"};
  std::vector<Unused> table = unused(arguments.inputs);
  const std::vector<Unused> own{
      {threads, names_of(connection), "all workers are threads of this process"},
      {threads, of_loss, "all workers are threads of this process"},
      {!threads && by_mpi, of_loss, "MPI ends all workers when one is lost"},
      {!threads && by_mpi, {"address", "interface", "connect_seconds"}, "MPI brings the workers together"},
      {!threads && !by_mpi && hybrid.overlap.minibatches > 0, of_loss, "with --block-overlap all end when one is lost"},
      {!threads, {"workers"}, "a launcher has started " + counted(n_workers, "worker")},
      {n_workers == 1, {"strategy", "group_size"}, "one worker trains by itself"},
      {!compresses, {"tau", "density", "residual_clip", "keeps_residual"}, "no compressed gradients are sent"},
      {compresses && hybrid.compression.threshold > 0, {"density"}, "--tau says what is sent"},
      {one_group, of_blocks, kOneGroup},
      {one_group && compresses, {"keeps_residual"}, kOneGroup},
      {one_group && !compresses, {"warm_start"}, "gradients are sent as they are in any case"},
      {!one_group && hybrid.overlap.minibatches == 0, {"block_fragments"}, "--block-overlap is 0"},
      {arguments.survival.checkpoint.folder.empty(), {"checkpoint_blocks"}, "no checkpoints are written"}};
  table.insert(table.end(), own.begin(), own.end());
  return table;
}

/// What the strategy comes to with so many workers. What has no effect is said.
void resolve_strategy(TrainNetArguments& arguments, const Flags& flags, Workers kind, uint32_t n_workers) {
  HybridOptions& hybrid = arguments.train.hybrid;
  hybrid = resolve(arguments.strategy, hybrid, n_workers);
  if (hybrid.group_size == 0 || hybrid.group_size == n_workers) hybrid.overlap = {};
  note_unused(flags, unused(arguments, kind, n_workers), arguments.common);
  tell_groups(arguments, n_workers);
}

/// With checkpoints, where any are wanted.
NetTraining train_over(Transport& transport, const TrainNetArguments& arguments, const NetMaterial& material,
                       Progress& progress) {
  const CheckpointOptions& checkpoint = arguments.survival.checkpoint;
  const NetSet& set = material.set;
  if (checkpoint.folder.empty()) return train_network(transport, set, material.module, arguments.train, progress);
  return train_network_with_checkpoints(transport, {set, material.module, arguments.train, progress}, checkpoint);
}

/// One of several processes that live and end together.
void train_as_one_of_all(const TrainNetArguments& arguments, const WorkerEnvironment& environment,
                         const NetMaterial& material, Job job) {
  const std::unique_ptr<Transport> transport = connect_workers(environment, arguments.connect);
  const NetTraining training = train_over(*transport, arguments, material, job.progress);
  if (transport->rank() == 0) finish(arguments, material, {training, transport->size()}, job);
  transport->barrier();  // the others would report a success that did not come yet
}

/// One of several processes, of which some may be lost.
void train_and_survive(const TrainNetArguments& arguments, const WorkerEnvironment& environment,
                       const NetMaterial& material, Job job) {
  train_network_and_survive({environment, arguments.connect, arguments.survival},
                            {material.set, material.module, arguments.train, job.progress},
                            [&](const NetTraining& training, const SurvivalReport& survival) {
                              const Outcome outcome{training, environment.n_workers, environment.worker, &survival};
                              finish(arguments, material, outcome, job);
                            });
}

void train_as_worker(TrainNetArguments& arguments, const Flags& flags, const WorkerEnvironment& environment,
                     Progress& progress) {
  if (arguments.connect.transport == TransportKind::gloo) expect_store(environment);  // before hours of reading
  ThreadPool pool(arguments.common.threads);
  const NetMaterial material = read_net_material(arguments.inputs, {pool, progress});
  if (environment.worker == 0) report(material, arguments.common);
  resolve_strategy(arguments, flags, Workers::processes, environment.n_workers);
  // While models are under way between the groups there is nothing that all could go back to.
  const bool can_survive =
      arguments.connect.transport == TransportKind::gloo && arguments.train.hybrid.overlap.minibatches == 0;
  (can_survive ? train_and_survive : train_as_one_of_all)(arguments, environment, material, {pool, progress});
}

/// All workers are threads of this process.
void train_in_threads(TrainNetArguments& arguments, const Flags& flags, Progress& progress) {
  ThreadPool pool(arguments.common.threads);
  const NetMaterial material = read_net_material(arguments.inputs, {pool, progress});
  report(material, arguments.common);
  resolve_strategy(arguments, flags, Workers::threads, arguments.workers);
  std::optional<NetTraining> first;
  Progress silent;
  run_workers(arguments.workers, arguments.common.threads, [&](Transport& transport) {
    Progress& own = transport.rank() == 0 ? progress : silent;
    NetTraining training = train_over(transport, arguments, material, own);
    if (transport.rank() == 0) first = std::move(training);
  });
  finish(arguments, material, {*first, arguments.workers}, {pool, progress});
}

void run(TrainNetArguments& arguments, const Flags& flags) {
  const std::optional<WorkerEnvironment> environment = worker_environment();
  TerminalProgress progress(default_style(arguments.common));
  arguments.is_writer_quiet = arguments.common.quiet;
  if (environment && environment->worker > 0) {  // worker 0 speaks for all, as long as it is there
    arguments.common.quiet = true;
    progress.speaks_for_all(false);
  }
  const StopOnSignals stop(progress);
  if (environment && environment->n_workers > 1) return train_as_worker(arguments, flags, *environment, progress);
  // Who is started again goes on where it was.
  CheckpointOptions& checkpoint = arguments.survival.checkpoint;
  if (environment && environment->start > 0 && !checkpoint.folder.empty()) checkpoint.resumes = true;
  train_in_threads(arguments, flags, progress);
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
    run(*arguments, flags);
  });
}

}  // namespace coppice::app
