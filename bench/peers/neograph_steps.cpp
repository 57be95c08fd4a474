// SPDX-License-Identifier: Apache-2.0
// coppice_bench_peer_neograph --folder=FOLDER [--runs=400]: chains of nodes that add one to a number, by NeoGraph's C++
// core: microseconds a run. One JSON object out. Built where CMake finds an installed NeoGraph (CMAKE_PREFIX_PATH).
#include <fmt/core.h>
#include <neograph/graph/sqlite_checkpoint.h>
#include <neograph/neograph.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"

namespace coppice::bench {
namespace {

namespace peer = neograph::graph;
using PeerJson = neograph::json;

struct Arguments {
  std::string folder;
  uint32_t runs = 400;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("folder", arguments.folder, "Where the checkpoints are written: of the disk that is to be measured.");
  table.add("runs", arguments.runs, 100, 10'000'000, "Of each chain; of 100 steps a fifth of that.");
}

/// A plain function as node: on NeoGraph's path without coroutines, the faster one.
class AddOne : public peer::SyncGraphNode {
 public:
  explicit AddOne(const std::string& name) : SyncGraphNode(name) {}

 protected:
  peer::NodeOutput run_sync(peer::NodeInput input) override {
    const auto value = input.state.get("x");
    const int x = value.is_number() ? value.get<int>() : 0;
    return peer::NodeOutput{{peer::ChannelWrite{"x", PeerJson(x + 1)}}};
  }
};

PeerJson chain(uint32_t steps) {
  PeerJson nodes = PeerJson::object(), edges = PeerJson::array();
  const auto name = [](uint32_t i) { return fmt::format("s{}", i); };
  for (uint32_t i = 0; i < steps; ++i) {
    nodes[name(i)] = PeerJson{{"type", "add_one"}};
    edges.push_back(PeerJson{{"from", i == 0 ? "__start__" : name(i - 1)}, {"to", name(i)}});
  }
  edges.push_back(PeerJson{{"from", name(steps - 1)}, {"to", "__end__"}});
  PeerJson graph = PeerJson::object();
  graph["name"] = "chain";
  graph["channels"] = PeerJson{{"x", PeerJson{{"reducer", "overwrite"}}}};
  graph["nodes"] = nodes;
  graph["edges"] = edges;
  return graph;
}

int value_of(const peer::RunResult& result) {
  return result.output["channels"]["x"]["value"].get<int>();
}

using StoreMaker = std::function<std::shared_ptr<peer::CheckpointStore>()>;

/// Of one run. A run with checkpoints has a thread of its own, as independent runs have.
double microseconds_of_run(peer::GraphEngine& engine, uint32_t steps, const std::string& thread) {
  peer::RunConfig config;
  config.thread_id = thread;  // "" = no checkpoints
  config.max_steps = static_cast<int>(steps) + 10;
  config.input = PeerJson{{"x", 0}};
  const Stopwatch watch;
  const auto result = engine.run(config);
  const double microseconds = watch.spent().wall_seconds * 1e6;
  if (value_of(result) != static_cast<int>(steps)) throw Error(ErrorCode::internal, "the chain did not count");
  return microseconds;
}

constexpr uint32_t kTurn = 20;  ///< runs before a new store, as of ours: a file does not stay small

/// Of runs of a graph compiled once a turn; those of the first turn warm up.
nlohmann::json figures(uint32_t steps, uint32_t runs, const StoreMaker& make_store) {
  std::vector<double> times;
  for (uint32_t turn = 0; turn <= runs / kTurn; ++turn) {
    const auto store = make_store();
    const auto engine = peer::GraphEngine::compile(chain(steps), peer::NodeContext{}, store);
    for (uint32_t i = 0; i < kTurn; ++i) {
      const double time = microseconds_of_run(*engine, steps, store ? fmt::format("run-{}", i) : std::string());
      if (turn > 0) times.push_back(time);
    }
  }
  std::sort(times.begin(), times.end());
  return {{"steps", steps},
          {"runs", times.size()},
          {"p50", times[times.size() / 2]},
          {"p99", times[times.size() * 99 / 100]}};
}

void remove_database(const std::string& path) {
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(path + end);
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  peer::NodeFactory::instance().register_type("add_one",
                                              [](const std::string& name, const PeerJson&, const peer::NodeContext&) {
                                                return std::make_unique<AddOne>(name);
                                              });
  const std::string path = (std::filesystem::path(arguments.folder) / "coppice_bench_neograph.db").string();
  const std::vector<std::pair<std::string, StoreMaker>> stores = {
      {"in memory", [] { return nullptr; }},
      {"checkpoints in memory", [] { return std::make_shared<peer::InMemoryCheckpointStore>(); }},
      {"sqlite", [&] {
         remove_database(path);
         return std::make_shared<peer::SqliteCheckpointStore>(path);  // WAL, synchronous NORMAL
       }}};
  nlohmann::json cases;
  for (const uint32_t steps : {3U, 10U, 100U}) {
    const uint32_t runs = arguments.runs / (steps < 100 ? 1 : 5);
    for (const auto& [name, make_store] : stores) {
      cases[fmt::format("{} steps, {}", steps, name)] = figures(steps, runs, make_store);
    }
  }
  remove_database(path);
  fmt::print("{}\n", nlohmann::json{{"neograph", COPPICE_BENCH_NEOGRAPH}, {"cases", cases}}.dump());
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
