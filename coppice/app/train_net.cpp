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
  NetTask task = NetTask::text;
  NetInput input;
  NetReadOptions read;
  NetTrainOptions train;
  StrategyOptions strategy;
  ConnectOptions connect;
  std::string module, validate, output;
  std::vector<std::string> hold_out;
  uint32_t workers = 1;
  bool json = false;
};

void describe(OptionTable& table, TrainNetArguments& arguments) {
  table.add("task", arguments.task,
            {{NetTask::speech, "speech"}, {NetTask::text, "text"}, {NetTask::features, "features"}},
            "What the rows are: recordings; texts, by the features of a vectorizer (rows with sparse features will do, "
            "too); rows of numbers.");
  table.add("data", arguments.input.path,
            "Rows with labels. Speech: a folder of recordings (LABEL_SPEAKER_NUMBER.wav, or LABEL/SPEAKER_NUMBER.wav), or "
            "JSON lines {\"audio\": path, \"labels\": [...]}. Else any format of docs/formats.md. Each worker reads them.");
  table.add("hold_out", arguments.hold_out,
            "Speakers whose recordings are not trained on: the network is measured on them, and the figures kept in it.");
  table.add("validate", arguments.validate, "Rows with labels that the network is measured on; the figures are kept in it.");
  table.add("module", arguments.module,
            "A TorchScript file of your own that takes the place of our layers; docs/networks.md says what its forward "
            "is given.");
  table.add("workers", arguments.workers, 1, 4096,
            "Workers that are threads of this process, where no launcher has started several processes.");
  table.add("json", arguments.json, "Print what training came to as one JSON object.");
}

std::vector<InputFile> inputs_of(const TrainNetArguments& arguments) {
  return {{"--data", arguments.input.path}, {"--validate", arguments.validate}, {"--module", arguments.module, "a module"}};
}

void check(const TrainNetArguments& arguments, const Flags& flags) {
  expect_named(inputs_of(arguments), flags);
  if (arguments.input.path.empty()) {
    throw Error(ErrorCode::usage, "no rows are given", {}, "--data PATH says what to train on");
  }
  if (arguments.output.empty()) {
    throw Error(ErrorCode::usage, "no output is given", {}, "-o MODEL says where the model goes");
  }
  if (!arguments.hold_out.empty() && (arguments.task != NetTask::speech || !arguments.validate.empty())) {
    throw Error(ErrorCode::usage, "hold_out is for speech, and takes the place of validate");
  }
  expect_no_input(arguments.output, paths_of(inputs_of(arguments)));
  expect_writable(arguments.output);
}

std::string bytes_of(const std::string& path) {
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_io_error("cannot open", path, errno);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What to train on, and what to measure by.
struct Material {
  NetSet set;
  std::optional<NetRows> held_out;
  std::string module;
};

Material read_material(const TrainNetArguments& arguments, Job job) {
  Material material{read_net_set(arguments.task, arguments.input, arguments.read, job), {}, bytes_of(arguments.module)};
  if (!arguments.hold_out.empty()) {
    material.held_out = hold_speakers_out(material.set.rows, arguments.hold_out);
  } else if (!arguments.validate.empty()) {
    LabelIndex labels(material.set.label_names, material.set.n_labels);
    material.held_out = read_net_rows(material.set.features, {arguments.validate, arguments.input.read}, labels, job);
  }
  return material;
}

void report_data(const TrainNetArguments& arguments, const Material& material) {
  const NetExamples& examples = material.set.rows.examples;
  say(fmt::format("{} to train on{}, {}", counted(examples.size(), "row"),
                  material.held_out ? fmt::format(", {} held out", material.held_out->examples.size()) : "",
                  counted(material.set.n_labels, "label")),
      arguments.common);
  print_remarks(material.set.rows.report, RowsAre::examples, arguments.common);
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
  NetModel model = make_net_model(material.set, training, material.module, arguments.train);
  nlohmann::ordered_json object = to_json(training, n_workers);
  if (material.held_out) {
    const Metrics metrics = evaluate_network(model, material.held_out->examples, {}, job);
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
  if (transport->rank() == 0) report_data(arguments, material);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, transport->size());
  const NetTraining training = train_network(*transport, material.set, material.module, arguments.train, progress);
  if (transport->rank() == 0) finish(arguments, material, training, transport->size(), {pool, progress});
  transport->barrier();  // the others would report a success that did not come yet
}

/// All workers are threads of this process.
void train_in_threads(TrainNetArguments& arguments, Progress& progress) {
  ThreadPool pool(arguments.common.threads);
  const Material material = read_material(arguments, {pool, progress});
  report_data(arguments, material);
  arguments.train.hybrid = resolve(arguments.strategy, arguments.train.hybrid, arguments.workers);
  std::optional<NetTraining> first;
  Progress silent;
  run_workers(arguments.workers, arguments.common.threads, [&](Transport& transport) {
    Progress& own = transport.rank() == 0 ? progress : silent;
    NetTraining training = train_network(transport, material.set, material.module, arguments.train, own);
    if (transport.rank() == 0) first = std::move(training);
  });
  finish(arguments, material, *first, arguments.workers, {pool, progress});
}

void run(TrainNetArguments& arguments) {
  const std::optional<WorkerEnvironment> environment = worker_environment();
  if (environment && environment->worker > 0) arguments.common.quiet = true;  // worker 0 speaks for all
  TerminalProgress progress(default_style(arguments.common));
  const StopOnSignals stop(progress);
  arguments.input.read.stop = &progress;
  if (environment && environment->n_workers > 1) return train_as_worker(arguments, *environment, progress);
  train_in_threads(arguments, progress);
}

}  // namespace

void add_train_net(CommandList& commands) {
  Command command(commands, "train-net", "Train a network on recordings, texts or features, with any number of workers.",
                  "  coppice train-net --task speech --data recordings --hold-out theo -o digits.coppice\n"
                  "  coppice train-net --data train.jsonl --validate held_out.jsonl -o tags.coppice\n"
                  "  coppice dist launch -n 8 -- coppice train-net --data train.jsonl --strategy gtc+bmuf "
                  "--group-size 4 -o tags.coppice\n");
  auto arguments = std::make_shared<TrainNetArguments>();
  command.app().add_option("-o,--output", arguments->output, "where the model goes");
  OptionTable own, network, training, strategy, speech, text, read, connect, common;
  describe(own, *arguments);
  describe(network, arguments->train.network);
  describe(training, arguments->train);
  describe(strategy, arguments->strategy);
  describe(strategy, arguments->train.hybrid);
  describe(speech, arguments->read.log_mel);
  describe(text, arguments->read.vectorizer);
  describe(read, arguments->input.read);
  describe(connect, arguments->connect);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Network");
  command.flags().add(command.app(), std::move(network), "Layers");
  command.flags().add(command.app(), std::move(training), "Training");
  command.flags().add(command.app(), std::move(strategy), "Workers");
  command.flags().add(command.app(), std::move(connect), "Connection");
  command.flags().add(command.app(), std::move(speech), "Speech");
  command.flags().add(command.app(), std::move(text), "Text");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments, &flags = command.flags()] {
    check(*arguments, flags);
    run(*arguments);
  });
}

}  // namespace coppice::app
