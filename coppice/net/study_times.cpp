// SPDX-License-Identifier: Apache-2.0
// What a study's trainings would take on links that it was not made on.
#include <algorithm>
#include <cmath>

#include "coppice/net/study.h"

namespace coppice {
namespace {

constexpr double kBytesOfMegabit = 1e6 / 8;

NetworkModel model_of(const StudyOptions& network, double megabit_per_second) {
  return {network.latency_us / 1e6, megabit_per_second * kBytesOfMegabit,
          network.shared_megabit_per_second * kBytesOfMegabit};
}

/// `compute_ms`: of a minibatch, 0: as measured.
StepCosts with_compute(StepCosts costs, double compute_ms) {
  if (compute_ms > 0) costs.compute_seconds = compute_ms / 1000;
  return costs;
}

/// Below 0: never.
double speed_up_to_error(const Study& study, const StudyRow& row, double speed_up) {
  const double base = study.table.front().samples_share;
  return row.samples_share > 0 && base > 0 ? speed_up * base / row.samples_share : -1;
}

void predict_cell(const Study& study, const StudyOptions& network, StudyCell& cell) {
  const NetworkModel model = model_of(network, cell.megabit_per_second);
  for (const StudyRow& row : study.table) {
    if (row.workers != cell.workers || !row.has_costs) continue;
    const double speed_up = predict_step(with_compute(row.costs, cell.compute_ms), model).speed_up;
    cell.strategies.push_back({row.name, speed_up, speed_up_to_error(study, row, speed_up)});
  }
}

}  // namespace

const StudyCell::Entry& StudyCell::fastest() const {
  return *std::max_element(strategies.begin(), strategies.end(),
                           [](const Entry& a, const Entry& b) { return a.speed_up < b.speed_up; });
}

void predict_times(Study& study, const StudyOptions& network) {
  const NetworkModel model = model_of(network, network.megabit_per_second.front());
  uint32_t most_of_gtc = 0;
  for (StudyRow& row : study.table) {
    row.speed_up_to_error = -1;
    row.step.seconds = row.step.speed_up = NAN;
    if (!row.has_costs || !study.table.front().has_costs) continue;
    const StepCosts costs = with_compute(row.costs, network.compute_ms.front());
    row.step = predict_step(costs, model);
    row.speed_up_to_error = speed_up_to_error(study, row, row.step.speed_up);
    if (row.strategy != "gtc" || row.workers < most_of_gtc) continue;
    study.conditions = conditions_of(costs, model);
    most_of_gtc = row.workers;
  }
  study.map.clear();
  if (network.megabit_per_second.size() * network.compute_ms.size() == 1 || !study.table.front().has_costs) return;
  for (const uint32_t workers : network.workers) {
    if (workers == 1) continue;
    for (const float compute_ms : network.compute_ms) {
      for (const float megabit_per_second : network.megabit_per_second) {
        StudyCell cell{megabit_per_second, compute_ms, workers, {}};
        predict_cell(study, network, cell);
        if (!cell.strategies.empty()) study.map.push_back(std::move(cell));
      }
    }
  }
}

}  // namespace coppice
