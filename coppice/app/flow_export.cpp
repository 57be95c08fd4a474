// SPDX-License-Identifier: Apache-2.0
// coppice flow export: a run of the journal for tools that watch programs.
#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/app/command.h"
#include "coppice/app/flow_options.h"
#include "coppice/app/flow_telemetry.h"
#include "coppice/app/input_files.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/output_file.h"
#include "coppice/flow/report/otlp.h"
#include "coppice/flow/report/otlp_sender.h"
#include "coppice/flow/report/run_metrics.h"

namespace coppice::app {
namespace {

enum class ExportFormat : uint8_t { traces, metrics, prometheus };

struct ExportArguments {
  FlowOptions flow;
  CommonOptions common;
  std::string run, output, to;
  ExportFormat format = ExportFormat::traces;
};

void describe(OptionTable& table, ExportArguments& arguments) {
  table.add("format", arguments.format,
            {{ExportFormat::traces, "otlp-traces"},
             {ExportFormat::metrics, "otlp-metrics"},
             {ExportFormat::prometheus, "prometheus"}},
            "What is written: the run as a trace of OpenTelemetry (OTLP as JSON), its figures as such, or its figures "
            "as Prometheus reads them.");
  table.add("to", arguments.to,
            "Send it to this collector (OTLP/HTTP, http://127.0.0.1:4318); environment = the one that "
            "OTEL_EXPORTER_OTLP_ENDPOINT names.");
}

RunTelemetry telemetry_of(const ExportArguments& arguments) {
  if (arguments.flow.journal.find(':') == std::string::npos) expect_readable({{"--journal", arguments.flow.journal}});
  const auto journal = open_journal(arguments.flow.journal, Durability::process);
  const auto record = journal->find(arguments.run);
  if (!record) {
    throw Error(ErrorCode::usage, fmt::format("the journal has no run '{}'", arguments.run), {},
                "coppice flow list shows those that there are");
  }
  return run_telemetry(*record, journal->events(arguments.run));
}

nlohmann::ordered_json otlp_of(const RunTelemetry& telemetry, ExportFormat format) {
  const OtlpSource source = otlp_source();
  return format == ExportFormat::traces ? otlp_traces(telemetry, source) : otlp_metrics(telemetry, source);
}

void send(const ExportArguments& arguments) {
  const auto collector = otlp_destination(arguments.to == "environment" ? "" : arguments.to);
  const bool is_trace = arguments.format == ExportFormat::traces;
  const std::string url = !collector ? "" : is_trace ? collector->traces_url : collector->metrics_url;
  if (url.empty()) throw Error(ErrorCode::usage, "OTEL_EXPORTER_OTLP_ENDPOINT is not set");
  const std::string remark = send_otlp(*collector, url, otlp_of(telemetry_of(arguments), arguments.format));
  if (!remark.empty()) note(remark, arguments.common);
}

std::string text_of(const RunTelemetry& telemetry, ExportFormat format) {
  if (format != ExportFormat::prometheus) return json_text(otlp_of(telemetry, format));
  PrometheusMetrics metrics;
  count_run(metrics, telemetry, 0);
  return metrics.text();
}

void export_run(const ExportArguments& arguments) {
  if (!arguments.to.empty() && arguments.format == ExportFormat::prometheus) {
    throw Error(ErrorCode::usage, "--to takes OTLP, and the format is prometheus", {},
                "--format otlp-metrics sends the figures");
  }
  if (!arguments.to.empty()) send(arguments);
  if (arguments.output.empty() && !arguments.to.empty()) return;
  const std::string text = text_of(telemetry_of(arguments), arguments.format);
  if (arguments.output.empty()) return print_out(text);
  OutputFile file(arguments.output);
  file.write(text);
  file.commit();
}

}  // namespace

void add_flow_export(CommandList& commands) {
  Command command(commands, "flow export", "Write or send a run for tools that watch programs.",
                  "  coppice flow export 20261123-150405-k3f9x2 -o trace.json\n"
                  "  coppice flow export 20261123-150405-k3f9x2 --format otlp-metrics --to http://127.0.0.1:4318\n");
  auto arguments = std::make_shared<ExportArguments>();
  command.app().add_option("run", arguments->run, "its id")->required();
  command.app().add_option("-o,--output", arguments->output, "the file; standard output unless given");
  OptionTable own, flow, common;
  describe(own, *arguments);
  describe_journal(flow, arguments->flow);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Export");
  command.flags().add(command.app(), std::move(flow), "Journal");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { export_run(*arguments); });
}

}  // namespace coppice::app
