// SPDX-License-Identifier: Apache-2.0
// coppice_bench_retrieval --model=FILE,FILE --queries=FILE [--beams=0,10]: how long one query after the other takes on
// indexes of passages, from its text to the texts of the passages, and how much of what the first index finds for
// certain others find.
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/data/line_reader.h"
#include "coppice/model/retrieve.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::vector<std::string> model;
  std::string queries;
  std::vector<uint32_t> beams{0};
  uint32_t rounds = 3;
  RetrieveOptions retrieve;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("model", arguments.model, "Indexes; what the first one finds without a beam is right.");
  table.add("queries", arguments.queries, "A file of queries, one a line.");
  table.add("beams", arguments.beams, 0, UINT32_MAX, "Each of them is tried on each index.");
  table.add("rounds", arguments.rounds, 1, 1000, "All queries by each index and beam in turn, so often.");
  describe(table, arguments.retrieve);
}

std::vector<std::string> read_lines(const std::string& path) {
  LineReader reader(InputStream::open(path));
  std::vector<std::string> lines;
  while (const auto line = reader.next()) lines.emplace_back(line->text);
  if (lines.empty()) throw Error(ErrorCode::data, "no queries", path);
  return lines;
}

using Found = std::vector<std::set<std::string>>;

/// An index asked with one beam.
struct Setting {
  const Model* model;
  RetrieveOptions options;
  RetrieveState state;
  std::vector<double> us;
  double cpu_seconds = 0;
  Found found;

  void forget_times() {
    us.clear();
    cpu_seconds = 0;
  }

  void ask_all(const std::vector<std::string>& queries) {
    found.clear();
    const Stopwatch watch;
    for (const std::string& query : queries) {
      const auto start = std::chrono::steady_clock::now();
      const auto passages = retrieve(*model, query, options, state);
      us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
      found.emplace_back();
      for (const RetrievedPassage& passage : passages) found.back().insert(passage.id);
    }
    cpu_seconds += watch.spent().cpu_seconds;
  }
};

/// Of what was expected, the share that was found.
double recall(const Found& expected, const Found& found) {
  size_t n = 0, n_found = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    n += expected[i].size();
    for (const std::string& id : expected[i]) n_found += found[i].count(id);
  }
  return n == 0 ? 1 : static_cast<double>(n_found) / static_cast<double>(n);
}

ordered_json measure(const Arguments& arguments) {
  const std::vector<std::string> queries = read_lines(arguments.queries);
  std::vector<Model> models;
  for (const std::string& path : arguments.model) models.push_back(Model::load(path));
  std::vector<Setting> settings;
  for (const Model& model : models) {
    for (const uint32_t beam : arguments.beams) {
      settings.push_back({&model, arguments.retrieve, {}, {}, 0, {}});
      settings.back().options.beam = beam;
    }
  }
  for (uint32_t round = 0; round <= arguments.rounds; ++round) {  // the first to warm up
    for (Setting& setting : settings) {
      if (round == 1) setting.forget_times();
      setting.ask_all(queries);
    }
  }
  ordered_json report{{"queries", queries.size()}, {"settings", ordered_json::array()}};
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    report["settings"].push_back({{"model", arguments.model[i / arguments.beams.size()]},
                                  {"passages", setting.model->n_labels()},
                                  {"beam", setting.options.beam},
                                  {"us", quantiles(setting.us)},
                                  {"cpu_us", 1e6 * setting.cpu_seconds / static_cast<double>(setting.us.size())},
                                  {"recall", recall(settings.front().found, setting.found)}});
  }
  return report;
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  using namespace coppice::bench;
  return run_program([&] {
    Arguments arguments;
    Flags flags;
    coppice::OptionTable table;
    describe(table, arguments);
    flags.add("", std::move(table));
    if (flags.parse(argc, argv)) std::puts(measure(arguments).dump(1).c_str());
  });
}
