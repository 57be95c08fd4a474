// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/dist/network_model.h"
#include "coppice/dist/strategy.h"
#include "coppice/net/net_training.h"

namespace coppice {

/// Which trainings are compared, and on what network they are thought to run.
struct StudyOptions {
  std::vector<uint32_t> workers{1, 8, 32, 64, 128};
  std::vector<std::string> strategies{"sync", "gtc", "bmuf", "gtc+bmuf"};
  std::vector<uint32_t> group_sizes{8};  ///< of gtc+bmuf, each of which is tried
  std::string tau = "auto";              ///< of gtc and gtc+bmuf: the threshold, or by density
  uint32_t seeds = 3;
  std::vector<float> learning_rates{0.03F, 0.1F, 0.3F, 1};
  std::vector<float> learning_rate_factors{1};
  uint32_t points = 20;  ///< of the curve of an error
  double target = 2;     ///< percent more errors than one worker that count as equal
  double latency_us = 50;
  std::vector<float> megabit_per_second{1000};
  double shared_megabit_per_second = 0;
  std::vector<float> compute_ms{0};  ///< of a minibatch; 0: as measured
  std::string keep;                  ///< a folder for trainings that are done; "": none
};
void describe(OptionTable& table, StudyOptions& options);

/// One training, really run, by virtual workers.
struct StudyRun {
  uint64_t seed = 0;
  double error = 0;       ///< percent, on the rows it is measured by
  bool diverged = false;  ///< a gradient was no number: there is no model, and every row counts as wrong
  struct Point {
    double share = 0;  ///< of the samples
    double error = 0;
  };
  std::vector<Point> curve;  ///< by worker 0's model, on at most 2,000 of the rows
};

struct Interval {
  double mean = 0;
  double half_width = 0;  ///< of 95 %, by Student's t over the seeds
};

/// One number of workers by one strategy. Times are modelled, all else is measured; where all trainings diverged there
/// are none, NaN.
struct StudyRow {
  uint32_t workers = 1;
  std::string strategy;
  std::string name;  ///< the strategy's, with the size of its groups where several are tried
  uint32_t group_size = 1;
  double learning_rate = 0;
  std::vector<StudyRun> runs;
  double error = 0;           ///< the mean
  Interval more_errors;       ///< percent, relative to one worker with the same seed; NaN where that makes none
  double density = 0;         ///< of elements that were sent
  double samples_share = -1;  ///< of all, until the error is equal; below 0: it never is
  StepCosts costs;
  bool has_costs = false;  ///< a training came to its end, and has shown them
  StepPrediction step;
  double speed_up_to_error = -1;  ///< below 0: the error is never equal

  /// A hybrid whose groups are one, or of one: another strategy, by its name; else "".
  std::string is_really() const;
};

/// All strategies with the same number of workers, on links and with a network of a given speed. Modelled.
struct StudyCell {
  double megabit_per_second = 0;
  double compute_ms = 0;
  uint32_t workers = 1;
  struct Entry {
    std::string strategy;          ///< its name
    double speed_up = 0;           ///< in samples a second
    double speed_up_to_error = 0;  ///< below 0: the error is never equal
  };
  std::vector<Entry> strategies;

  const Entry& fastest() const;
};

struct Study {
  StudyOptions options;
  uint64_t rows = 0, test_rows = 0, parameters = 0;
  uint32_t minibatch = 0;
  std::vector<StudyRow> table;
  std::vector<StudyCell> map;        ///< every rate with every time to compute, and every number of workers
  CompressionConditions conditions;  ///< of the largest gtc
};

/// What is trained and measured in a study. Borrows rows.
struct StudyMaterial {
  const NetSet& set;
  const NetExamples& test;  ///< rows that errors are measured on
  std::string module;       ///< the bytes of a user's TorchScript file, which takes the place of our layers; "": none
};

/// Trains every combination with each seed and the same number of samples. The learning rate is the one by which a
/// single worker does best on a tenth of the rows, held out for that; with factors, each combination's own by the same
/// measure. Throws `ErrorCode::usage` for options that leave nothing to do, and where there are so few minibatches for
/// so many workers that the last step of all would go more than a tenth beyond them.
Study run_study(const StudyMaterial& material, const NetTrainOptions& train, const StudyOptions& options, Job job);

/// Times on another network, without training again: of the table on its first rate, and of the map on all.
void predict_times(Study& study, const StudyOptions& network);

nlohmann::ordered_json to_json(const Study& study);
std::string to_text(const Study& study);
/// Speed-up and errors by the number of workers, with the article's figures.
std::string to_svg(const Study& study);

/// What Ladkat et al. report for an acoustic model; nothing for others.
struct ReportedRow {
  uint32_t workers;
  const char* strategy;
  double speed_up, more_errors;  ///< NaN: fewer than by one worker
};
std::optional<ReportedRow> reported(uint32_t workers, const std::string& strategy);

}  // namespace coppice
