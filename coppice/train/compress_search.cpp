// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/compress_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kDepths = CompressCandidate::kDepths.size();
// Steps between the last model within the budget and the first beyond it.
constexpr uint32_t kFinerSteps = 2;

/// What a model says of one row with labels.
struct RowAnswer {
  uint32_t first = UINT32_MAX;             ///< label
  std::array<uint8_t, kDepths> n_right{};  ///< among the first k
};

RowAnswer answer_of(std::span<const uint32_t> ranking, const SparseRow& truth) {
  RowAnswer answer;
  if (!ranking.empty()) answer.first = ranking[0];
  uint8_t n_right = 0;
  for (size_t place = 0, depth = 0; depth < kDepths; ++depth) {
    for (; place < std::min<size_t>(ranking.size(), CompressCandidate::kDepths[depth]); ++place) {
      n_right += std::binary_search(truth.columns.begin(), truth.columns.end(), ranking[place]);
    }
    answer.n_right[depth] = n_right;
  }
  return answer;
}

std::vector<RowAnswer> answers_of(const Model& model, const EvaluationInput& input, Job job) {
  job.progress.throw_if_stopped();
  PredictOptions predict;
  predict.top_k = CompressCandidate::kDepths.back();
  std::vector<RowAnswer> answers;
  predict_examples(model, input, predict, job.pool, [&](std::span<const uint32_t> ranking, const SparseRow& truth) {
    if (truth.size() > 0) answers.push_back(answer_of(ranking, truth));
  });
  return answers;
}

/// P@k in per cent by depth.
std::array<double, kDepths> precision_of(const std::vector<RowAnswer>& answers) {
  std::array<double, kDepths> precision{};
  for (size_t depth = 0; depth < kDepths; ++depth) {
    uint64_t n_right = 0;
    for (const RowAnswer& answer : answers) n_right += answer.n_right[depth];
    precision[depth] =
        100.0 * static_cast<double>(n_right) / CompressCandidate::kDepths[depth] / static_cast<double>(answers.size());
  }
  return precision;
}

/// Sets precision, loss and disagreement of a candidate.
void compare(const std::vector<RowAnswer>& whole, const std::vector<RowAnswer>& answers, CompressCandidate& candidate) {
  const auto n = static_cast<double>(whole.size());
  candidate.precision = precision_of(answers);
  for (size_t depth = 0; depth < kDepths; ++depth) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < whole.size(); ++i) {
      const double lost =
          100.0 * (whole[i].n_right[depth] - answers[i].n_right[depth]) / CompressCandidate::kDepths[depth];
      sum += lost;
      squares += lost * lost;
    }
    candidate.loss[depth] = sum / n;
    candidate.loss_error[depth] = std::sqrt(std::max(0.0, squares / n - sum / n * sum / n) / n);
  }
  uint64_t n_others = 0;
  for (size_t i = 0; i < whole.size(); ++i) n_others += whole[i].first != answers[i].first;
  candidate.disagreement = 100.0 * static_cast<double>(n_others) / n;
}

/// What stands in the model, beside its metrics.
nlohmann::ordered_json to_json(const CompressCandidate& candidate) {
  nlohmann::ordered_json object{
      {"weights", candidate.n_weights}, {"refitted", candidate.refitted}, {"value_bits", candidate.value_bits}};
  const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
  for (size_t depth = 0; depth < kDepths; ++depth) {
    const std::string at = "P@" + std::to_string(CompressCandidate::kDepths[depth]);
    object[at] = rounded(candidate.precision[depth]);
    object["loss of " + at] = rounded(candidate.loss[depth]);
    object["error of loss of " + at] = rounded(candidate.loss_error[depth]);
  }
  object["disagreement"] = rounded(candidate.disagreement);
  return object;
}

/// The model with what it cost among its metrics.
Model with_metrics(const Model& model, size_t n_rows, const CompressCandidate& candidate) {
  ModelParts parts = model.parts();
  auto metrics = nlohmann::ordered_json::parse(parts.metrics_json);  // of the model as trained
  metrics["rows"] = n_rows;
  metrics["compression"] = to_json(candidate);
  parts.metrics_json = metrics.dump();
  return Model(std::move(parts));
}

class Search {
 public:
  Search(const Model& model, const EvaluationInput& judged_by, const CompressBudget& budget,
         const CompressOptions& options, Job job)
      : model_(model), judged_by_(judged_by), budget_(budget), options_(options), job_(job) {
    job_.progress.stage("judging the whole model", 0);
    whole_ = answers_of(model, judged_by, job);
    expect_right_answers();
    options_.prune = {.threshold = 0};
    // Rows of labels say nothing of slots: the tagger keeps the bits that were asked for.
    if (options_.tagger_value_bits == 0) options_.tagger_value_bits = options_.pack.value_bits;
    std::sort(budget_.value_bits.begin(), budget_.value_bits.end(), std::greater<>());
  }

  CompressSearch run(const RefitRows* rows) {
    descend(nullptr);
    expect_any();
    if (rows != nullptr) descend(rows);
    return conclude();
  }

 private:
  /// Fewer and fewer weights.
  void descend(const RefitRows* rows) {
    refits_ = rows != nullptr;
    Pruner last_within(model_, rows, job_.pool);
    uint64_t n_below = 0;  // the most weights seen that were too few
    const bool is_first = candidates_.empty();
    for (uint64_t keep = is_first ? last_within.n_weights() : last_within.fewer(); keep > 0;) {
      Pruner pruner = last_within;
      if (!try_weights(pruner, keep)) {
        n_below = pruner.n_weights();
        break;
      }
      last_within = std::move(pruner);
      keep = last_within.fewer();
    }
    for (uint32_t step = 0; best_ && step < kFinerSteps && n_below < last_within.n_weights(); ++step) {
      const double between = std::sqrt(static_cast<double>(n_below) * static_cast<double>(last_within.n_weights()));
      Pruner pruner = last_within;
      if (try_weights(pruner, static_cast<uint64_t>(between)))
        last_within = std::move(pruner);
      else
        n_below = pruner.n_weights();
    }
  }

  /// Judges a model of that many weights in fewer and fewer bits; whether one of them is within the budget.
  bool try_weights(Pruner& pruner, uint64_t keep) {
    job_.progress.stage((refits_ ? "refitting " : "trying ") + std::to_string(keep) + " weights", 0);
    if (keep < pruner.n_weights()) pruner.keep(keep, job_);
    if (pruner.n_weights() == 0) return false;  // where many are equal, all may go
    bool any = false;
    for (const uint32_t bits : budget_.value_bits) {
      options_.pack.value_bits = bits;
      const Model packed = compress(pruner.model(), options_, job_.pool);
      CompressCandidate candidate;
      candidate.n_weights = pruner.n_weights();
      candidate.value_bits = bits;
      candidate.refitted = refits_;
      compare(whole_, answers_of(packed, judged_by_, job_), candidate);
      Model smaller = with_metrics(packed, whole_.size(), candidate);
      candidate.file_bytes = smaller.saved_bytes();
      candidate.within =
          candidate.worst_loss() <= budget_.max_loss && candidate.disagreement <= budget_.max_disagreement;
      candidates_.push_back(candidate);
      job_.progress.advance(1);
      if (!candidate.within && any) break;  // fewer bits lose more, as a rule; near the budget chance has a say
      if (!candidate.within) continue;
      any = true;
      if (best_ && candidate.file_bytes >= candidates_[best_index_].file_bytes) continue;
      best_ = std::move(smaller);
      best_index_ = candidates_.size() - 1;
    }
    return any;
  }

  /// Where the whole model is never right there is nothing to lose, and the smallest model would be one of no weights.
  void expect_right_answers() const {
    if (precision_of(whole_).back() > 0) return;
    throw Error(ErrorCode::data,
                "no label of these rows is among the first " + std::to_string(CompressCandidate::kDepths.back()) +
                    " that the model gives: are they rows of another model?",
                judged_by_.path, "labels are told as in training: see label_names, named_labels and labels_field");
  }

  void expect_any() const {
    if (best_) return;
    throw Error(ErrorCode::data,
                "no smaller model keeps to the budget: with all weights in " +
                    std::to_string(budget_.value_bits.front()) + " bits the loss is already too large",
                judged_by_.path, "raise max_loss or max_disagreement");
  }

  CompressSearch conclude() {
    candidates_[best_index_].chosen = true;
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const auto& a, const auto& b) {
      if (a.refitted != b.refitted) return b.refitted;
      return a.n_weights != b.n_weights ? a.n_weights > b.n_weights : a.value_bits > b.value_bits;
    });
    return {model_.saved_bytes(), model_.ranker().n_weights(), whole_.size(),
            precision_of(whole_), std::move(candidates_),      std::move(*best_)};
  }

  const Model& model_;
  const EvaluationInput& judged_by_;
  CompressBudget budget_;
  CompressOptions options_;
  Job job_;
  std::vector<RowAnswer> whole_;
  bool refits_ = false;
  std::vector<CompressCandidate> candidates_;
  std::optional<Model> best_;
  size_t best_index_ = 0;
};

}  // namespace

void describe(OptionTable& table, CompressBudget& budget) {
  table.add("max_loss", budget.max_loss, 0, 100,
            "With validate: how many points of P@1, P@3 and P@5 the smaller model may lose, each.");
  table.add("max_disagreement", budget.max_disagreement, 0, 100,
            "With validate: for how many of 100 rows the smaller model may put another label first. 100 = any.");
  table.add("try_value_bits", budget.value_bits, 2, 8,
            "With validate: the numbers of bits of a weight that are tried, the most first.");
}

size_t CompressCandidate::worst_depth() const noexcept {
  return static_cast<size_t>(std::max_element(loss.begin(), loss.end()) - loss.begin());
}

CompressSearch search_compressed(const Model& model, const EvaluationInput& judged_by, const RefitRows* refit_rows,
                                 const CompressBudget& budget, const CompressOptions& options, Job job) {
  if (budget.value_bits.empty()) throw Error(ErrorCode::usage, "try_value_bits names no number of bits");
  return Search(model, judged_by, budget, options, job).run(refit_rows);
}

nlohmann::ordered_json to_json(const CompressSearch& search) {
  nlohmann::ordered_json curve = nlohmann::ordered_json::array();
  for (const CompressCandidate& candidate : search.candidates) {
    nlohmann::ordered_json object = to_json(candidate);
    object["file_bytes"] = candidate.file_bytes;
    object["within"] = candidate.within;
    object["chosen"] = candidate.chosen;
    curve.push_back(std::move(object));
  }
  nlohmann::ordered_json whole{{"file_bytes", search.whole_bytes}, {"weights", search.whole_weights}};
  for (size_t depth = 0; depth < kDepths; ++depth) {
    whole["P@" + std::to_string(CompressCandidate::kDepths[depth])] = search.whole_precision[depth];
  }
  return {{"rows", search.n_rows}, {"whole", std::move(whole)}, {"candidates", std::move(curve)}};
}

}  // namespace coppice
