// SPDX-License-Identifier: Apache-2.0
// coppice dist: what workers of several processes need. launch starts them on this machine, store is where they find
// one another, check says whether they do, and how fast they talk.
#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/app/signals.h"
#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/dist/alike.h"
#include "coppice/dist/connect.h"
#include "coppice/dist/launcher.h"
#include "coppice/dist/link_check.h"
#include "coppice/dist/network_model.h"
#include "coppice/dist/store.h"

namespace coppice::app {
namespace {

struct LaunchArguments {
  LaunchOptions launch;
  std::vector<std::string> command;
  CommonOptions common;
};

void describe(OptionTable& table, LaunchArguments& arguments) {
  table.add("grace_seconds", arguments.launch.grace_seconds, 0, 86400,
            "When a worker fails, the others are asked to end; those that have not after so long are killed.");
  table.add("restarts", arguments.launch.restarts, 0, 1U << 30,
            "How often, in all, a worker that was killed (by a signal: kill -9, no memory left) is started again; the "
            "others take it in, if what they run can do that.");
  table.add("min_workers", arguments.launch.min_workers, 0, 1U << 20,
            "When workers were killed, and are not started again, those that are left go on as long as they are so "
            "many. 0: all are needed.");
}

/// Says what happens to workers.
class LaunchProgress final : public Progress {
 public:
  explicit LaunchProgress(const CommonOptions& common) : common_(common) {}
  void note(std::string_view text) override { app::note(std::string(text), common_); }

 private:
  const CommonOptions& common_;
};

void launch(const LaunchArguments& arguments) {
  if (arguments.launch.n_workers == 0) throw Error(ErrorCode::usage, "-n is 0, expected 1 worker or more");
  LaunchProgress progress(arguments.common);
  const StopOnSignals stop(progress);
  const LaunchEnd end = launch_workers(arguments.command, arguments.launch, progress);
  if (end.code == 0) return;
  const std::string how =
      end.code > 128 ? fmt::format("was ended by signal {}", end.code - 128) : fmt::format("ended with {}", end.code);
  throw Error(ErrorCode::remote, fmt::format("worker {} {}, and so the others were ended", end.worker, how), {},
              end.code > 128
                  ? "train-net can do without it: --min-workers lets the others go on, --restarts starts it again"
                  : "");
}

struct StoreArguments {
  std::string address;
  uint32_t port = 0;
  CommonOptions common;
};

void describe(OptionTable& table, StoreArguments& arguments) {
  table.add("address", arguments.address,
            "The address of this machine to listen at. It trusts whoever reaches it: one of the cluster's own network, "
            "or 127.0.0.1. Nothing: every address.");
  table.add("port", arguments.port, 0, 65535, "0 = a free one.");
}

std::string own_name(const std::string& address) {
  if (!address.empty()) return address;
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

void keep_store(const StoreArguments& arguments) {
  Progress progress;
  const StopOnSignals stop(progress);
  const StoreServer store(arguments.address, static_cast<uint16_t>(arguments.port));
  print_out(fmt::format("COPPICE_STORE={}:{}\n", own_name(arguments.address), store.port()));
  while (!progress.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

struct CheckArguments {
  ConnectOptions connect;
  std::string most_bytes = "16Mi";
  uint32_t repeats = 5;
  bool json = false;
  CommonOptions common;
};

void describe(OptionTable& table, CheckArguments& arguments) {
  table.add("most_bytes", arguments.most_bytes,
            "Operations are tried with up to so many bytes of each worker: 64k, 16Mi.");
  table.add("repeats", arguments.repeats, 1, 1000, "The median of so many counts.");
  table.add("json", arguments.json, "Print one JSON object.");
}

/// What `dist study` wants to know of a network; nothing where the timings do not tell it.
std::optional<NetworkModel> network_of(const std::vector<LinkTiming>& timings, const Transport& transport) {
  try {
    return fit_network(samples_of(timings, transport.size()));
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string table_text(const std::vector<LinkTiming>& timings, const Transport& transport) {
  std::string text = fmt::format("{}, sums have the same bits on all\n\n{:<12} {:>10} {:>12} {:>12}\n",
                                 counted(transport.size(), "worker"), "operation", "bytes", "time", "sent a second");
  for (const LinkTiming& timing : timings) {
    text += fmt::format("{:<12} {:>10} {:>9.0f} us {:>12}\n", timing.operation,
                        bytes_text(static_cast<double>(timing.bytes)), 1e6 * timing.seconds,
                        timing.bytes == 0 ? "" : bytes_text(timing.bytes_per_second));
  }
  if (const auto network = network_of(timings, transport)) {
    text += fmt::format("\nfor dist study: --latency-us {:.1f} --megabit-per-second {:.1f}\n",
                        1e6 * network->latency_seconds, 8e-6 * network->bytes_per_second);
  }
  return text;
}

nlohmann::ordered_json to_json(const std::vector<LinkTiming>& timings, const Transport& transport) {
  nlohmann::ordered_json json{{"workers", transport.size()}, {"operations", nlohmann::ordered_json::array()}};
  for (const LinkTiming& timing : timings) {
    json["operations"].push_back({{"operation", timing.operation},
                                  {"bytes", timing.bytes},
                                  {"seconds", timing.seconds},
                                  {"bytes_per_second", timing.bytes_per_second}});
  }
  if (const auto network = network_of(timings, transport)) {
    json["network"] = {{"latency_us", 1e6 * network->latency_seconds},
                       {"megabit_per_second", 8e-6 * network->bytes_per_second}};
  }
  return json;
}

void check_workers(const CheckArguments& arguments) {
  end_on_signals();
  const uint64_t most_bytes = parse_bytes(arguments.most_bytes, "most_bytes", BareSize::bytes);
  const std::optional<WorkerEnvironment> environment = worker_environment();
  if (!environment) {
    throw Error(ErrorCode::usage, "no launcher has started this: it does not know of other workers", {},
                "coppice dist launch -n 4 -- coppice dist check");
  }
  const std::unique_ptr<Transport> transport = connect_workers(*environment, arguments.connect);
  expect_alike(*transport, fmt::format("most_bytes {}\nrepeats {}\n", most_bytes, arguments.repeats));
  const std::vector<LinkTiming> timings = check_links(*transport, most_bytes, arguments.repeats);
  if (transport->rank() == 0) {
    print_out(arguments.json ? json_text(to_json(timings, *transport)) : table_text(timings, *transport));
  }
  transport->barrier();
}

void add_launch(CommandList& commands) {
  Command command(commands, "dist launch", "Start workers on this machine, and a store where they find one another.",
                  "  coppice dist launch -n 4 -- coppice dist check\n");
  auto arguments = std::make_shared<LaunchArguments>();
  command.app().add_option("-n,--workers", arguments->launch.n_workers, "how many workers")->required();
  command.app().add_option("command", arguments->command, "what each of them runs, behind --")->required();
  OptionTable own, common;
  describe(own, *arguments);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Workers");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { launch(*arguments); });
}

void add_store(CommandList& commands) {
  Command command(commands, "dist store", "Keep the store where workers of several machines find one another.",
                  "  coppice dist store --address 10.0.0.1 --port 29500\n");
  auto arguments = std::make_shared<StoreArguments>();
  OptionTable own, common;
  describe(own, *arguments);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Store");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { keep_store(*arguments); });
}

void add_check(CommandList& commands) {
  Command command(commands, "dist check", "See whether workers find one another, and how fast they talk.",
                  "  coppice dist launch -n 4 -- coppice dist check\n"
                  "  mpirun -n 4 coppice dist check --transport mpi\n");
  auto arguments = std::make_shared<CheckArguments>();
  OptionTable own, connect, common;
  describe(own, *arguments);
  describe(connect, arguments->connect);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Check");
  command.flags().add(command.app(), std::move(connect), "Connection");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { check_workers(*arguments); });
}

}  // namespace

void add_dist(CommandList& commands) {
  add_launch(commands);
  add_store(commands);
  add_check(commands);
}

}  // namespace coppice::app
