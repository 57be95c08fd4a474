// SPDX-License-Identifier: Apache-2.0
// A study as JSON and as a table.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "coppice/core/quantity.h"
#include "coppice/net/study.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

/// Relative error increases and speed-ups of an acoustic model, against one worker.
/// Source: Ladkat et al., "Two tiered distributed training algorithm for acoustic modeling", Interspeech 2019.
constexpr ReportedRow kReported[] = {
    {32, "gtc", 26, 1.4},   {32, "bmuf", 36.6, 3.5},   {64, "gtc", 17, 2.8},
    {64, "bmuf", 57, 8.9},  {32, "gtc+bmuf", 31, NAN}, {64, "gtc+bmuf", 42, 3.1},
    {128, "gtc", 11, 15.6}, {128, "bmuf", 80, 9.6},    {128, "gtc+bmuf", 97, 4.7},
};

/// What is not finite is null: there is no number to give.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

/// Below 0: it never comes to that.
Json number_or_never(double value) {
  return value >= 0 ? number(value) : Json();
}

Json to_json(const StudyRun& run) {
  Json curve = Json::array();
  for (const StudyRun::Point& point : run.curve) curve.push_back({point.share, point.error});
  return {{"seed", run.seed}, {"error", run.error}, {"diverged", run.diverged}, {"curve", std::move(curve)}};
}

Json to_json(const StudyRow& row) {
  Json runs = Json::array();
  for (const StudyRun& run : row.runs) runs.push_back(to_json(run));
  Json json{{"workers", row.workers},
            {"strategy", row.strategy},
            {"name", row.name},
            {"group_size", row.group_size},
            {"learning_rate", row.learning_rate},
            {"measured",
             {{"error", row.error},
              {"more_errors", number(row.more_errors.mean)},
              {"more_errors_half_width", number(row.more_errors.half_width)},
              {"density", row.density},
              {"message_bytes", row.costs.message_bytes},
              {"samples_share_until_equal", number_or_never(row.samples_share)},
              {"compute_seconds", row.costs.compute_seconds},
              {"encode_seconds", row.costs.encode_seconds},
              {"decode_seconds_of_a_message", row.costs.decode_seconds},
              {"runs", std::move(runs)}}},
            {"modelled",
             {{"step_seconds", number(row.step.seconds)},
              {"gradient_seconds", row.step.gradient_seconds},
              {"block_seconds", row.step.block_seconds},
              {"hidden_seconds", row.step.hidden_seconds},
              {"speed_up", number(row.step.speed_up)},
              {"speed_up_to_equal_error", number_or_never(row.speed_up_to_error)}}}};
  if (const auto known = reported(row.workers, row.strategy)) {
    json["reported"] = {{"speed_up", known->speed_up}, {"more_errors", number(known->more_errors)}};
  }
  return json;
}

Json to_json(const StudyCell& cell) {
  Json strategies = Json::object();
  for (const StudyCell::Entry& entry : cell.strategies) {
    strategies[entry.strategy] = {{"speed_up", entry.speed_up},
                                  {"speed_up_to_equal_error", number_or_never(entry.speed_up_to_error)}};
  }
  return {{"megabit_per_second", cell.megabit_per_second},
          {"compute_ms", cell.compute_ms},
          {"workers", cell.workers},
          {"fastest", cell.fastest().strategy},
          {"strategies", std::move(strategies)}};
}

std::string more_errors_text(const Interval& more) {
  if (!std::isfinite(more.mean)) return "-";
  if (!std::isfinite(more.half_width)) return fmt::format("{:+.1f} %", more.mean);
  // Where the interval holds 0, the seeds do not say which of the two is better.
  const char* const undecided = std::abs(more.mean) < more.half_width ? " undecided" : "";
  return fmt::format("{:+.1f} ± {:.1f} %{}", more.mean, more.half_width, undecided);
}

std::string text_of(const ReportedRow& known) {
  if (!std::isfinite(known.more_errors)) return fmt::format("{:g}x, fewer", known.speed_up);
  return fmt::format("{:g}x, {:+g} %", known.speed_up, known.more_errors);
}

/// "-": no training has shown what a step takes.
std::string time_text(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

std::string row_text(const StudyRow& row) {
  const auto known = reported(row.workers, row.strategy);
  const std::string equal = row.speed_up_to_error > 0 ? fmt::format("{:.1f}", row.speed_up_to_error) : "never";
  const std::string message = row.costs.message_bytes > 0 ? bytes_text(double(row.costs.message_bytes)) : "";
  return fmt::format(
      "{:>7} {:<10} {:>5} {:>7.3g} {:>7.2f} {:>24} {:>9} {:>9} {:>9} {:>9} {:>16}\n", row.workers, row.strategy,
      row.group_size, row.learning_rate, row.error, row.workers == 1 ? "" : more_errors_text(row.more_errors), message,
      time_text(1000 * row.step.seconds, 2), time_text(row.step.speed_up, 1), equal, known ? text_of(*known) : "");
}

/// Nothing where none did.
std::string diverged_text(const Study& study) {
  std::string text;
  for (const StudyRow& row : study.table) {
    const auto diverged =
        std::count_if(row.runs.begin(), row.runs.end(), [](const StudyRun& run) { return run.diverged; });
    if (diverged == 0) continue;
    text += fmt::format("{} workers by {}: {} of {} diverged, and count as errors of 100 %\n", row.workers, row.name,
                        diverged, counted(row.runs.size(), "training"));
  }
  return text;
}

std::string other_name_text(const Study& study) {
  std::string text;
  for (const StudyRow& row : study.table) {
    if (row.is_really().empty()) continue;
    text += fmt::format("{} workers by {} in groups of {} are {}\n", row.workers, row.strategy, row.group_size,
                        row.is_really());
  }
  return text;
}

/// A line for each number of workers and time to compute, a column for each rate.
std::string map_text(const Study& study) {
  std::string text =
      "\nModelled: the fastest strategy, and its speed-up by samples a second\n\nworkers    ms a minibatch";
  const size_t n_rates = study.options.megabit_per_second.size();
  for (const float rate : study.options.megabit_per_second)
    text += fmt::format("{:>19}", fmt::format("{:g} Mbit/s", rate));
  for (size_t i = 0; i < study.map.size(); ++i) {
    const StudyCell& cell = study.map[i];
    const double own_ms = 1000 * study.table.front().costs.compute_seconds;
    if (i % n_rates == 0) {
      text += fmt::format("\n{:>7} {:>17.3g}", cell.workers, cell.compute_ms > 0 ? cell.compute_ms : own_ms);
    }
    const StudyCell::Entry& fastest = cell.fastest();
    text += fmt::format("{:>19}", fmt::format("{} {:.1f}", fastest.strategy, fastest.speed_up));
  }
  return text + "\n";
}

}  // namespace

std::optional<ReportedRow> reported(uint32_t workers, const std::string& strategy) {
  for (const ReportedRow& row : kReported) {
    if (row.workers == workers && row.strategy == strategy) return row;
  }
  return std::nullopt;
}

Json to_json(const Study& study) {
  StudyOptions options = study.options;
  OptionTable table;
  describe(table, options);
  Json rows = Json::array();
  for (const StudyRow& row : study.table) rows.push_back(to_json(row));
  Json map = Json::array();
  for (const StudyCell& cell : study.map) map.push_back(to_json(cell));
  return {{"rows", study.rows},           {"test_rows", study.test_rows}, {"parameters", study.parameters},
          {"minibatch", study.minibatch}, {"options", table.get()},       {"table", std::move(rows)},
          {"map", std::move(map)}};
}

std::string to_text(const Study& study) {
  const StudyOptions& network = study.options;
  std::string text = fmt::format(
      "{} of {}, {} parameters, minibatches of {}; errors on {} rows, {} each\n\n{:>7} {:<10} {:>5} {:>7} {:>7} {:>24} "
      "{:>9} {:>9} {:>9} {:>9} {:>16}\n",
      counted(study.rows, "row"), "training", study.parameters, study.minibatch, study.test_rows,
      counted(network.seeds, "seed"), "workers", "strategy", "group", "rate", "error", "more errors (95 %)", "message",
      "ms a step", "speed-up", "to error", "the article");
  for (const StudyRow& row : study.table) text += row_text(row);
  text += other_name_text(study) + diverged_text(study);
  text += fmt::format(
      "\nErrors and messages are measured, by virtual workers and the same number of samples (but for what the last\n"
      "step of all goes beyond it). Milliseconds and speed-ups are modelled: {:g} ms of computing, {:g} us and {:g} "
      "Mbit/s a link{}. \"to error\": until at most "
      "{:g} %\n"
      "more errors than one worker has in the end. The article's figures are of another model, data and network\n"
      "(Ladkat et al. 2019).\n",
      1000 * study.table.front().step.compute_seconds, network.latency_us, network.megabit_per_second.front(),
      network.shared_megabit_per_second > 0 ? fmt::format(", {:g} Mbit/s shared", network.shared_megabit_per_second)
                                            : "",
      network.target);
  if (!study.map.empty()) text += map_text(study);
  if (study.conditions.largest_fewer > 0) text += "\n" + text_of(study.conditions) + "\n";
  return text;
}

}  // namespace coppice
