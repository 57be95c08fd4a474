// SPDX-License-Identifier: Apache-2.0
// coppice flow stand-in: a server that speaks OpenAI's protocol, with set prices, speed, quality and faults.
#include <fmt/core.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "coppice/flow/stand_in/stand_in_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "coppice/app/command.h"
#include "coppice/app/flow_inputs.h"
#include "coppice/app/messages.h"
#include "coppice/app/output.h"
#include "coppice/core/quantity.h"

namespace coppice::app {
namespace {

struct StandInArguments {
  CommonOptions common;
  std::string settings;
  std::string address = "127.0.0.1";
  uint32_t port = 8089;
  double patience_seconds = 2;
};

void describe(OptionTable& table, StandInArguments& arguments) {
  table.add("address", arguments.address, "Where it listens.");
  table.add("port", arguments.port, 0, 65535, "0: a free one, which is printed.");
  table.add("patience_seconds", arguments.patience_seconds, 0, 3600,
            "When it is to end, answers under way have so long.");
}

/// Of rules that name a step and say nothing by which a server could know it.
void tell_unheard_rules(const StandInOptions& options, const CommonOptions& common) {
  std::set<std::string> places;
  for (const auto& [name, model] : options.models) {
    for (const StandInRule& rule : model.answers) {
      if (!rule.steps.empty() && rule.step_texts.empty()) places.insert(rule.place);
    }
  }
  if (places.empty()) return;
  note(fmt::format("{} of the settings with a step and no step_texts ({}{}): a server is not told of steps, so what is "
                   "answered there is for flow plan alone",
                   counted(places.size(), "rule"), *places.begin(), places.size() > 1 ? ", ..." : ""),
       common);
}

void serve(const StandInArguments& arguments) {
  boost::asio::io_context loop(1);
  HttpServerOptions where;
  where.address = arguments.address;
  where.port = static_cast<uint16_t>(arguments.port);
  const StandInOptions options = read_stand_in_options(read_stand_in_settings(arguments.settings));
  tell_unheard_rules(options, arguments.common);
  StandInServer server(loop, options, where);
  boost::asio::signal_set signals(loop, SIGINT, SIGTERM);
  const auto patience = std::chrono::milliseconds(static_cast<int64_t>(arguments.patience_seconds * 1000));
  signals.async_wait([&](const boost::system::error_code& failed, int) {
    if (!failed) server.stop(patience);
  });
  print_out(fmt::format("http://{}:{}/v1\n", arguments.address, server.port()));
  loop.run();
}

}  // namespace

void add_flow_stand_in(CommandList& commands) {
  Command command(commands, "flow stand-in", "Serve a stand-in for models, with set prices, speed, quality and faults.",
                  "  coppice flow stand-in stand_in.yaml\n"
                  "  coppice flow stand-in --port 0\n");
  auto arguments = std::make_shared<StandInArguments>();
  command.app().add_option(
      "settings", arguments->settings,
      "what it simulates (YAML or JSON, docs/stand_in.md); any model, free and fast, unless given");
  OptionTable own, common;
  describe(own, *arguments);
  describe_quiet(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Server");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { serve(*arguments); });
}

}  // namespace coppice::app
