// SPDX-License-Identifier: Apache-2.0
// coppice_bench_generate --size=small|medium|huge --out=FOLDER: a synthetic set as {X,Y}.{trn,tst}.npz.
#include <fmt/core.h>

#include <filesystem>
#include <string>

#include "bench/flags.h"
#include "bench/synthetic.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/data/npz.h"

namespace coppice::bench {
namespace {

enum class Size { own, small, medium, huge };

struct Arguments {
  Size size = Size::small;
  std::string out;
  uint32_t threads = 0;
  SyntheticOptions set;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("size", arguments.size,
            {{Size::own, "own"}, {Size::small, "small"}, {Size::medium, "medium"}, {Size::huge, "huge"}},
            "Rows for training x labels x features: small 50,000 x 20,000 x 100,000; medium 200,000 x 100,000 x "
            "135,000; huge 3,000,000 x 3,000,000 x 1,000,000 with 40 nonzeros a row; own = as the other flags say.");
  table.add("out", arguments.out, "Folder for the matrices; made when it is not there.");
  table.add("threads", arguments.threads, 0, 1024, "0 = all cores. The set is the same for any number.");
  table.add("seed", arguments.set.seed, 0, UINT64_MAX, "Another seed, another set.");
  table.add("train_rows", arguments.set.train_rows, 1, UINT32_MAX, "With --size=own.");
  table.add("test_rows", arguments.set.test_rows, 1, UINT32_MAX, "With --size=own.");
  table.add("labels", arguments.set.labels, 1, UINT32_MAX, "With --size=own.");
  table.add("features", arguments.set.features, 1, UINT32_MAX, "With --size=own.");
  table.add("words_per_row", arguments.set.words_per_row, 1, 1e6, "With --size=own.");
  table.add("extra_labels", arguments.set.extra_labels, 0, 1000, "With --size=own.");
}

/// The named sizes; everything else of a set is the same for all of them.
SyntheticOptions sized(const Arguments& arguments) {
  SyntheticOptions set = arguments.set;
  const auto size = [&set](uint32_t train, uint32_t test, uint32_t labels, uint32_t features) {
    set.train_rows = train;
    set.test_rows = test;
    set.labels = labels;
    set.features = features;
  };
  if (arguments.size == Size::small) size(50'000, 10'000, 20'000, 100'000);
  if (arguments.size == Size::medium) size(200'000, 20'000, 100'000, 135'000);
  if (arguments.size == Size::huge) {
    size(3'000'000, 20'000, 3'000'000, 1'000'000);
    set.words_per_row = 42;  // some words are drawn twice
  }
  return set;
}

void save(const std::string& path, const Csr& matrix) {
  OutputFile file(path);
  write_npz(file, matrix);
  file.commit();
}

double mean_size(const Csr& matrix) {
  return static_cast<double>(matrix.n_nonzeros()) / static_cast<double>(matrix.n_rows());
}

void run(int argc, char** argv) {
  Arguments arguments;
  Flags flags;
  OptionTable table;
  describe(table, arguments);
  flags.add("", std::move(table));
  if (!flags.parse(argc, argv)) return;
  if (arguments.out.empty()) throw Error(ErrorCode::usage, "--out=FOLDER is missing");
  ThreadPool pool(arguments.threads);
  const SyntheticSet set = make_synthetic(sized(arguments), pool);
  std::filesystem::create_directories(arguments.out);
  save(arguments.out + "/X.trn.npz", set.train_features);
  save(arguments.out + "/X.tst.npz", set.test_features);
  save(arguments.out + "/Y.trn.npz", set.train_labels);
  save(arguments.out + "/Y.tst.npz", set.test_labels);
  fmt::print("{}: {} rows, {} features ({:.1f} a row), {} labels ({:.2f} a row)\n", arguments.out,
             set.train_features.n_rows(), set.train_features.n_columns, mean_size(set.train_features),
             set.train_labels.n_columns, mean_size(set.train_labels));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
