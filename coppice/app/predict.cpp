// SPDX-License-Identifier: Apache-2.0
// coppice predict: rows in, ranked label names out.
#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "coppice/app/command.h"
#include "coppice/app/output.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/data/label_index.h"
#include "coppice/data/npz.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/model/model.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/rank/ensemble.h"
#include "coppice/train/dense_features.h"

namespace coppice::app {
namespace {

using nlohmann::ordered_json;

struct PredictArguments {
  CommonOptions common;
  PredictOptions predict;
  ReadOptions read;
  EnsembleOptions ensemble;
  std::string model_path;
  std::string input = "-";
  std::string output = "-";
  std::string dense;
  std::vector<std::string> more_models;
  std::vector<std::string> allow, deny;
  bool verify = false;
};

void describe(OptionTable& table, PredictArguments& arguments) {
  table.add("output", arguments.output,
            "Where predictions go: - (standard output) or a path, as JSON lines; a path that ends in .npz gets a SciPy "
            "CSR matrix of scores instead.");
  table.add("dense", arguments.dense, "More features, one row per input row: a .npy or .npz file, as in training.");
  table.add("with_models", arguments.more_models,
            "More models of the same labels, by path: their predictions are combined (an ensemble).");
  table.add("allow", arguments.allow, "Only these labels may come out; applied during the search, not after it.");
  table.add("deny", arguments.deny, "These labels may not come out; applied during the search.");
  table.add("verify", arguments.verify, "Check every checksum and invariant of the model first.");
}

std::vector<uint32_t> labels_named(const Model& model, const std::vector<std::string>& names) {
  std::vector<uint32_t> labels;
  for (const std::string& name : names) labels.push_back(find_label(model, name));
  return labels;
}

std::shared_ptr<const LabelFilter> filter_of(const Model& model, const PredictArguments& arguments) {
  if (!arguments.allow.empty() && !arguments.deny.empty()) {
    throw Error(ErrorCode::usage, "both --allow and --deny are given, expected one of them");
  }
  const LabelTree& tree = model.ranker().tree;
  if (!arguments.allow.empty()) {
    return std::make_shared<LabelFilter>(LabelFilter::allow(tree, labels_named(model, arguments.allow)));
  }
  if (!arguments.deny.empty()) {
    return std::make_shared<LabelFilter>(LabelFilter::deny(tree, labels_named(model, arguments.deny)));
  }
  return nullptr;
}

/// The models of one answer: the one asked, and those it is combined with.
class Predictor {
 public:
  explicit Predictor(const PredictArguments& arguments) : ensemble_(arguments.ensemble) {
    add(arguments.model_path, arguments);
    for (const std::string& path : arguments.more_models) add(path, arguments);
  }

  const Model& model() const noexcept { return models_.front(); }

  Predictions predict(const Examples& rows, ThreadPool& pool) const {
    std::vector<Predictions> all;
    for (size_t i = 0; i < models_.size(); ++i) {
      all.push_back(predict_batch(models_[i].ranker(), features_for(models_[i], rows, pool), options_[i], pool));
    }
    return all.size() == 1 ? std::move(all.front()) : combine_predictions(all, ensemble_);
  }

 private:
  void add(const std::string& path, const PredictArguments& arguments) {
    models_.push_back(
        Model::load(path, {arguments.verify ? Verify::everything : Verify::structure, LoadMode::map}));
    const LabelNames& first = models_.front().label_names();
    const LabelNames& names = models_.back().label_names();
    if (names.size() != first.size() || !std::equal(names.bytes().begin(), names.bytes().end(), first.bytes().begin(),
                                                    first.bytes().end())) {
      throw Error(ErrorCode::data, "the model's labels are not those of the first model", path);
    }
    options_.push_back(arguments.predict);
    options_.back().filter = filter_of(models_.back(), arguments);
  }

  std::vector<Model> models_;
  std::vector<PredictOptions> options_;
  EnsembleOptions ensemble_;
};

std::string json_line(const Model& model, const Predictions& predictions, const Examples& rows, size_t i) {
  ordered_json line = ordered_json::object();
  if (!rows.ids.empty()) line["id"] = rows.ids[i];
  ordered_json labels = ordered_json::array(), scores = ordered_json::array();
  for (size_t r = 0; r < predictions.counts[i]; ++r) {
    labels.push_back(label_text(model, predictions.row_labels(i)[r]));
    scores.push_back(predictions.row_scores(i)[r]);
  }
  line["labels"] = std::move(labels);
  line["scores"] = std::move(scores);
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void run(const PredictArguments& arguments) {
  const Predictor predictor(arguments);
  const Model& model = predictor.model();
  ThreadPool pool(arguments.common.threads);
  LabelIndex labels(model.label_names(), model.n_labels());
  const auto reader = open_examples(arguments.input, arguments.read, labels);
  DenseFeatures dense(arguments.dense);
  const bool as_matrix = arguments.output.ends_with(".npz");
  OutputFile output(arguments.output);
  std::vector<Csr> pieces;
  for (Examples block; reader->next(block);) {
    dense.join(block);
    const Predictions predictions = predictor.predict(block, pool);
    if (as_matrix) {
      pieces.push_back(predictions.to_csr(model.n_labels()));
      continue;
    }
    for (size_t i = 0; i < predictions.n_rows(); ++i) output.write(json_line(model, predictions, block, i));
  }
  dense.expect_end();
  if (as_matrix) write_npz(output, concatenate_rows(std::move(pieces)));
  output.commit();
  for (const std::string& remark : reader->report().remarks()) {
    if (!arguments.common.quiet) fmt::print(stderr, "note: {}\n", remark);
  }
}

}  // namespace

void add_predict(CLI::App& program) {
  Command command(program, "predict", "Rank the labels of texts (or of feature rows).",
                  "  echo '{\"text\": \"window manager for X11\"}' | coppice predict packages.coppice - --top-k 5\n"
                  "  coppice predict packages.coppice test.jsonl --output predictions.jsonl\n"
                  "  coppice predict packages.coppice test.svm --output scores.npz --beam 20\n");
  auto arguments = std::make_shared<PredictArguments>();
  command.app().add_option("model", arguments->model_path, "the model file")->required();
  command.app().add_option("input", arguments->input, "rows in any format of docs/formats.md; - = standard input");
  OptionTable own, search, combine, read, common;
  describe(own, *arguments);
  describe(search, arguments->predict);
  describe(combine, arguments->ensemble);
  describe(read, arguments->read);
  describe(common, arguments->common);
  command.flags().add(command.app(), std::move(own), "Prediction");
  command.flags().add(command.app(), std::move(search), "Search");
  command.flags().add(command.app(), std::move(combine), "Ensemble");
  command.flags().add(command.app(), std::move(read), "Reading");
  command.flags().add(command.app(), std::move(common), "Common");
  command.action([arguments] { run(*arguments); });
}

}  // namespace coppice::app
