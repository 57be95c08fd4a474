// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/two_means.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

namespace coppice {
namespace {

constexpr size_t kScoreGrain = 1024;
constexpr size_t kColumnGrain = 16384;
constexpr size_t kMostParts = 16;
/// Among more rows, starts are tried on a sample.
constexpr size_t kMostTrialRows = 2048;
constexpr uint32_t kTrialRounds = 2;

/// A score as an integer of the same order.
uint32_t ordered_bits(float score) noexcept {
  const uint32_t bits = std::bit_cast<uint32_t>(score + 0.0f);  // -0 becomes 0
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

float dot(std::span<const uint32_t> columns, const float* values, const float* dense) noexcept {
  std::array<float, 4> sums{};
  size_t j = 0;
  for (; j + 4 <= columns.size(); j += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += values[j + lane] * dense[columns[j + lane]];
  }
  for (; j < columns.size(); ++j) sums[0] += values[j] * dense[columns[j]];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::span<const uint32_t> columns_of(const NodeRows& rows, uint32_t row) noexcept {
  return std::span(rows.columns).subspan(rows.first[row], rows.first[row + 1] - rows.first[row]);
}

void scatter(const NodeRows& rows, std::span<const uint32_t> members, float sign, float* sums) noexcept {
  for (const uint32_t row : members) {
    const std::span<const uint32_t> columns = columns_of(rows, row);
    const float* values = rows.values.data() + rows.first[row];
    for (size_t j = 0; j < columns.size(); ++j) sums[columns[j]] += sign * values[j];
  }
}

void draw_sample(std::span<const uint32_t> members, size_t wanted, Random& random, std::vector<uint32_t>& sample) {
  sample.assign(members.begin(), members.end());
  if (wanted >= members.size()) return;
  random.shuffle(std::span(sample));
  sample.resize(wanted);
  std::sort(sample.begin(), sample.end());
}

/// How many of a sample go left, that the shares be those of the whole.
size_t left_of_sample(const TwoMeans::Task& task, size_t wanted) noexcept {
  return std::clamp<size_t>(wanted * task.n_left / task.members.size(), 1, wanted - 1);
}

}  // namespace

uint64_t NodeRows::n_entries(std::span<const uint32_t> members) const noexcept {
  uint64_t entries = 0;
  for (const uint32_t row : members) entries += first[row + 1] - first[row];
  return entries;
}

// Adds sign * rows to sums. Many rows are summed in parts, whose number follows from the data alone.
void TwoMeans::add_rows(const NodeRows& rows, std::span<const uint32_t> members, float sign, std::vector<float>& sums,
                        ThreadPool& pool) {
  const uint64_t entries = rows.n_entries(members);
  const size_t parts = std::min<uint64_t>(kMostParts, entries / (8 * uint64_t{rows.n_columns} + 16384));
  if (parts <= 1) return scatter(rows, members, sign, sums.data());
  partial_.resize(std::max(partial_.size(), parts));
  pool.run(parts, [&](size_t part, size_t) {
    partial_[part].assign(rows.n_columns, 0);
    const size_t begin = members.size() * part / parts;
    const size_t end = members.size() * (part + 1) / parts;
    scatter(rows, members.subspan(begin, end - begin), sign, partial_[part].data());
  });
  pool.for_ranges(rows.n_columns, kColumnGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t part = 0; part < parts; ++part) {
      const float* from = partial_[part].data();
      for (size_t c = begin; c < end; ++c) sums[c] += from[c];
    }
  });
}

void TwoMeans::start_direction(const Task& task, Random& random) {
  const auto m = static_cast<uint32_t>(task.members.size());
  const uint32_t right = random.below(m);
  const uint32_t left = (right + 1 + random.below(m - 1)) % m;
  direction_.assign(task.rows.n_columns, 0);
  scatter(task.rows, task.members.subspan(right, 1), 1, direction_.data());
  scatter(task.rows, task.members.subspan(left, 1), -1, direction_.data());
}

// c2 - c1 from the sums: means, or for the spherical distance means scaled to length 1. Returns what 2-means raises:
// the sum of the members' products with their centres.
double TwoMeans::update_direction(size_t n_left, size_t n_right, KmeansDistance distance) {
  std::array<float, 8> left_squares{}, right_squares{};
  const size_t n = total_.size();
  for (size_t c = 0; c < n; c += 8) {
    const size_t lanes = std::min<size_t>(8, n - c);
    for (size_t lane = 0; lane < lanes; ++lane) {
      const float a = left_[c + lane], b = total_[c + lane] - left_[c + lane];
      left_squares[lane] += a * a;
      right_squares[lane] += b * b;
    }
  }
  const double left = std::accumulate(left_squares.begin(), left_squares.end(), 0.0);
  const double right = std::accumulate(right_squares.begin(), right_squares.end(), 0.0);
  double left_scale = 1.0 / static_cast<double>(n_left);
  double right_scale = 1.0 / static_cast<double>(n_right);
  if (distance == KmeansDistance::spherical) {
    left_scale = left > 0 ? 1 / std::sqrt(left) : 0;
    right_scale = right > 0 ? 1 / std::sqrt(right) : 0;
  }
  const auto scale = static_cast<float>(left_scale + right_scale);
  const auto of_total = static_cast<float>(right_scale);
  for (size_t c = 0; c < n; ++c) direction_[c] = of_total * total_[c] - scale * left_[c];
  return left_scale * left + right_scale * right;
}

void TwoMeans::score(const Task& task, ThreadPool& pool) {
  keys_.resize(task.members.size());
  pool.for_ranges(task.members.size(), kScoreGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) {
      const uint32_t row = task.members[i];
      const float* values = task.rows.values.data() + task.rows.first[row];
      const float score = dot(columns_of(task.rows, row), values, direction_.data());
      keys_[i] = uint64_t{ordered_bits(score)} << 32 | i;
    }
  });
}

// Puts the n_left lowest keys left; returns how many members changed sides, and who.
size_t TwoMeans::assign(const Task& task) {
  to_left_.clear();
  to_right_.clear();
  std::nth_element(keys_.begin(), keys_.begin() + static_cast<ptrdiff_t>(task.n_left), keys_.end());
  for (size_t at = 0; at < keys_.size(); ++at) {
    const uint8_t side = at >= task.n_left;
    const auto i = static_cast<uint32_t>(keys_[at]);
    if (sides_[i] == side) continue;
    sides_[i] = side;
    (side == 0 ? to_left_ : to_right_).push_back(task.members[i]);
  }
  std::sort(to_left_.begin(), to_left_.end());
  std::sort(to_right_.begin(), to_right_.end());
  return to_left_.size() + to_right_.size();
}

void TwoMeans::sum_all(const Task& task, ThreadPool& pool) {
  total_.assign(task.rows.n_columns, 0);
  add_rows(task.rows, task.members, 1, total_, pool);
}

// From direction_ on; total_ is known. Returns the objective at the last centres that it made.
double TwoMeans::run_rounds(const Task& task, KmeansDistance distance, uint32_t most, size_t still, ThreadPool& pool) {
  const size_t n_right = task.members.size() - task.n_left;
  left_.assign(task.rows.n_columns, 0);
  sides_.assign(task.members.size(), 1);
  double objective = 0;
  for (uint32_t round = 0; round < most; ++round) {
    score(task, pool);
    const size_t moved = assign(task);
    if (round > 0 && moved <= still) break;
    add_rows(task.rows, to_left_, 1, left_, pool);
    add_rows(task.rows, to_right_, -1, left_, pool);
    objective = update_direction(task.n_left, n_right, distance);
  }
  return objective;
}

// Leaves in direction_ the best of several random starts, each tried for some rounds on a sample. Two rows drawn at
// random may have next to nothing in common with the others; near the root, such a start spoils all that is below.
void TwoMeans::choose_start(const Task& task, const KmeansOptions& options, Random& random, ThreadPool& pool) {
  if (task.starts == 1) return start_direction(task, random);
  const size_t wanted = std::min(task.members.size(), kMostTrialRows);
  draw_sample(task.members, wanted, random, trial_members_);
  const Task trial{task.rows, trial_members_, left_of_sample(task, wanted), 1, 1};
  sum_all(trial, pool);
  double best = -1;
  for (uint32_t start = 0; start < task.starts; ++start) {
    start_direction(trial, random);
    const double objective = run_rounds(trial, options.distance, kTrialRounds, 0, pool);
    if (objective <= best) continue;
    best = objective;
    best_direction_ = direction_;
  }
  direction_.swap(best_direction_);
}

void TwoMeans::iterate(const Task& task, const KmeansOptions& options, Random& random, ThreadPool& pool) {
  choose_start(task, options, random, pool);
  sum_all(task, pool);
  const auto still = static_cast<size_t>(options.tolerance * static_cast<float>(task.members.size()));
  run_rounds(task, options.distance, options.max_iterations, still, pool);
}

std::span<const uint8_t> TwoMeans::split(const Task& task, const KmeansOptions& options, Random random,
                                         ThreadPool& pool) {
  const size_t m = task.members.size();
  const auto wanted = static_cast<size_t>(task.sample_rate * static_cast<float>(m));
  if (wanted >= m || wanted < 64) {
    iterate(task, options, random, pool);
    return sides_;
  }
  draw_sample(task.members, wanted, random, sample_);
  iterate({task.rows, sample_, left_of_sample(task, wanted), 1, task.starts}, options, random, pool);
  sides_.assign(m, 1);
  score(task, pool);
  assign(task);
  return sides_;
}

}  // namespace coppice
