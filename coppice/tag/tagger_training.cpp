// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tagger_training.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/math/lbfgs.h"
#include "coppice/rank/chunk.h"
#include "coppice/tag/tagger_weights.h"

namespace coppice {
namespace {

/// A hash is as good as random already.
struct LowHalf {
  size_t operator()(const KeyHash& key) const noexcept { return key.low; }
};

/// Numbers features in the order in which they come, and counts them.
class FeatureCounter {
 public:
  uint32_t number(KeyHash key) {
    const auto [found, is_new] = numbers_.emplace(key, static_cast<uint32_t>(keys_.size()));
    if (is_new) {
      keys_.push_back(key);
      counts_.push_back(0);
    }
    ++counts_[found->second];
    return found->second;
  }

  const std::vector<KeyHash>& keys() const noexcept { return keys_; }
  uint64_t count(uint32_t feature) const noexcept { return counts_[feature]; }

 private:
  std::unordered_map<KeyHash, uint32_t, LowHalf> numbers_;
  std::vector<KeyHash> keys_;
  std::vector<uint64_t> counts_;
};

/// Puts texts together to one problem.
class ProblemBuilder {
 public:
  ProblemBuilder(uint32_t n_slots, const TagFeatureSource& source) : source_(source) { problem_.crf.tags = {n_slots}; }

  void add(const TaggedText& row) {
    splitter_.split(row.text, split_);
    if (split_.size() == 0) {
      problem_.n_lost_slots += row.slots.size();
      return;
    }
    extractor_.extract(source_, row.text, split_, features_);
    CrfProblem& crf = problem_.crf;
    for (size_t i = 0; i < split_.size(); ++i) {
      for (const KeyHash key : features_.of_word(i)) crf.word_features.push_back(counter_.number(key));
      crf.word_begin.push_back(crf.word_features.size());
    }
    for (const KeyHash key : features_.of_text()) crf.text_features.push_back(counter_.number(key));
    crf.text_begin.push_back(crf.text_features.size());
    add_gold(row);
    crf.first_word.push_back(crf.gold.size());
  }

  TaggerProblem build(uint32_t min_count) {
    drop_rare(min_count);
    make_rows();
    return std::move(problem_);
  }

 private:
  void add_gold(const TaggedText& row) {
    const Tags tags = problem_.crf.tags;
    size_t i = 0;
    for (const Slot& slot : row.slots) {
      while (i < split_.size() && split_.words[i].begin < slot.begin) add_tag(Tags::kOutside, i);
      const size_t first = i;
      while (i < split_.size() && split_.words[i].begin < slot.end) {
        add_tag(i == first ? tags.begin(slot.type) : tags.inside(slot.type), i);
      }
      problem_.n_lost_slots += i == first;
    }
    while (i < split_.size()) add_tag(Tags::kOutside, i);
  }

  void add_tag(uint32_t tag, size_t& i) {
    problem_.crf.gold.push_back(tag);
    ++i;
  }

  void drop_rare(uint32_t min_count) {
    std::vector<uint32_t> numbers(counter_.keys().size(), KeyIndex::kNone);
    for (uint32_t feature = 0; feature < numbers.size(); ++feature) {
      if (counter_.count(feature) < min_count) continue;
      numbers[feature] = static_cast<uint32_t>(problem_.features.size());
      problem_.features.push_back(counter_.keys()[feature]);
    }
    renumber(numbers, problem_.crf.word_begin, problem_.crf.word_features);
    renumber(numbers, problem_.crf.text_begin, problem_.crf.text_features);
  }

  static void renumber(const std::vector<uint32_t>& numbers, std::vector<uint64_t>& begin,
                       std::vector<uint32_t>& features) {
    size_t kept = 0;
    uint64_t from = 0;
    for (size_t row = 0; row + 1 < begin.size(); ++row) {
      for (; from < begin[row + 1]; ++from) {
        const uint32_t number = numbers[features[from]];
        if (number != KeyIndex::kNone) features[kept++] = number;
      }
      begin[row + 1] = kept;
    }
    features.resize(kept);
  }

  /// The tags that each feature was seen with.
  void make_rows() {
    CrfProblem& crf = problem_.crf;
    std::vector<std::vector<uint32_t>> seen(problem_.features.size());
    const auto see = [&](uint32_t feature, uint32_t tag) {
      std::vector<uint32_t>& tags = seen[feature];
      const auto place = std::ranges::lower_bound(tags, tag);
      if (place == tags.end() || *place != tag) tags.insert(place, tag);
    };
    for (size_t text = 0; text < crf.n_texts(); ++text) {
      for (size_t word = crf.first_word[text]; word < crf.first_word[text + 1]; ++word) {
        for (const uint32_t feature : crf.of_word(word)) see(feature, crf.gold[word]);
        for (const uint32_t feature : crf.of_text(text)) see(feature, crf.gold[word]);
      }
    }
    for (const std::vector<uint32_t>& tags : seen) {
      crf.row_tags.insert(crf.row_tags.end(), tags.begin(), tags.end());
      crf.row_begin.push_back(crf.row_tags.size());
    }
  }

  TagFeatureSource source_;
  TaggerProblem problem_;
  FeatureCounter counter_;
  WordSplitter splitter_;
  SplitText split_;
  TagFeatureExtractor extractor_;
  TagFeatures features_;
};

LbfgsResult solve(const CrfProblem& problem, const TaggerOptions& options, Job job) {
  CrfObjective objective(problem, options.l2, job.pool);
  LbfgsOptions lbfgs;
  lbfgs.most_iterations = options.iterations;
  lbfgs.tolerance = options.tolerance;
  lbfgs.l1 = options.l1;
  lbfgs.watch = [&](uint32_t, double) { job.progress.advance(1); };
  const auto function = [&](std::span<const double> x, std::span<double> gradient) {
    job.progress.throw_if_stopped();
    return objective(x, gradient);
  };
  job.progress.stage("fitting weights", options.iterations);
  return minimize(function, std::vector<double>(problem.n_weights()), lbfgs);
}

}  // namespace

void describe(OptionTable& table, TaggerOptions& options) {
  table.add("min_count", options.min_count, 1, 1'000'000,
            "Features that stand in fewer places are left out: a smaller model, and mostly one that finds less.");
  table.add("l1", options.l1, 0, 1e6,
            "What the absolute values of the weights cost (CRFsuite: c1). More leaves more weights at 0, and a smaller "
            "model.");
  table.add("l2", options.l2, 0, 1e6,
            "What half the squares of the weights cost (twice CRFsuite's c2): more holds them nearer to 0.");
  table.add("iterations", options.iterations, 1, 100'000, "Iterations of L-BFGS at most.");
  table.add("tolerance", options.tolerance, 0, 1,
            "Training ends where ten iterations lower the objective by less than this share.");
  table.add("weight_threshold", options.threshold, 0, 1e6, "Weights nearer to zero are not stored.");
}

TaggerProblem make_tagger_problem(const TaggedTexts& texts, const TagFeatureSource& source, uint32_t min_count) {
  ProblemBuilder builder(static_cast<uint32_t>(texts.slot_names.size()), source);
  for (const TaggedText& row : texts.rows) builder.add(row);
  return builder.build(min_count);
}

TaggerTraining train_tagger(const TaggedTexts& texts, std::vector<Gazetteer> gazetteers, const TaggerOptions& options,
                            Job job) {
  if (texts.slot_names.size() > Tagger::kMostSlots) {
    throw Error(ErrorCode::data, counted(texts.slot_names.size(), "type") + " of slots, at most " +
                                     std::to_string(Tagger::kMostSlots) + " expected");
  }
  job.progress.stage("collecting features", 0);
  const TaggerProblem problem = make_tagger_problem(texts, {options.features, gazetteers}, options.min_count);
  const CrfProblem& crf = problem.crf;
  if (texts.n_slots() == problem.n_lost_slots || problem.features.empty()) {
    throw Error(ErrorCode::data, "no word has a tag but O, so that there is nothing to learn", texts.report.input);
  }
  const LbfgsResult fitted = solve(crf, options, job);
  TaggerParts parts;
  parts.slot_names = texts.slot_names;
  parts.options = options.features;
  parts.gazetteers = std::move(gazetteers);
  assemble(problem, fitted.x, options.threshold, parts, job.pool);
  TaggerTraining training{Tagger(std::move(parts))};
  training.n_texts = crf.n_texts();
  training.n_words = crf.n_words();
  training.n_features = problem.features.size();
  training.n_weights = crf.n_weights();
  training.n_lost_slots = problem.n_lost_slots;
  training.iterations = fitted.iterations;
  training.converged = fitted.converged;
  return training;
}

}  // namespace coppice
