// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/annotation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

constexpr uint32_t kSoftTopK = 10;
constexpr double kSoftShare = 0.01, kHardShare = 0.5;

/// What a row is made of, but for its labels and its weight.
void add_row(const Examples& rows, size_t i, Examples& chosen) {
  if (rows.texts.size() > 0) chosen.texts.add(rows.texts[i]);
  if (!rows.ids.empty()) chosen.ids.push_back(rows.ids[i]);
}

bool all_one(std::span<const float> weights) {
  return std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 1; });
}

}  // namespace

void describe(OptionTable& table, AnnotationOptions& options) {
  table.add(
      "labels", options.labels, {{AnnotatedLabels::soft, "soft"}, {AnnotatedLabels::hard, "hard"}},
      "soft: labels with the teacher's confidence in each, {\"mail\": 0.8, \"news\": 0.2}; train-net shares the row "
      "among them, train takes all labels of a row for alike unless its option relevance says otherwise. hard: "
      "the best label, as if a person had given it.");
  table.add(
      "floor", options.floor, -1e30, 1e30,
      "Rows whose best label has a lower confidence are left out, and counted. Confidence is the score that the "
      "teacher answers with: of a network a probability (by the squared loss a relevance); of a ranker what its "
      "post-processor makes of margins, which by hinge losses orders rows well but is no probability: choose it by "
      "rows whose labels are known. Scores that are logarithms are taken back from these.");
  table.add("top_k", options.top_k, 0, 1U << 20,
            "How many labels a row gets at most. 0: 10 soft ones, 1 hard one. More than one hard label is for teachers "
            "of rows with several labels.");
  table.add("share", options.share, 0, 1,
            "Labels with less than this share of the best one's confidence are left out of the row. 0: 0.01 for soft "
            "labels, 0.5 for hard ones.");
  table.add("weight", options.weight, 1e-6, 1e6,
            "What a labelled row weighs in training, times the weight that it has.");
  table.add("weigh_by_confidence", options.weigh_by_confidence,
            "The weight is multiplied by the row's confidence, so that doubtful rows count for less.");
}

ScoreScale scale_of(PostProcessor post_processor) noexcept {
  if (post_processor == PostProcessor::noop) return ScoreScale::margin;
  return combines_by_sum(post_processor) ? ScoreScale::logarithm : ScoreScale::confidence;
}

Annotator::Annotator(const AnnotationOptions& options, ScoreScale scale)
    : options_(options), scale_(scale), top_k_(options.top_k), share_(options.share) {
  const bool soft = options.labels == AnnotatedLabels::soft;
  if (scale == ScoreScale::margin && (soft || options.weigh_by_confidence)) {
    throw Error(ErrorCode::usage,
                std::string(soft ? "soft labels" : "weights") +
                    " are made of confidences, and the teacher answers with "
                    "margins",
                {}, "give the option labels as hard, or post_processor as sigmoid");
  }
  if (top_k_ == 0) top_k_ = soft ? kSoftTopK : 1;
  if (share_ == 0) share_ = soft ? kSoftShare : kHardShare;
}

float Annotator::confidence_of(float score) const noexcept {
  return scale_ == ScoreScale::logarithm ? std::exp(score) : score;
}

const std::vector<Annotator::Label>& Annotator::labels_of(const Predictions& answers, size_t i) {
  labels_.clear();
  const auto labels = answers.row_labels(i);
  const auto scores = answers.row_scores(i);
  if (labels.empty()) return labels_;
  confidence_ = confidence_of(scores[0]);
  const bool is_any = std::isfinite(confidence_) && (confidence_ > 0 || scale_ == ScoreScale::margin);
  if (!is_any) return labels_;
  report_.best = std::max(report_.best.value_or(confidence_), confidence_);
  if (confidence_ < options_.floor) return labels_;
  for (size_t r = 0; r < std::min<size_t>(labels.size(), top_k_); ++r) {
    const float confidence = confidence_of(scores[r]);
    if (r > 0 && !(confidence > 0 && confidence >= share_ * confidence_)) break;
    labels_.push_back({labels[r], options_.labels == AnnotatedLabels::soft ? confidence : 1.0F});
  }
  std::sort(labels_.begin(), labels_.end(), [](const Label& a, const Label& b) { return a.label < b.label; });
  return labels_;
}

Examples Annotator::annotate(const Examples& rows, size_t begin, const Predictions& answers, uint32_t n_labels) {
  Examples chosen;
  CsrBuilder labels(n_labels);
  std::vector<uint32_t> kept;
  for (size_t i = 0; i < answers.n_rows(); ++i) {
    const std::vector<Label>& own = labels_of(answers, i);
    ++report_.rows;
    if (own.empty()) continue;
    for (const Label& label : own) labels.add(label.label, label.confidence);
    labels.end_row();
    add_row(rows, begin + i, chosen);
    kept.push_back(static_cast<uint32_t>(begin + i));
    const double scale = options_.weight * (options_.weigh_by_confidence ? confidence_ : 1);
    const double weight = rows.weights.empty() ? 1 : rows.weights[begin + i];
    chosen.weights.push_back(static_cast<float>(weight * scale));
    ++report_.labelled;
    report_.label_entries += own.size();
    report_.confidence_sum += confidence_;
  }
  if (all_one(chosen.weights)) chosen.weights.clear();
  if (rows.features.n_rows() > 0) chosen.features = select_rows(rows.features, kept);
  chosen.labels = labels.build();
  return chosen;
}

void require_labelled(const AnnotationReport& report, const AnnotationOptions& options) {
  if (report.labelled > 0) return;
  if (!report.best) throw Error(ErrorCode::data, "the teacher has no answer for any row");
  char text[128];
  std::snprintf(text, sizeof text, "no row is labelled: the floor is %g, the highest confidence %g", options.floor,
                double(*report.best));
  throw Error(ErrorCode::data, text, {}, "the option floor says which rows are left out");
}

}  // namespace coppice
