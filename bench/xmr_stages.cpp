// SPDX-License-Identifier: Apache-2.0
#include "bench/xmr_stages.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/core/memory.h"
#include "coppice/data/npz.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

Csr read_matrix(const XmrArguments& arguments, const std::string& name) {
  if (arguments.mats.empty()) throw Error(ErrorCode::usage, "--mats=FOLDER is missing");
  return read_npz(arguments.mats + "/" + name + ".npz");
}

struct Data {
  Csr features, labels;
};

void require_same_rows(const Data& data) {
  if (data.features.n_rows() == data.labels.n_rows()) return;
  throw Error(ErrorCode::data,
              "X has " + std::to_string(data.features.n_rows()) + " rows, Y " + std::to_string(data.labels.n_rows()));
}

/// The labels of the benchmark's matrices have numbers only.
LabelNames numbers_as_names(uint32_t n_labels) {
  std::vector<std::string> names(n_labels);
  for (uint32_t label = 0; label < n_labels; ++label) names[label] = std::to_string(label);
  return LabelNames::from(names);
}

ordered_json shape_of(const Ranker& ranker) {
  ordered_json levels = ordered_json::array();
  for (const LevelWeights& level : ranker.levels) {
    levels.push_back({{"nodes", level.n_nodes()}, {"bytes", level.size_bytes()}});
  }
  return {{"weights", ranker.n_weights()}, {"ranker_bytes", ranker.size_bytes()}, {"levels", levels}};
}

struct Trained {
  Ranker ranker;
  Spent embedding, clustering, ranking;
};

/// Embedding, clustering and ranker, the embedding let go before the ranker is trained.
Trained train_stages(const Data& data, const XmrArguments& arguments, ThreadPool& pool) {
  Progress progress;
  Trained result;
  IndexOptions index = arguments.index;
  RankerOptions ranker = arguments.ranker;
  index.kmeans.seed = arguments.seed;
  ranker.solver.seed = arguments.seed;
  LabelTree tree;
  {
    const Stopwatch embedding_watch;
    const Csr embedding = make_embedder(arguments.embedding)->embed({data.features, data.labels}, {pool, progress});
    result.embedding = embedding_watch.spent();
    const Stopwatch clustering_watch;
    tree = build_label_tree(embedding, index, {pool, progress});
    result.clustering = clustering_watch.spent();
  }
  release_free_memory();
  const Stopwatch ranking_watch;
  result.ranker = train_ranker({data.features, data.labels}, std::move(tree), ranker, {pool, progress});
  result.ranking = ranking_watch.spent();
  return result;
}

/// Best of several batches, by wall time. Units: microseconds per query.
ordered_json time_batches(const Model& model, const Csr& queries, const XmrArguments& arguments, uint32_t threads) {
  ThreadPool pool(threads);
  Spent best{std::numeric_limits<double>::infinity(), 0};
  for (uint32_t repeat = 0; repeat < arguments.repeats; ++repeat) {
    const Stopwatch watch;
    predict_batch(model.ranker(), queries, arguments.predict, pool);
    const Spent spent = watch.spent();
    if (spent.wall_seconds < best.wall_seconds) best = spent;
  }
  const double per_query = 1e6 / static_cast<double>(queries.n_rows());
  return {{"us", best.wall_seconds * per_query}, {"cpu_us", best.cpu_seconds * per_query}};
}

/// One query after another, one thread: all times, and for each query the best of its repeats. Units: microseconds.
ordered_json time_single_queries(const Model& model, const Csr& queries, const XmrArguments& arguments) {
  const size_t count = std::min<size_t>(queries.n_rows(), arguments.single_queries);
  std::vector<double> all, best(count, std::numeric_limits<double>::infinity());
  SearchState state;
  for (uint32_t repeat = 0; repeat <= arguments.repeats; ++repeat) {  // the first warms up
    for (size_t i = 0; i < count; ++i) {
      const SparseRow query = queries.row(i);
      const auto start = std::chrono::steady_clock::now();
      predict(model.ranker(), query, arguments.predict, state);
      const std::chrono::duration<double, std::micro> us = std::chrono::steady_clock::now() - start;
      if (repeat == 0) continue;
      all.push_back(us.count());
      best[i] = std::min(best[i], us.count());
    }
  }
  return {{"queries", count}, {"us", quantiles(std::move(all))}, {"best_us", quantiles(std::move(best))}};
}

/// Opening is measured several times; the first may have to wait for the disk.
ordered_json time_loads(const std::string& path) {
  std::vector<double> milliseconds;
  for (int i = 0; i < 9; ++i) {
    const Stopwatch watch;
    const Model model = Model::load(path);
    milliseconds.push_back(watch.spent().wall_seconds * 1e3);
  }
  const double first = milliseconds.front();
  std::sort(milliseconds.begin(), milliseconds.end());
  return {{"first_ms", first}, {"median_ms", milliseconds[milliseconds.size() / 2]}};
}

MetricsBuilder judge_for(const XmrArguments& arguments) {
  const Csr labels = read_matrix(arguments, "Y.trn");
  return {arguments.metrics, label_frequencies(labels), labels.n_rows()};
}

/// Label numbers of a row of scores, best first, ties by number.
std::vector<uint32_t> ranking_of(SparseRow row) {
  std::vector<size_t> order(row.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&row](size_t a, size_t b) { return row.values[a] > row.values[b]; });
  std::vector<uint32_t> labels;
  for (const size_t i : order) labels.push_back(row.columns[i]);
  return labels;
}

}  // namespace

void describe(OptionTable& table, XmrArguments& arguments) {
  table.add("stage", arguments.stage,
            {{Stage::all, "all"}, {Stage::train, "train"}, {Stage::predict, "predict"}, {Stage::judge, "judge"}},
            "train leaves a model, predict measures it, all does both; judge judges --predictions.");
  table.add("mats", arguments.mats, "Folder with X.trn.npz, Y.trn.npz, X.tst.npz and Y.tst.npz.");
  table.add("model", arguments.model, "The model file that train leaves and predict reads.");
  table.add("predictions", arguments.predictions, "judge: a matrix of scores (.npz, a row for each row of Y.tst).");
  table.add("threads", arguments.threads, 1, 1024, "Threads of training and of the faster batch.");
  table.add("repeats", arguments.repeats, 1, 1000, "Batches are run so often, and the best counts.");
  table.add("single_queries", arguments.single_queries, 0, UINT32_MAX, "How many test rows are asked one at a time.");
  table.add("seed", arguments.seed, 0, UINT64_MAX, "Of clustering and solver.");
}

ordered_json measure_training(const XmrArguments& arguments) {
  return_large_blocks();  // as `coppice train` does
  const Data data{read_matrix(arguments, "X.trn"), read_matrix(arguments, "Y.trn")};
  require_same_rows(data);
  ThreadPool pool(arguments.threads);
  release_free_memory();
  const uint64_t loaded_bytes = resident_memory_bytes();
  reset_peak_memory();
  Trained trained = train_stages(data, arguments, pool);
  const uint64_t peak_bytes = peak_memory_bytes();

  ordered_json report{{"rows", data.features.n_rows()},
                      {"features", data.features.n_columns},
                      {"labels", data.labels.n_columns},
                      {"threads", arguments.threads},
                      {"loaded_bytes", loaded_bytes},
                      {"peak_bytes", peak_bytes},
                      {"embedding", to_json(trained.embedding)},
                      {"clustering", to_json(trained.clustering)}};
  report["index"] = to_json(trained.embedding + trained.clustering);
  report["ranker"] = to_json(trained.ranking);
  report["total"] = to_json(trained.embedding + trained.clustering + trained.ranking);
  report.update(shape_of(trained.ranker));

  ModelParts parts;
  parts.label_names = numbers_as_names(data.labels.n_columns);
  parts.ranker = std::move(trained.ranker);
  parts.label_counts = PackedNumbers(label_frequencies(data.labels));
  parts.n_training_rows = data.features.n_rows();
  const Stopwatch saving;
  Model(std::move(parts)).save(arguments.model);
  report["save"] = to_json(saving.spent());
  report["model_bytes"] = std::filesystem::file_size(arguments.model);
  return report;
}

ordered_json measure_prediction(const XmrArguments& arguments) {
  ordered_json report{{"load", time_loads(arguments.model)}};
  const Model model = Model::load(arguments.model);
  const Data data{read_matrix(arguments, "X.tst"), read_matrix(arguments, "Y.tst")};
  require_same_rows(data);

  ThreadPool pool(arguments.threads);
  PredictOptions options = arguments.predict;
  for (const uint32_t k : arguments.metrics.at) options.top_k = std::max(options.top_k, k);
  const Predictions predictions = predict_batch(model.ranker(), data.features, options, pool);
  MetricsBuilder judge = judge_for(arguments);
  for (size_t i = 0; i < predictions.n_rows(); ++i) judge.add(predictions.row_labels(i), data.labels.row(i));

  report["batch"] = time_batches(model, data.features, arguments, arguments.threads);
  report["batch_one_thread"] = time_batches(model, data.features, arguments, 1);
  report["single"] = time_single_queries(model, data.features, arguments);
  report["peak_bytes"] = peak_memory_bytes();
  report["metrics"] = to_json(judge.build());
  return report;
}

ordered_json judge_predictions(const XmrArguments& arguments) {
  const Csr scores = read_npz(arguments.predictions);
  const Csr truth = read_matrix(arguments, "Y.tst");
  require_same_rows({scores, truth});
  MetricsBuilder judge = judge_for(arguments);
  for (size_t i = 0; i < truth.n_rows(); ++i) judge.add(ranking_of(scores.row(i)), truth.row(i));
  return {{"metrics", to_json(judge.build())}};
}

}  // namespace coppice::bench
