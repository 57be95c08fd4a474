// SPDX-License-Identifier: Apache-2.0
// coppice_bench_peer_latency --library=LIBPECOS.so --model=FOLDER --layout=mmap|hash|binary_search --queries=X.tst.npz:
// PECOS' own C++ core, asked one query at a time by one thread, with no Python between. The shared library is the one
// that the package libpecos installs; it is opened at run time and its three C functions are declared here.
#include <dlfcn.h>
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/data/npz.h"

namespace coppice::bench {
namespace {

enum class Layout { mmap, hash, binary_search };

struct Arguments {
  std::string library;
  std::string model;
  std::string queries;
  Layout layout = Layout::mmap;
  uint32_t beam = 10;
  uint32_t top_k = 10;
  uint32_t single_queries = 5000;
  uint32_t repeats = 3;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("library", arguments.library, "The shared library of the package libpecos.");
  table.add("model", arguments.model, "Folder of the model: compiled for mapping with layout mmap, else as saved.");
  table.add("queries", arguments.queries, "Features of the queries, .npz.");
  table.add("layout", arguments.layout,
            {{Layout::mmap, "mmap"}, {Layout::hash, "hash"}, {Layout::binary_search, "binary_search"}},
            "How PECOS keeps its weights.");
  table.add("beam", arguments.beam, 1, 1 << 20, "Beam of the search.");
  table.add("top_k", arguments.top_k, 1, 1 << 20, "Labels per query.");
  table.add("single_queries", arguments.single_queries, 1, UINT32_MAX, "How many rows are asked.");
  table.add("repeats", arguments.repeats, 1, 1000, "Passes over them, after one that warms up.");
}

// The interface of the library's functions: facts of its binary interface, taken from its Python binding.
struct PeerCsr {
  uint32_t rows, columns;
  uint64_t* offsets;
  uint32_t* indices;
  float* values;
};
using Allocate = void (*)(bool, uint64_t rows, uint64_t columns, uint64_t entries, void* indices, void* offsets,
                          void* values);
using LoadMapped = void* (*)(const char* path, bool lazy);
using LoadAs = void* (*)(const char* path, int layout);
using Predict = void (*)(void* model, const PeerCsr* queries, uint32_t beam, const char* post_processor, uint32_t top_k,
                         int threads, Allocate allocate);
constexpr int kHashLayout = 1, kBinarySearchLayout = 2;

/// Where the library puts its answers. It calls back without a context, so this is the one global.
struct Answers {
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> indices;
  std::vector<float> values;
};
Answers answers;

template <class T>
void hand_out(std::vector<T>& room, size_t count, void* place) {
  if (room.size() < count) room.resize(count);
  *static_cast<T**>(place) = room.data();
}

void allocate(bool /*by_column*/, uint64_t rows, uint64_t /*columns*/, uint64_t entries, void* indices, void* offsets,
              void* values) {
  hand_out(answers.offsets, rows + 1, offsets);
  hand_out(answers.indices, entries, indices);
  hand_out(answers.values, entries, values);
}

class Peer {
 public:
  explicit Peer(const std::string& library) : handle_(dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw Error(ErrorCode::io, std::string("cannot open the library: ") + dlerror(), library);
  }

  template <class Function>
  Function function(const char* name) const {
    void* symbol = dlsym(handle_, name);
    if (symbol == nullptr) throw Error(ErrorCode::unsupported, std::string("the library has no function ") + name);
    return reinterpret_cast<Function>(symbol);
  }

  void* load(const std::string& model, Layout layout) const {
    const std::string path = model + "/ranker";
    if (layout == Layout::mmap) return function<LoadMapped>("c_xlinear_load_mmap_model_from_disk")(path.c_str(), false);
    const int number = layout == Layout::hash ? kHashLayout : kBinarySearchLayout;
    return function<LoadAs>("c_xlinear_load_model_from_disk_ext")(path.c_str(), number);
  }

 private:
  void* handle_;  // for the life of the program
};

/// The same procedure as in xmr_stages.cpp.
nlohmann::ordered_json time_single_queries(const Peer& peer, void* model, const Csr& queries,
                                           const Arguments& arguments) {
  const auto ask = peer.function<Predict>("c_xlinear_predict_csr_f32");
  const size_t count = std::min<size_t>(queries.n_rows(), arguments.single_queries);
  std::vector<double> all, best(count, std::numeric_limits<double>::infinity());
  for (uint32_t repeat = 0; repeat <= arguments.repeats; ++repeat) {
    for (size_t i = 0; i < count; ++i) {
      const SparseRow row = queries.row(i);
      uint64_t offsets[2] = {0, row.size()};
      const PeerCsr query{1, queries.n_columns, offsets, const_cast<uint32_t*>(row.columns.data()),
                          const_cast<float*>(row.values.data())};
      const auto start = std::chrono::steady_clock::now();
      ask(model, &query, arguments.beam, nullptr, arguments.top_k, 1, allocate);
      const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - start;
      if (repeat == 0) continue;
      all.push_back(us.count());
      best[i] = std::min(best[i], us.count());
    }
  }
  return {{"queries", count}, {"us", quantiles(std::move(all))}, {"best_us", quantiles(std::move(best))}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable table;
  describe(table, arguments);
  Flags flags;
  flags.add("", std::move(table));
  if (!flags.parse(argc, argv)) return;
  const Peer peer(arguments.library);
  const Csr queries = read_npz(arguments.queries);
  const Stopwatch loading;
  void* model = peer.load(arguments.model, arguments.layout);
  const double load_ms = loading.spent().wall_seconds * 1e3;
  nlohmann::ordered_json report{{"load_ms", load_ms}};
  report["single"] = time_single_queries(peer, model, queries, arguments);
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
