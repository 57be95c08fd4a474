// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/workers.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/app/command.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/version.h"
#include "coppice/core/error.h"
#include "coppice/core/parallel.h"
#include "coppice/core/quantity.h"
#include "coppice/dist/alike.h"
#include "coppice/model/format.h"

namespace coppice::app {
namespace {

/// Options that each worker may have its own of.
std::vector<std::string> own_options() {
  CommonOptions common;
  ConnectOptions connect;
  OptionTable table;
  describe(table, common);
  describe(table, connect);
  std::vector<std::string> names = names_of(table);
  names.insert(names.end(), {"json", "output"});
  return names;
}

std::string content_of(const std::string& model_path) {
  return uuid_text(ModelFile::map(model_path).header().uuid);
}

std::string size_of(const std::string& path) {
  std::error_code unknown;
  const uintmax_t size = std::filesystem::file_size(path, unknown);
  return unknown ? "unknown size" : counted(size, "byte");
}

}  // namespace

bool has_others() {
  const std::optional<WorkerEnvironment> environment = worker_environment();
  return environment && environment->n_workers > 1;
}

void share_cores(const Flags& flags) noexcept {
  try {
    const std::optional<WorkerEnvironment> environment = worker_environment();
    if (!environment || environment->n_local < 2 || environment->worker == 0) return;
    for (const Flags::Section& section : flags.sections()) {
      for (const Option& option : section.table.options()) {
        if (option.name != "threads" || option.get() != 0) continue;
        option.set(std::max<size_t>(1, default_threads() / environment->n_local));
      }
    }
  } catch (const std::exception&) {  // whoever needs the variables says what is wrong with them
  }
}

void expect_one_worker(const std::string& command) {
  if (!has_others()) return;
  throw Error(ErrorCode::unsupported, command + " is for one worker, and a launcher has started more");
}

bool speaks_for_all() noexcept {
  try {
    const std::optional<WorkerEnvironment> environment = worker_environment();
    return !environment || environment->worker == 0;
  } catch (const std::exception&) {
    return true;
  }
}

std::unique_ptr<Transport> connect_others(const ConnectOptions& options, const Flags& flags,
                                          const std::vector<std::string>& facts) {
  if (!has_others()) return nullptr;
  std::unique_ptr<Transport> transport = connect_workers(*worker_environment(), options);
  std::string alike = "program " + version_text() + "\n";
  const std::vector<std::string> own = own_options();
  const nlohmann::ordered_json resolved = flags.resolved();
  for (const auto& [name, value] : resolved.items()) {
    if (std::find(own.begin(), own.end(), name) == own.end()) alike += flag_name(name) + " " + value.dump() + "\n";
  }
  for (const std::string& fact : facts) alike += fact + "\n";
  expect_alike(*transport, alike);
  return transport;
}

void predict_with_others(const ConnectOptions& options, const Flags& flags, const SharedFiles& files,
                         const std::function<void(Transport* others)>& predict) {
  if (!has_others()) return predict(nullptr);
  if (files.input == "-") {
    throw Error(ErrorCode::usage, "the rows come from standard input, which several workers cannot read", {},
                "give them a file that each of them can read");
  }
  const std::unique_ptr<Transport> others =
      connect_others(options, flags, {"a model of " + content_of(files.model_path), "rows of " + size_of(files.input)});
  try {
    predict(others.get());
    others->barrier();
  } catch (const std::exception& error) {
    others->abort("worker " + std::to_string(others->rank()) + ": " + error.what());
    throw;
  }
}

}  // namespace coppice::app
