// SPDX-License-Identifier: Apache-2.0
// coppice_bench_false_accepts --whole=FILE --packed=FILE,FILE --rows=FILE: of the n-grams in the texts of the rows that
// a model does not know, which does its compressed form take for features all the same? Asked one by one, as predicting
// asks; nothing is computed from the number of bits.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "bench/flags.h"
#include "coppice/core/error.h"
#include "coppice/data/reader.h"
#include "coppice/data/vectorizer_analysis.h"
#include "coppice/data/vectorizer_table.h"
#include "coppice/model/model.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  std::string whole;
  std::vector<std::string> packed;
  std::string rows;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("whole", arguments.whole, "The model as it was trained, which knows its features for certain.");
  table.add("packed", arguments.packed, "The same model, compressed in some ways.");
  table.add("rows", arguments.rows, "Rows with texts.");
}

const Vectorizer& vectorizer_of(const Model& model) {
  if (model.vectorizer() == nullptr) throw Error(ErrorCode::usage, "the model takes no texts");
  if (model.vectorizer()->options().hash_bits > 0) throw Error(ErrorCode::usage, "the model hashes its features");
  return *model.vectorizer();
}

bool knows(const VectorizerTables& tables, uint64_t hash) {
  uint32_t number = 0;
  return feature_table::find(tables.buckets, tables.bucket_seed, tables.n_features, {&hash, 1}, &number) == 1;
}

/// The different n-grams of each row, as hashes: those the model knows and those it does not.
struct Row {
  std::vector<uint64_t> known, unseen;
};

std::vector<Row> read_rows(const Arguments& arguments, const Vectorizer& whole) {
  const Analysis analysis(whole.options());
  AnalysisScratch scratch(whole.options().tokenizer.normalization);
  std::vector<Row> rows;
  const auto reader = open_queries(arguments.rows, {});
  for (Examples block; reader->next(block);) {
    for (size_t i = 0; i < block.texts.size(); ++i) {
      analysis.analyze(block.texts[i], scratch);
      std::vector<uint64_t>& hashes = scratch.features.hashes;
      std::vector<uint64_t> different(hashes.begin(), hashes.begin() + static_cast<ptrdiff_t>(scratch.features.size));
      std::ranges::sort(different);
      different.erase(std::unique(different.begin(), different.end()), different.end());
      Row& row = rows.emplace_back();
      for (const uint64_t hash : different) (knows(whole.tables(), hash) ? row.known : row.unseen).push_back(hash);
    }
  }
  return rows;
}

ordered_json measure(const std::string& path, const std::vector<Row>& rows) {
  const Model model = Model::load(path);
  const VectorizerTables& tables = vectorizer_of(model).tables();
  if (!tables.keys) throw Error(ErrorCode::usage, "the model is not compressed", path);
  const auto accepts = [&](uint64_t hash) { return tables.keys->find(feature_key(hash, 0)) != KeyIndex::kNone; };
  std::unordered_set<uint64_t> unseen, accepted;
  uint64_t rows_with_unseen = 0, rows_with_false = 0, n_false = 0, n_known = 0;
  for (const Row& row : rows) {
    uint64_t of_row = 0;
    for (const uint64_t hash : row.unseen) {
      unseen.insert(hash);
      if (!accepts(hash)) continue;
      accepted.insert(hash);
      ++of_row;
    }
    n_false += of_row;
    rows_with_unseen += !row.unseen.empty();
    rows_with_false += of_row > 0;
    n_known += static_cast<uint64_t>(std::ranges::count_if(row.known, accepts));
  }
  const auto n_rows = static_cast<double>(rows.size());
  return {{"fingerprint_bits", tables.keys->fingerprint_bits()},
          {"features", tables.n_features},
          {"key_bytes", tables.keys->size_bytes()},
          {"rows", rows.size()},
          {"unseen", unseen.size()},
          {"accepted", accepted.size()},
          {"rows_with_unseen", rows_with_unseen},
          {"rows_with_false", rows_with_false},
          {"false_of_row", static_cast<double>(n_false) / n_rows},
          {"known_of_row", static_cast<double>(n_known) / n_rows}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  const Model whole = Model::load(arguments.whole);
  if (vectorizer_of(whole).tables().keys) throw Error(ErrorCode::usage, "the model is compressed", arguments.whole);
  const std::vector<Row> rows = read_rows(arguments, vectorizer_of(whole));
  ordered_json report{{"packed", ordered_json::array()}};
  for (const std::string& path : arguments.packed) report["packed"].push_back(measure(path, rows));
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
