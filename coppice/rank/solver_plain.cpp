// SPDX-License-Identifier: Apache-2.0
// The plain solver: one child, double precision, LIBLINEAR's algorithm as printed. Slow, short, and the reference.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "coppice/core/random.h"
#include "coppice/rank/solver_lanes.h"

namespace coppice {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One child's view of the problem.
class PlainProblem {
 public:
  PlainProblem(const ChunkProblem& problem, uint32_t child, const SolverOptions& options)
      : problem_(problem), sign_(problem.n_rows(), -1.0), cost_(problem.n_rows()) {
    for (size_t row = 0; row < problem.n_rows(); ++row) {
      float relevance = -1.0F;
      for (const Positive& positive : problem.row_positives(row)) {
        if (positive.child == child) relevance = std::max(positive.relevance, 0.0F);
      }
      if (relevance >= 0) sign_[row] = 1.0;
      cost_[row] = static_cast<double>(cost_of(problem, row, relevance, options));
    }
  }

  size_t n_rows() const { return sign_.size(); }
  double sign(size_t row) const { return sign_[row]; }
  double cost(size_t row) const { return cost_[row]; }

  // Calls visit(local feature, value) for every nonzero of the row, the bias first.
  template <class Visit>
  void for_row(size_t row, const Visit& visit) const {
    for (const RowEntry& entry : problem_.row_entries(row)) visit(entry.feature, static_cast<double>(entry.value));
    for (uint64_t j = problem_.own_begin[row]; j < problem_.own_begin[row + 1]; ++j) {
      visit(problem_.n_shared + j, static_cast<double>(problem_.own_values[j]));
    }
  }

  double margin(const std::vector<double>& w, size_t row) const {
    double sum = 0;
    for_row(row, [&](size_t feature, double value) { sum += w[feature] * value; });
    return sum;
  }
  void add(std::vector<double>& w, size_t row, double delta) const {
    for_row(row, [&](size_t feature, double value) { w[feature] += delta * value; });
  }
  double squared_norm(size_t row) const {
    double sum = 0;
    for_row(row, [&](size_t, double value) { sum += value * value; });
    return sum;
  }
  size_t n_features() const { return problem_.features.size(); }

 private:
  const ChunkProblem& problem_;
  std::vector<double> sign_;
  std::vector<double> cost_;
};

struct PlainState {
  std::vector<double> w;
  std::vector<double> alpha;
  uint32_t iterations = 0;
};

// The rows still looked at stand before `active`; shrinking swaps a row behind it.
PlainState solve_hinge(const PlainProblem& problem, const SolverOptions& options, Random& random) {
  const bool squared = options.loss == Loss::squared_hinge;
  PlainState s{std::vector<double>(problem.n_features()), std::vector<double>(problem.n_rows())};
  std::vector<size_t> order(problem.n_rows());
  std::iota(order.begin(), order.end(), size_t{0});
  size_t active = order.size();
  double old_max = kInfinity;
  double old_min = -kInfinity;
  while (s.iterations < options.max_iterations) {
    ++s.iterations;
    double pg_max = -kInfinity;
    double pg_min = kInfinity;
    random.shuffle(std::span(order.data(), active));
    for (size_t k = 0; k < active; ++k) {
      const size_t row = order[k];
      const double diagonal = squared ? 0.5 / problem.cost(row) : 0.0;
      const double upper = squared ? kInfinity : problem.cost(row);
      const double g = problem.sign(row) * problem.margin(s.w, row) - 1 + diagonal * s.alpha[row];
      double pg = g;
      if (s.alpha[row] <= 0) {
        if (g > old_max) {
          std::swap(order[k--], order[--active]);
          continue;
        }
        pg = std::min(g, 0.0);
      } else if (s.alpha[row] >= upper) {
        if (g < old_min) {
          std::swap(order[k--], order[--active]);
          continue;
        }
        pg = std::max(g, 0.0);
      }
      pg_max = std::max(pg_max, pg);
      pg_min = std::min(pg_min, pg);
      if (std::abs(pg) <= 1e-12) continue;
      const double q = problem.squared_norm(row) + diagonal;
      const double next = q > 0 ? std::clamp(s.alpha[row] - g / q, 0.0, upper) : upper;
      problem.add(s.w, row, (next - s.alpha[row]) * problem.sign(row));
      s.alpha[row] = next;
    }
    if (pg_max - pg_min <= options.epsilon || active == 0) {
      if (active == order.size()) break;
      active = order.size();
      old_max = kInfinity;
      old_min = -kInfinity;
      continue;
    }
    old_max = pg_max <= 0 ? kInfinity : pg_max;
    old_min = pg_min >= 0 ? -kInfinity : pg_min;
  }
  return s;
}

PlainState solve_logistic(const PlainProblem& problem, const SolverOptions& options, Random& random) {
  PlainState s{std::vector<double>(problem.n_features()), std::vector<double>(problem.n_rows())};
  std::vector<double> pairs(problem.n_rows() * 2);
  std::vector<size_t> order(problem.n_rows());
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t row = 0; row < problem.n_rows(); ++row) {
    pairs[2 * row] = std::min(0.001 * problem.cost(row), 1e-8);
    pairs[2 * row + 1] = problem.cost(row) - pairs[2 * row];
    problem.add(s.w, row, problem.sign(row) * pairs[2 * row]);
  }
  double inner_epsilon = 1e-2;
  while (s.iterations < options.max_iterations) {
    ++s.iterations;
    random.shuffle(std::span(order));
    double most = 0;
    size_t newton_steps = 0;
    for (const size_t row : order) {
      const double z = problem.sign(row) * problem.margin(s.w, row);
      const LogisticStep step = logistic_step(&pairs[2 * row], problem.squared_norm(row), z, inner_epsilon);
      problem.add(s.w, row, step.change * problem.sign(row));
      most = std::max(most, step.gradient);
      newton_steps += step.newton_steps;
    }
    if (most < options.epsilon) break;
    if (newton_steps <= order.size() / 10)
      inner_epsilon = std::max(std::min(1e-8, static_cast<double>(options.epsilon)), 0.1 * inner_epsilon);
  }
  for (size_t row = 0; row < problem.n_rows(); ++row) s.alpha[row] = pairs[2 * row];
  return s;
}

double loss_of(Loss loss, double z) {
  switch (loss) {
    case Loss::squared_hinge:
      return std::max(0.0, 1 - z) * std::max(0.0, 1 - z);
    case Loss::hinge:
      return std::max(0.0, 1 - z);
    case Loss::logistic:
      return z > 0 ? std::log1p(std::exp(-z)) : std::log1p(std::exp(z)) - z;
  }
  return 0;
}

// Minus the conjugate of C loss at -alpha: what one row adds to the dual value.
double dual_of(Loss loss, double c, double alpha) {
  const auto x_log_x = [](double x) { return x > 0 ? x * std::log(x) : 0.0; };
  switch (loss) {
    case Loss::squared_hinge:
      return alpha - alpha * alpha / (4 * c);
    case Loss::hinge:
      return alpha;
    case Loss::logistic:
      return x_log_x(c) - x_log_x(alpha) - x_log_x(c - alpha);
  }
  return 0;
}

double half_squared_norm(const std::vector<double>& w) {
  return 0.5 * std::inner_product(w.begin(), w.end(), w.begin(), 0.0);
}

}  // namespace

LaneSolution solve_child_plainly(const ChunkProblem& problem, uint32_t child, const SolverOptions& options) {
  const PlainProblem plain(problem, child, options);
  Random random(options.seed, problem.id * 65536 + child);
  PlainState state =
      options.loss == Loss::logistic ? solve_logistic(plain, options, random) : solve_hinge(plain, options, random);
  LaneSolution solution;
  solution.weights.assign(state.w.begin(), state.w.end());
  solution.dual = std::move(state.alpha);
  solution.iterations = state.iterations;
  return solution;
}

Objective objective(const ChunkProblem& problem, uint32_t child, const LaneSolution& solution,
                    const SolverOptions& options) {
  const PlainProblem plain(problem, child, options);
  const std::vector<double> w(solution.weights.begin(), solution.weights.end());
  std::vector<double> of_dual(w.size());
  Objective value;
  value.primal = half_squared_norm(w);
  for (size_t row = 0; row < plain.n_rows(); ++row) {
    value.primal += plain.cost(row) * loss_of(options.loss, plain.sign(row) * plain.margin(w, row));
    value.dual += dual_of(options.loss, plain.cost(row), solution.dual[row]);
    plain.add(of_dual, row, plain.sign(row) * solution.dual[row]);
  }
  value.dual -= half_squared_norm(of_dual);
  return value;
}

}  // namespace coppice
