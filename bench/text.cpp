// SPDX-License-Identifier: Apache-2.0
// coppice_bench_text --input=FILE [any option of the vectorizer]: how fast lines of text become features. A token is
// what stands between blanks in the file, whatever the vectorizer makes of it, so that the same file gives the same
// number of tokens to every program.
#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/data/vectorizer.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::string input;
  bool labelled = false;
  uint32_t threads = 2;
  uint32_t repeats = 3;
  uint32_t single_texts = 5000;
  VectorizerOptions vectorizer;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("input", arguments.input, "File with one text a line.");
  table.add("labelled", arguments.labelled, "The text of a line begins behind its first tab.");
  table.add("threads", arguments.threads, 1, 1024, "For fitting and for whole batches.");
  table.add("repeats", arguments.repeats, 1, 1000, "The median of so many runs counts.");
  table.add("single_texts", arguments.single_texts, 0, UINT32_MAX, "How many texts are transformed one at a time.");
}

Texts read_lines(const Arguments& arguments) {
  std::ifstream file(arguments.input, std::ios::binary);
  if (!file) throw Error(ErrorCode::io, "cannot open the file of texts", arguments.input, "--input=FILE names it");
  Texts texts;
  for (std::string line; std::getline(file, line);) {
    const size_t tab = arguments.labelled ? line.find('\t') : std::string::npos;
    texts.add(std::string_view(line).substr(tab == std::string::npos ? 0 : tab + 1));
  }
  return texts;
}

uint64_t count_tokens(const Texts& texts) {
  uint64_t count = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    char before = ' ';
    for (const char c : texts[i]) {
      count += c != ' ' && before == ' ';
      before = c;
    }
  }
  return count;
}

Spent median_by_cpu(std::vector<Spent> runs) {
  std::sort(runs.begin(), runs.end(), [](const Spent& a, const Spent& b) { return a.cpu_seconds < b.cpu_seconds; });
  return runs[runs.size() / 2];
}

ordered_json with_rate(const Spent& spent, uint64_t tokens) {
  ordered_json report = to_json(spent);
  report["tokens_per_second"] = static_cast<double>(tokens) / spent.wall_seconds;
  report["tokens_per_cpu_second"] = static_cast<double>(tokens) / spent.cpu_seconds;
  return report;
}

ordered_json time_single_texts(const Vectorizer& vectorizer, const Texts& texts, size_t count) {
  std::vector<double> us;
  Vectorizer::State state;
  for (int pass = 0; pass < 2; ++pass) {  // the first warms up
    us.clear();
    for (size_t i = 0; i < std::min(count, texts.size()); ++i) {
      const auto start = std::chrono::steady_clock::now();
      vectorizer.transform(texts[i], state);
      us.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
  }
  return quantiles(std::move(us));
}

ordered_json measure(const Arguments& arguments) {
  const Texts texts = read_lines(arguments);
  const uint64_t tokens = count_tokens(texts);
  ThreadPool pool(arguments.threads);
  const uint64_t loaded_bytes = resident_memory_bytes();
  reset_peak_memory();
  std::vector<Spent> fits, transforms;
  uint64_t n_features = 0, n_nonzeros = 0;
  ordered_json single;
  for (uint32_t repeat = 0; repeat < arguments.repeats; ++repeat) {
    const Stopwatch fitting;
    VectorizerBuilder builder(arguments.vectorizer, pool);
    builder.add(texts);
    const Vectorizer vectorizer = builder.build();
    fits.push_back(fitting.spent());
    const Stopwatch transforming;
    const Csr features = vectorizer.transform(texts, pool);
    transforms.push_back(transforming.spent());
    n_features = features.n_columns;
    n_nonzeros = features.n_nonzeros();
    if (repeat + 1 == arguments.repeats) single = time_single_texts(vectorizer, texts, arguments.single_texts);
  }
  return {{"texts", texts.size()},
          {"bytes", texts.bytes.size()},
          {"tokens", tokens},
          {"threads", arguments.threads},
          {"features", n_features},
          {"nonzeros", n_nonzeros},
          {"fit", with_rate(median_by_cpu(fits), tokens)},
          {"transform", with_rate(median_by_cpu(transforms), tokens)},
          {"single_us", single},
          {"loaded_bytes", loaded_bytes},
          {"peak_bytes", peak_memory_bytes()}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own, vectorizer;
  describe(own, arguments);
  describe(vectorizer, arguments.vectorizer);
  Flags flags;
  flags.add("bench_", std::move(own));
  flags.add("vectorizer_", std::move(vectorizer));
  if (!flags.parse(argc, argv)) return;
  ordered_json report{{"given", flags.given()}};
  report.update(measure(arguments));
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
