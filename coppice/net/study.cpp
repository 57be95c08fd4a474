// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/study.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/net/net_trainee.h"
#include "coppice/net/study_training.h"

namespace coppice {
namespace {

/// The one that does best on the rows of `arena`.
double best_rate(const StudyArena& arena, NetTrainOptions options, uint32_t n_workers,
                 const std::vector<float>& rates) {
  if (rates.size() == 1) return rates[0];
  double best = rates[0], least = 1e9;
  for (const float rate : rates) {
    options.hybrid.sgd.learning_rate = rate;
    const double error = train_for_study(arena, options, n_workers, 1).run.error;
    if (error < least) std::tie(best, least) = std::pair(double(rate), error);
  }
  return best;
}

Strategy strategy_of(const std::string& text) {
  StrategyOptions options;
  OptionTable table;
  describe(table, options);
  table.find("strategy").set_text(text);
  return options.strategy;
}

/// Of Student's distribution, for a two-sided interval of 95 %.
double student(size_t degrees) {
  constexpr double kTable[] = {12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
  return degrees == 0 ? INFINITY : degrees <= std::size(kTable) ? kTable[degrees - 1] : 2.0 + 2.4 / double(degrees);
}

Interval interval_of(const std::vector<double>& values) {
  const double n = double(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  if (values.size() < 2) return {mean, INFINITY};
  return {mean, student(values.size() - 1) * std::sqrt(squares / (n - 1) / n)};
}

/// The share of the samples after which the mean error of the runs is at most `target`, below 0 where it never is.
double share_until(const std::vector<StudyRun>& runs, double target) {
  size_t n_points = SIZE_MAX;
  for (const StudyRun& run : runs) n_points = std::min(n_points, run.curve.size());
  for (size_t i = 0; i < n_points; ++i) {
    double error = 0, share = 0;
    for (const StudyRun& run : runs) {
      error += run.curve[i].error / double(runs.size());
      share = std::max(share, run.curve[i].share);
    }
    if (error <= target) return share;
  }
  return -1;
}

class Runner {
 public:
  Runner(const StudyMaterial& material, const NetTrainOptions& train, const StudyOptions& options, Job job)
      : train_(train), options_(options), kept_(options.keep), arena_(material, kept_, job) {}

  Study run() {
    Study study;
    study.options = options_;
    study.rows = n_rows();
    study.test_rows = arena_.material.test.size();
    study.minibatch = train_.minibatch;
    NetTrainee trainee(arena_.material.set, arena_.material.module, train_);
    study.parameters = n_parameters_ = trainee.learner().parameters().size();
    expect_enough_for(trainee.minibatches());
    arena_.job.progress.stage("studying", n_trainings());
    split_for_tuning();
    StudyRow base = row_of(1, {"sync", 0});
    for (const uint32_t workers : options_.workers) {
      if (workers == 1) continue;
      for (const Combination& one : combinations_of(workers)) study.table.push_back(row_of(workers, one));
    }
    study.table.insert(study.table.begin(), std::move(base));
    predict_times(study, options_);
    return study;
  }

 private:
  /// What is trained by so many workers.
  struct Combination {
    std::string strategy;
    uint32_t group_size;
  };
  std::vector<Combination> combinations_of(uint32_t workers) const {
    std::vector<Combination> combinations;
    for (const std::string& strategy : options_.strategies) {
      if (strategy_of(strategy) != Strategy::hybrid) {
        combinations.push_back({strategy, 0});
        continue;
      }
      std::set<uint32_t> sizes;
      for (uint32_t size : options_.group_sizes) {
        size = std::min(size, workers);
        while (workers % size != 0) --size;  // so that groups are full
        sizes.insert(size);
      }
      for (const uint32_t size : sizes) combinations.push_back({strategy, size});
    }
    return combinations;
  }

  /// All workers do as many steps, the last of which may go beyond the samples that one worker trains on.
  void expect_enough_for(uint64_t minibatches) const {
    for (const uint64_t workers : options_.workers) {
      const uint64_t done = (minibatches + workers - 1) / workers * workers;
      if (10 * done <= 11 * minibatches) continue;
      throw Error(ErrorCode::usage,
                  counted(minibatches, "minibatch", "minibatches") + " are too few to compare " +
                      counted(workers, "worker") + " with one: they would train on " + std::to_string(done),
                  {},
                  "--epochs " + std::to_string(static_cast<uint64_t>(std::ceil(epochs_for(workers, minibatches)))) +
                      ", a smaller minibatch or fewer workers");
    }
    note_short_trainings(minibatches);
  }

  /// So that a step of all beyond the end is a tenth at most.
  double epochs_for(uint64_t workers, uint64_t minibatches) const {
    return train_.epochs * 10 * double(workers) / double(minibatches);
  }

  /// Blocks that a training is too short for have a price in the modelled times, and hardly any effect on errors.
  void note_short_trainings(uint64_t minibatches) const {
    const std::vector<std::string>& strategies = options_.strategies;
    const bool has_blocks = std::any_of(strategies.begin(), strategies.end(), [](const std::string& strategy) {
      return strategy.find("bmuf") != std::string::npos;
    });
    const uint64_t block = train_.hybrid.block_minibatches;
    std::string workers;
    for (const uint64_t n : options_.workers) {
      if (n > 1 && minibatches / n < 3 * block) workers += (workers.empty() ? "" : ", ") + std::to_string(n);
    }
    if (workers.empty() || !has_blocks) return;
    arena_.job.progress.note("with " + workers + " workers a training has fewer than 3 blocks of " +
                             counted(block, "minibatch", "minibatches") +
                             ": what it says of bmuf and gtc+bmuf holds for so short ones alone");
  }

  uint64_t n_trainings() const {
    uint64_t rows = 0;
    for (const uint32_t workers : options_.workers) rows += workers > 1 ? combinations_of(workers).size() : 0;
    const auto tuned = [](size_t rates) { return rates > 1 ? rates : 0; };
    return (rows + 1) * options_.seeds + tuned(options_.learning_rates.size()) +
           rows * tuned(options_.learning_rate_factors.size());
  }

  void split_for_tuning() {
    const NetSet& set = arena_.material.set;
    const std::vector<uint32_t> rows = shuffled_rows(n_rows(), 2);
    const auto split = std::span(rows).first(rows.size() / 10);
    tuning_set_ = set;
    tuning_set_.rows.examples = select_examples(set.rows.examples, std::span(rows).subspan(split.size()));
    tuning_test_ = select_examples(set.rows.examples, split);
    if (split.empty() && std::max(options_.learning_rates.size(), options_.learning_rate_factors.size()) > 1) {
      throw Error(ErrorCode::usage, "there are too few rows to find a learning rate on some of them", {},
                  "one --learning-rates, and no --learning-rate-factors");
    }
  }
  size_t n_rows() const { return arena_.material.set.rows.examples.size(); }

  NetTrainOptions options_of(uint32_t workers, const Combination& combination) const {
    NetTrainOptions options = train_;
    options.seed = 1;  // of the trainings that find a rate
    options.hybrid.group_size = combination.group_size;
    options.hybrid = resolve({strategy_of(combination.strategy), options_.tau}, options.hybrid, workers);
    const uint32_t group_size = options.hybrid.group_size;
    if (group_size == 0 || group_size == workers) options.hybrid.overlap = {};  // no models to exchange
    return options;
  }

  double tuned_rate(const NetTrainOptions& options, uint32_t workers) {
    std::vector<float> rates = options_.learning_rates;
    if (base_rate_ > 0) {
      rates = options_.learning_rate_factors;
      for (float& rate : rates) rate *= static_cast<float>(base_rate_);
    }
    const StudyMaterial material{tuning_set_, tuning_test_, arena_.material.module};
    return best_rate(StudyArena(material, kept_, arena_.job), options, workers, rates);
  }

  StudyRow row_of(uint32_t workers, const Combination& combination) {
    StudyRow row;
    NetTrainOptions options = options_of(workers, combination);
    row.workers = workers;
    row.strategy = row.name = workers == 1 ? "one worker" : combination.strategy;
    const bool several = combination.group_size > 0 && options_.group_sizes.size() > 1;
    if (several) row.name += " of " + std::to_string(combination.group_size);
    row.group_size = options.hybrid.group_size == 0 ? workers : options.hybrid.group_size;
    options.hybrid.sgd.learning_rate = row.learning_rate = tuned_rate(options, workers);
    if (base_rate_ == 0) base_rate_ = row.learning_rate;
    for (uint32_t seed = 1; seed <= options_.seeds; ++seed) {
      options.seed = seed;
      StudyTraining trained = train_for_study(arena_, options, workers, options_.points);
      row.error += trained.run.error / options_.seeds;
      note_costs(trained, options, row);
      row.runs.push_back(std::move(trained.run));
    }
    compare(row);
    return row;
  }

  /// Of the seeds, the least seconds: what a step takes does not depend on the seed, and other programs only add to it.
  void note_costs(const StudyTraining& trained, const NetTrainOptions& options, StudyRow& row) {
    if (trained.run.diverged) return;
    const auto least = [&](double& seconds, double more) { seconds = row.has_costs ? std::min(seconds, more) : more; };
    if (row.workers == 1) least(base_seconds_, trained.report.compute_seconds);
    least(row.costs.encode_seconds, trained.report.encode_seconds);
    least(row.costs.decode_seconds, trained.report.decode_seconds / row.group_size);
    row.has_costs = true;
    row.density = trained.report.density;
    row.costs.workers = row.workers;
    row.costs.group_size = row.group_size;
    row.costs.block_minibatches = options.hybrid.block_minibatches;
    row.costs.exchange = options.hybrid.exchange;
    row.costs.overlap = options.hybrid.overlap;
    row.costs.model_bytes = sizeof(float) * n_parameters_;
    row.costs.message_bytes = static_cast<uint64_t>(trained.report.message_bytes);
    row.costs.compute_seconds = base_seconds_;
  }

  void compare(StudyRow& row) {
    if (base_runs_.empty()) {
      base_runs_ = row.runs;
      // By the same rows as the curves.
      for (const StudyRun& run : base_runs_) target_ += run.curve.back().error / double(base_runs_.size());
      target_ *= 1 + options_.target / 100;
    }
    std::vector<double> more;
    for (size_t i = 0; i < row.runs.size(); ++i) {
      const double base = base_runs_[i].error;  // 0: nothing can be said relative to it
      more.push_back(row.workers == 1 ? 0 : base > 0 ? 100 * (row.runs[i].error / base - 1) : NAN);
    }
    row.more_errors = interval_of(more);
    row.samples_share = share_until(row.runs, target_);
  }

  NetTrainOptions train_;
  StudyOptions options_;
  KeptTrainings kept_;
  StudyArena arena_;
  NetSet tuning_set_;
  NetExamples tuning_test_;
  uint64_t n_parameters_ = 0;
  double base_rate_ = 0, base_seconds_ = 0, target_ = 0;  ///< of one worker
  std::vector<StudyRun> base_runs_;
};

void expect_some(const StudyOptions& options) {
  const std::pair<const char*, size_t> lists[] = {{"workers", options.workers.size()},
                                                  {"strategies", options.strategies.size()},
                                                  {"group_sizes", options.group_sizes.size()},
                                                  {"learning_rates", options.learning_rates.size()},
                                                  {"learning_rate_factors", options.learning_rate_factors.size()},
                                                  {"megabit_per_second", options.megabit_per_second.size()},
                                                  {"compute_ms", options.compute_ms.size()}};
  for (const auto& [name, size] : lists) {
    if (size == 0) throw Error(ErrorCode::usage, std::string(name) + " is empty, expected one value or more");
  }
}

}  // namespace

std::string StudyRow::is_really() const {
  if (strategy != "gtc+bmuf") return "";
  return group_size == workers ? "gtc" : group_size == 1 ? "bmuf" : "";
}

void describe(OptionTable& table, StudyOptions& options) {
  table.add("workers", options.workers, 1, 4096,
            "Numbers of workers. One worker is always there: the others are compared with it.");
  table.add("strategies", options.strategies, "sync, gtc, bmuf, gtc+bmuf: those to compare.");
  table.add("group_sizes", options.group_sizes, 1, 4096,
            "Workers of a group of gtc+bmuf: each of these is tried, or the largest below it that fills groups.");
  describe_tau(table, options.tau);
  table.add("seeds", options.seeds, 1, 100, "Trainings of each combination; intervals need 2 or more.");
  table.add("learning_rates", options.learning_rates, 1e-9, 1e9,
            "Of these one worker takes the one that does best on a tenth of the rows, held out for that.");
  table.add("learning_rate_factors", options.learning_rate_factors, 1e-9, 1e9,
            "Each combination takes one worker's learning rate times one of these, the best by the same measure.");
  table.add("points", options.points, 1, 10000, "How often an error is looked at in training.");
  table.add("target", options.target, 0, 1000, "Percent more errors than one worker that count as equal.");
  table.add("latency_us", options.latency_us, 0, 1e9, "Of the network: microseconds of a message.");
  table.add("megabit_per_second", options.megabit_per_second, 1e-3, 1e9,
            "Of the network: each worker's link. The table is of the first rate; of several there is a map, too, which "
            "says what pays where.");
  table.add("shared_megabit_per_second", options.shared_megabit_per_second, 0, 1e9,
            "Of the network: what all workers together have. 0: nothing is shared.");
  table.add("compute_ms", options.compute_ms, 0, 1e9,
            "Milliseconds of a minibatch on one worker. 0: as measured here. Several, as for the rate of the links.");
  table.add("keep", options.keep,
            "A folder where each training is kept once it is done: a study that was stopped goes on from there.");
}

Study run_study(const StudyMaterial& material, const NetTrainOptions& train, const StudyOptions& options, Job job) {
  expect_some(options);
  std::vector<std::string> strategies = options.strategies;
  strategies.emplace_back("gtc");  // tau has to make sense also where nothing is compressed
  for (const std::string& strategy : strategies) {
    (void)resolve({strategy_of(strategy), options.tau}, train.hybrid, options.workers[0]);
  }
  if (material.test.size() == 0)
    throw Error(ErrorCode::usage, "there are no rows to measure errors on", {}, "validate names them");
  if (material.test.labels.n_nonzeros() == 0) {
    throw Error(ErrorCode::usage, "no row that errors are measured on has a label", {}, "validate names other ones");
  }
  return Runner(material, train, options, job).run();
}

}  // namespace coppice
