// SPDX-License-Identifier: Apache-2.0
// coppice_bench_string_map --model=FILE: what a model of texts takes in memory the plain way, without compression: a
// std::unordered_map from the strings of its features to numbers, and 8 bytes (an index, a float) for each weight.
#include <fmt/core.h>
#include <malloc.h>

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "bench/flags.h"
#include "coppice/core/error.h"
#include "coppice/model/model.h"

namespace coppice::bench {
namespace {

uint64_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void run(int argc, char** argv) {
  std::string path;
  OptionTable own;
  own.add("model", path, "The model file.");
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  const Model model = Model::load(path);
  if (model.vectorizer() == nullptr) throw Error(ErrorCode::usage, "the model takes no texts", path);
  const uint64_t before = heap_bytes();
  std::unordered_map<std::string, uint32_t> map;
  for (uint32_t feature = 0; feature < model.vectorizer()->n_features(); ++feature) {
    map.emplace(model.vectorizer()->feature_name(feature), feature);
  }
  const uint64_t map_bytes = heap_bytes() - before, n_weights = model.ranker().n_weights();
  const nlohmann::ordered_json report{{"features", map.size()},
                                      {"weights", n_weights},
                                      {"map_bytes", map_bytes},
                                      {"plain_bytes", map_bytes + 8 * n_weights}};
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
