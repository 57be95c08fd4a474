// SPDX-License-Identifier: Apache-2.0
// coppice_bench_keys --input=FILE[,FILE] --structure=NAME: how much memory a structure takes that knows the word
// n-grams of the files' lines, how long it takes to build, and how fast it finds them. One structure a process, so that
// each starts with fresh memory.
#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "bench/flags.h"
#include "bench/key_structures.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::vector<std::string> input;
  std::string structure = "pilots-8";
  uint32_t keys = 5'000'000;
  uint32_t unseen = 1'000'000;
  uint32_t queries = 2'000'000;
  uint32_t longest = 5;
  uint32_t threads = 2;
  uint32_t repeats = 5;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("input", arguments.input, "Files with one text a line, behind the first tab if there is one.");
  table.add("structure", arguments.structure, "Which structure: " + structure_names());
  table.add("keys", arguments.keys, 1, 1'000'000'000, "So many different n-grams are known.");
  table.add("unseen", arguments.unseen, 1, 1'000'000'000, "So many others are asked for.");
  table.add("queries", arguments.queries, 1, 1'000'000'000, "So many are asked for, in random order.");
  table.add("longest", arguments.longest, 1, 16, "Words of the longest n-gram.");
  table.add("threads", arguments.threads, 1, 1024, "For building, where the structure can use them.");
  table.add("repeats", arguments.repeats, 1, 1000, "The median of so many passes over the queries counts.");
}

/// Collects different n-grams in the order of their first appearance.
class Ngrams {
 public:
  Ngrams(size_t most, uint32_t longest) : most_(most), longest_(longest) { seen_.reserve(most); }

  void add(const std::string& text) {
    std::vector<std::string_view> words;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find(' ', begin), text.size());
      if (end > begin) words.push_back(std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    for (size_t first = 0; first < words.size(); ++first) {
      for (size_t last = first; last < std::min(words.size(), first + longest_) && !full(); ++last) {
        const char* const begin = words[first].data();
        seen_.emplace(begin, words[last].data() + words[last].size() - begin);
      }
    }
  }
  bool full() const noexcept { return seen_.size() >= most_; }

  /// In an order that has nothing to do with that of the text.
  std::vector<std::string> take() {
    std::vector<std::string> all(seen_.begin(), seen_.end());
    std::sort(all.begin(), all.end());
    Random random(1);
    random.shuffle(std::span(all));
    seen_.clear();
    return all;
  }

 private:
  size_t most_;
  uint32_t longest_;
  std::unordered_set<std::string> seen_;
};

std::vector<std::string> read_ngrams(const Arguments& arguments) {
  Ngrams ngrams(size_t{arguments.keys} + arguments.unseen, arguments.longest);
  for (const std::string& path : arguments.input) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorCode::io, "cannot open the file of texts", path, "--input=FILE names it");
    for (std::string line; !ngrams.full() && std::getline(file, line);) {
      const size_t tab = line.find('\t');
      ngrams.add(tab == std::string::npos ? line : line.substr(tab + 1));
    }
  }
  if (!ngrams.full()) throw Error(ErrorCode::data, "the files hold too few different n-grams");
  return ngrams.take();
}

std::vector<std::string> sample(std::span<const std::string> from, size_t count) {
  Random random(2);
  std::vector<std::string> queries;
  for (size_t i = 0; i < count; ++i) queries.push_back(from[random.below(static_cast<uint32_t>(from.size()))]);
  return queries;
}

/// Nanoseconds a query: the median pass.
template <class Pass>
double time_passes(const Arguments& arguments, size_t n_queries, const Pass& pass) {
  std::vector<double> ns;
  for (uint32_t repeat = 0; repeat <= arguments.repeats; ++repeat) {
    const Stopwatch watch;
    pass();
    if (repeat > 0) ns.push_back(watch.spent().wall_seconds * 1e9 / static_cast<double>(n_queries));
  }
  std::sort(ns.begin(), ns.end());
  return ns[ns.size() / 2];
}

/// Keeps the compiler from leaving out what a value is computed by.
void keep(uint32_t value) {
  asm volatile("" : : "r"(value) : "memory");
}

/// One after the other, each only once the answer to the one before is there: no answer is this number, but only we
/// know.
double time_single(const Arguments& arguments, const KeyStructure& structure, std::span<const std::string> queries) {
  constexpr uint32_t kNeverGiven = 0xFFFFFFFE;
  return time_passes(arguments, queries.size() - 1, [&] {
    uint32_t last = 0;
    for (size_t i = 0; i + 1 < queries.size(); ++i) last = structure.find(queries[i + (last == kNeverGiven)]);
    keep(last);
  });
}

/// As many at once as the structure likes.
double time_batch(const Arguments& arguments, const KeyStructure& structure, std::span<const std::string> queries) {
  std::vector<std::string_view> views(queries.begin(), queries.end());
  std::vector<uint32_t> numbers(queries.size());
  return time_passes(arguments, queries.size(), [&] { structure.find(views, numbers.data()); });
}

double share_found(const KeyStructure& structure, std::span<const std::string> queries) {
  size_t found = 0;
  for (const std::string& query : queries) found += structure.find(query) != KeyStructure::kNone;
  return static_cast<double>(found) / static_cast<double>(queries.size());
}

ordered_json measure(const Arguments& arguments) {
  std::vector<std::string> all = read_ngrams(arguments);
  const std::span<const std::string> keys(all.data(), arguments.keys);
  const std::span<const std::string> unseen(all.data() + arguments.keys, arguments.unseen);
  uint64_t key_bytes = 0;
  for (const std::string& key : keys) key_bytes += key.size();
  const Stopwatch building;
  const std::unique_ptr<KeyStructure> structure = build_structure(arguments.structure, keys, arguments.threads);
  const Spent built = building.spent();
  const std::vector<std::string> hits = sample(keys, arguments.queries), misses = sample(unseen, arguments.queries);
  const auto n = static_cast<double>(arguments.keys);
  return {{"structure", arguments.structure},
          {"keys", arguments.keys},
          {"key_bytes", static_cast<double>(key_bytes) / n},
          {"threads", arguments.threads},
          {"bytes_per_key", static_cast<double>(structure->size_bytes()) / n},
          {"hash_bits_per_key", static_cast<double>(structure->hash_bytes()) * 8 / n},
          {"build", to_json(built)},
          {"build_cpu_ns_per_key", built.cpu_seconds * 1e9 / n},
          {"hit_ns", time_single(arguments, *structure, hits)},
          {"hit_batch_ns", time_batch(arguments, *structure, hits)},
          {"miss_ns", time_single(arguments, *structure, misses)},
          {"miss_batch_ns", time_batch(arguments, *structure, misses)},
          {"found", share_found(*structure, hits)},
          {"false_hits", share_found(*structure, unseen)}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
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
