// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/study_training.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "coppice/dist/finite_gradient.h"
#include "coppice/dist/in_process.h"
#include "coppice/net/net_evaluation.h"
#include "coppice/net/net_trainee.h"

namespace coppice {
namespace {

constexpr size_t kMostRowsOfCurve = 2000;

NetExamples some_of(const NetExamples& examples) {
  if (examples.size() <= kMostRowsOfCurve) return examples;
  const std::vector<uint32_t> rows = shuffled_rows(examples.size(), 1);
  return select_examples(examples, std::span(rows).first(kMostRowsOfCurve));
}

std::string fingerprint_of(const NetExamples& examples) {
  NetSet set;
  set.rows.examples = examples;
  return fingerprint(set);
}

double error_of(const StudyArena& arena, const NetExamples& rows, const NetTraining& training,
                const NetTrainOptions& options) {
  Progress silent;
  const NetModel model = make_net_model(arena.material.set, training, arena.material.module, options);
  MetricOptions metrics;
  metrics.at = {1};
  return error_rate(evaluate_network(model, rows, metrics, {arena.job.pool, silent}));
}

/// Looks at the model of worker 0 now and then.
class Curve final : public TrainingWatcher {
 public:
  Curve(const StudyArena& arena, const NetTrainOptions& options, uint32_t points, StudyRun& run)
      : arena_(arena), options_(options), points_(points), run_(run) {}

  void trained(double share, std::span<const float> parameters, Learner& learner) override {
    arena_.job.progress.throw_if_stopped();
    if (share >= 1 || share < double(run_.curve.size() + 1) / points_) return;
    NetTraining so_far;
    so_far.parameters.assign(parameters.begin(), parameters.end());
    so_far.buffers = learner.own_state();
    run_.curve.push_back({share, error_of(arena_, arena_.few, so_far, options_)});
  }

 private:
  const StudyArena& arena_;
  const NetTrainOptions& options_;
  uint32_t points_;
  StudyRun& run_;
};

NetTraining train_virtually(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers, Curve& curve,
                            VirtualReport& report) {
  std::deque<NetTrainee> trainees;
  VirtualJob job{n_workers, options.minibatch, options.hybrid, {}};
  for (size_t i = 0; i < arena.job.pool.threads(); ++i) {
    trainees.emplace_back(arena.material.set, arena.material.module, options);
    job.learners.push_back(&trainees.back().learner());
  }
  const uint64_t minibatches = trainees[0].minibatches();
  const auto watch = [&](uint64_t done, std::span<const float> parameters) {
    curve.trained(double(done) / double(minibatches), parameters, trainees[0].learner());
  };
  report = train_virtual_workers(job, minibatches, arena.job.pool, watch);
  HybridReport of_all;
  of_all.steps = report.steps * n_workers, of_all.n_skipped = report.n_skipped;
  return trainees[0].result(of_all);
}

/// Of one worker, as virtual workers say it of all. Its group has some, and not all, of the workers.
VirtualReport means_of(const HybridReport& report, const HybridOptions& options) {
  constexpr double kAround = 24;  // bytes of a message: its size and the seals
  const double steps = std::max<double>(1, double(report.steps));
  const double sent = std::max<double>(1, double(report.steps) - double(options.warm_start));
  const bool compresses = options.compression.threshold > 0 || options.compression.density > 0;
  VirtualReport means;
  means.steps = report.steps, means.samples = report.samples;
  means.compute_seconds = report.compute_seconds / steps;
  if (!compresses || options.group_size < 2) return means;
  means.density = report.density * steps / sent;
  means.encode_seconds = report.encode_seconds / sent;
  means.decode_seconds = report.decode_seconds / sent;
  means.message_bytes = double(report.in_group.bytes_received) / sent / (options.group_size - 1) - kAround;
  return means;
}

NetTraining train_in_threads(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers, Curve& curve,
                             VirtualReport& report) {
  NetTraining first;
  run_workers(n_workers, arena.job.pool.threads(), [&](Transport& transport) {
    Progress silent;
    const bool is_first = transport.rank() == 0;
    NetTraining own = train_network(transport, arena.material.set, arena.material.module, options, silent,
                                    is_first ? &curve : nullptr);
    if (is_first) first = std::move(own);
  });
  report = means_of(first.report, options.hybrid);
  return first;
}

/// Models under way between groups, and what a network changes by itself, are those of workers that are there.
bool needs_threads(const StudyArena& arena, const NetTrainOptions& options) {
  if (options.hybrid.overlap.minibatches > 0) return true;
  return !NetTrainee(arena.material.set, arena.material.module, options).learner().own_state().empty();
}

/// Nothing where gradients became no numbers.
std::optional<NetTraining> train_or_diverge(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers,
                                            Curve& curve, VirtualReport& report) {
  const auto train = needs_threads(arena, options) ? train_in_threads : train_virtually;
  try {
    return train(arena, options, n_workers, curve, report);
  } catch (const NotFinite&) {
    return std::nullopt;
  }
}

StudyTraining train(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers, uint32_t points) {
  StudyTraining trained;
  trained.run.seed = options.seed;
  Curve curve(arena, options, points, trained.run);
  const std::optional<NetTraining> training = train_or_diverge(arena, options, n_workers, curve, trained.report);
  if (!training) return {{options.seed, 100, true, {{1, 100}}}, {}};
  trained.run.error = error_of(arena, arena.material.test, *training, options);
  trained.run.curve.push_back({1, error_of(arena, arena.few, *training, options)});
  return trained;
}

}  // namespace

StudyArena::StudyArena(const StudyMaterial& of, const KeptTrainings& done, Job with)
    : material(of), kept(done), job(with), test_fingerprint(fingerprint_of(of.test)), few(some_of(of.test)) {}

StudyTraining train_for_study(const StudyArena& arena, const NetTrainOptions& options, uint32_t n_workers,
                              uint32_t points) {
  const std::string facts = training_facts(arena.material.set, arena.material.module, options) + length_facts(options) +
                            "tested on " + arena.test_fingerprint + "\nworkers " + std::to_string(n_workers) +
                            "\npoints " + std::to_string(points) + "\n";
  std::optional<StudyTraining> training = arena.kept.find(facts);
  if (!training) {
    training = train(arena, options, n_workers, points);
    arena.job.progress.throw_if_stopped();
    arena.kept.keep(facts, *training);
  }
  arena.job.progress.advance(1);
  return std::move(*training);
}

}  // namespace coppice
