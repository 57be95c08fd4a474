// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/evaluate.h"

#include <algorithm>
#include <vector>

#include "coppice/data/examples.h"
#include "coppice/data/label_index.h"
#include "coppice/data/reader.h"
#include "coppice/model/answer.h"
#include "coppice/rank/batch_prediction.h"
#include "coppice/train/dense_features.h"
#include "coppice/train/row_parts.h"

namespace coppice {

ReadReport predict_examples(const Model& model, const EvaluationInput& input, const PredictOptions& options,
                            ThreadPool& pool, const TakeRanking& take) {
  LabelIndex labels(model.label_names(), model.n_labels());
  const auto reader = open_examples(input.path, input.read, labels);
  DenseFeatures dense(input.dense_path);
  for (Examples block; reader->next(block);) {
    dense.join(block);
    const auto here = [&] {
      std::vector<Predictions> parts;
      const Csr features = features_for(model, block, pool);
      for_row_parts(features.n_rows(), pool, input.read.stop, [&](size_t begin, size_t end) {
        parts.push_back(predict_batch(model.ranker(), rows_between(features, begin, end), options, pool));
      });
      return parts;
    };
    size_t row = 0;
    for (const Predictions& part : input.predict_block ? input.predict_block(block.size(), here) : here()) {
      for (size_t i = 0; i < part.n_rows(); ++i, ++row) {
        take(part.row_labels(i), block.labels.n_rows() > 0 ? block.labels.row(row) : SparseRow{});
      }
    }
  }
  dense.expect_end();
  require_rows(reader->report());
  require_labels(reader->report());
  return reader->report();
}

PredictOptions prediction_for(const EvaluateOptions& options) {
  PredictOptions predict = options.predict;
  for (const uint32_t k : options.metrics.at) predict.top_k = std::max(predict.top_k, k);
  return predict;
}

Evaluation evaluate(const Model& model, const EvaluationInput& input, const EvaluateOptions& options,
                    ThreadPool& pool) {
  MetricsBuilder judge(options.metrics, model.label_counts().values(), model.n_training_rows());
  const ReadReport report =
      predict_examples(model, input, prediction_for(options), pool,
                       [&](std::span<const uint32_t> ranking, const SparseRow& truth) { judge.add(ranking, truth); });
  return {judge.build(), report};
}

}  // namespace coppice
