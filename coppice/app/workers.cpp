// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/workers.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "coppice/app/command.h"
#include "coppice/app/unused_options.h"
#include "coppice/app/version.h"
#include "coppice/core/error.h"
#include "coppice/dist/alike.h"

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

}  // namespace

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
  const std::optional<WorkerEnvironment> environment = worker_environment();
  if (!environment || environment->n_workers == 1) return nullptr;
  std::unique_ptr<Transport> transport = connect_workers(*environment, options);
  std::vector<std::string> alike{"program " + version_text()};
  const std::vector<std::string> own = own_options();
  const nlohmann::ordered_json resolved = flags.resolved();
  for (const auto& [name, value] : resolved.items()) {
    if (std::find(own.begin(), own.end(), name) == own.end()) alike.push_back(flag_name(name) + " " + value.dump());
  }
  alike.insert(alike.end(), facts.begin(), facts.end());
  expect_alike(*transport, alike);
  return transport;
}

}  // namespace coppice::app
