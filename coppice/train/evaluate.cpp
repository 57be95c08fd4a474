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
    const Csr features = features_for(model, block, pool);
    for_row_parts(features.n_rows(), pool, input.read.stop, [&](size_t begin, size_t end) {
      const Predictions predictions = predict_batch(model.ranker(), rows_between(features, begin, end), options, pool);
      for (size_t i = begin; i < end; ++i)
        take(predictions.row_labels(i - begin), block.labels.n_rows() > 0 ? block.labels.row(i) : SparseRow{});
    });
  }
  dense.expect_end();
  require_rows(reader->report());
  require_labels(reader->report());
  return reader->report();
}

Evaluation evaluate(const Model& model, const EvaluationInput& input, EvaluateOptions options, ThreadPool& pool) {
  for (const uint32_t k : options.metrics.at) options.predict.top_k = std::max(options.predict.top_k, k);
  MetricsBuilder judge(options.metrics, model.label_counts().values(), model.n_training_rows());
  const ReadReport report =
      predict_examples(model, input, options.predict, pool,
                       [&](std::span<const uint32_t> ranking, const SparseRow& truth) { judge.add(ranking, truth); });
  return {judge.build(), report};
}

}  // namespace coppice
