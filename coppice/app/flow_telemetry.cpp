// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flow_telemetry.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "coppice/app/messages.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/flow/report/otlp.h"
#include "coppice/flow/report/run_metrics.h"

namespace coppice::app {
namespace {

/// While it lives, no other process of ours changes the file: of runs that end at the same time, both are counted.
/// The lock is a file beside it, since the file itself is replaced.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : descriptor_(::open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) throw_io_error("open", path + ".lock", errno);
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~FileLock() { ::close(descriptor_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

std::string text_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write_whole(const std::string& path, const std::string& text) {
  OutputFile file(path);
  file.write(text);
  file.commit();
}

/// A collector that is asked for must be one; of what the environment says, made for other programs, no run fails.
std::optional<OtlpDestination> collector_of(const TelemetryOptions& options, const CommonOptions& common) {
  try {
    return otlp_destination(options.otlp);
  } catch (const Error& failure) {
    if (!options.otlp.empty()) throw;
    note(fmt::format("the run will not be exported: {}", failure.what()), common);
    return {};
  }
}

int64_t nanoseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

void describe(OptionTable& table, TelemetryOptions& options) {
  table.add("otlp", options.otlp,
            "Send the run's trace and figures to this collector (OTLP/HTTP, http://127.0.0.1:4318) once it has ended; "
            "what OTEL_EXPORTER_OTLP_ENDPOINT says unless given.");
  table.add("metrics", options.metrics,
            "Add the run's figures to this file (Prometheus text, for the textfile collector of a node exporter) once "
            "it has ended.");
}

RunReporter::RunReporter(const TelemetryOptions& options, const CommonOptions& common)
    : common_(common),
      metrics_(options.metrics),
      collector_(collector_of(options, common)),
      began_nanoseconds_(nanoseconds_now()) {
  if (!metrics_.empty()) expect_writable(metrics_);
}

void RunReporter::tell(JournalStore& journal, const std::string& run) const {
  if (metrics_.empty() && !collector_) return;
  try {
    const auto record = journal.find(run);
    if (!record) return;
    const RunTelemetry telemetry = run_telemetry(*record, journal.events(run));
    if (!metrics_.empty()) count(telemetry);
    if (collector_) send(telemetry);
  } catch (const std::exception& failure) {
    note(fmt::format("the run was not exported: {}", failure.what()), common_);
  }
}

void RunReporter::send(const RunTelemetry& telemetry) const {
  const OtlpSource source = otlp_source();
  const auto post = [&](const std::string& url, const nlohmann::ordered_json& body) {
    const std::string remark = url.empty() ? "" : send_otlp(*collector_, url, body);
    if (!remark.empty()) note(remark, common_);
  };
  post(collector_->traces_url, otlp_traces(telemetry, source));
  post(collector_->metrics_url, otlp_metrics(telemetry, source));
}

void RunReporter::count(const RunTelemetry& telemetry) const {
  PrometheusMetrics metrics;
  count_run(metrics, telemetry, began_nanoseconds_);
  if (is_output_stream(metrics_)) return write_whole(metrics_, metrics.text());
  try {
    const FileLock lock(metrics_);
    const std::string before = std::filesystem::exists(metrics_) ? text_of_file(metrics_) : "";
    write_whole(metrics_, merged_metrics(before, metrics.text()));
  } catch (const Error& failure) {
    note(fmt::format("{} was not written: {}", metrics_, failure.what()), common_);
  }
}

}  // namespace coppice::app
