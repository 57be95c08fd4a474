// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/rank/solver_lanes.h"

namespace coppice {
namespace {

// Row orders of a chunk: a few random permutations taken in turn, so that any group of lanes visits the rows in the
// same order in the same pass. Small ones are kept, large ones drawn anew (it costs 1 % of the pass they serve).
class RowOrders {
 public:
  RowOrders(const ChunkProblem& problem, uint64_t seed) : n_(problem.n_rows()), seed_(seed), stream_(problem.id) {}

  static constexpr uint64_t bytes_per_row(size_t n_rows) {
    return (n_rows > kMostKept ? 1 : kOrders) * sizeof(uint32_t);
  }

  std::span<const uint32_t> of_pass(size_t pass) {
    const size_t which = pass % kOrders;
    if (n_ > kMostKept) return draw(which, orders_[0]);
    return orders_[which].empty() ? draw(which, orders_[which]) : std::span<const uint32_t>(orders_[which]);
  }

 private:
  static constexpr size_t kOrders = 8;
  static constexpr size_t kMostKept = 1 << 16;

  std::span<const uint32_t> draw(size_t which, std::vector<uint32_t>& order) const {
    order.resize(n_);
    std::iota(order.begin(), order.end(), 0U);
    Random(seed_, stream_ * kOrders + which).shuffle(std::span(order));
    return order;
  }

  size_t n_;
  uint64_t seed_;
  uint64_t stream_;
  std::array<std::vector<uint32_t>, kOrders> orders_;
};

size_t width_for(size_t n_lanes) {
  return n_lanes <= LaneWeights::kFewestLanes ? LaneWeights::kFewestLanes : n_lanes <= 8 ? 8 : LaneWeights::kMostLanes;
}

// Solves one group of at most 16 children.
class LaneSolver {
 public:
  // Called for lanes (bits by position) whose weights are final, before they leave the block.
  using Sink = std::function<void(const LaneBlock& block, uint32_t lanes, std::span<const uint32_t> iterations)>;

  LaneSolver(const ChunkProblem& problem, const SolverOptions& options, std::span<const RowCost> costs)
      : problem_(problem), options_(options), costs_(costs) {}

  void solve(uint32_t first, uint32_t count, RowOrders& orders, const Sink& sink) {
    start(first, count);
    for (uint32_t pass = 0; pass < options_.max_iterations && block_.live != 0; ++pass) {
      if (options_.stop != nullptr) options_.stop->throw_if_stopped();
      collect_rows(orders.of_pass(pass));
      block_.pg_max.fill(options_.loss == Loss::logistic ? 0.0F : -LaneBlock::kInfinity);
      block_.pg_min.fill(LaneBlock::kInfinity);
      block_.newton_steps.fill(0);
      run_lane_pass({problem_, options_, costs_, visit_}, block_);
      for (size_t p = 0; p < block_.n_lanes; ++p) {
        if ((block_.live >> p & 1) != 0) finish_pass(p, pass + 1);
      }
      const auto n_live = static_cast<size_t>(std::popcount(block_.live));
      if (n_live != 0 && width_for(n_live) < block_.width) compact(sink);
    }
    sink(block_, (1U << block_.n_lanes) - 1, iterations_);
  }

 private:
  void start(uint32_t first, uint32_t count) {
    const size_t n = problem_.n_rows();
    block_.width = width_for(count);
    block_.n_lanes = count;
    block_.first_child = first;
    block_.live = static_cast<uint16_t>((1U << count) - 1);
    block_.position_of.fill(LaneBlock::kNowhere);
    for (uint32_t p = 0; p < count; ++p) {
      block_.child[p] = first + p;
      block_.position_of[p] = static_cast<uint8_t>(p);
    }
    block_.weights = LaneFloats(problem_.n_shared * block_.width);
    block_.active.assign(n, block_.live);
    block_.positive.assign(n, 0);
    for (size_t row = 0; row < n; ++row) {
      const auto all = problem_.row_positives(row);
      auto it = std::lower_bound(all.begin(), all.end(), first,
                                 [](const Positive& positive, uint32_t child) { return positive.child < child; });
      for (; it != all.end() && it->child < first + count; ++it) {
        block_.positive[row] = static_cast<uint16_t>(block_.positive[row] | 1U << (it->child - first));
      }
    }
    iterations_.assign(count, options_.max_iterations);
    block_.n_shrunk.fill(0);
    block_.pg_max_old.fill(LaneBlock::kInfinity);
    block_.pg_min_old.fill(-LaneBlock::kInfinity);
    if (options_.loss == Loss::logistic)
      start_logistic();
    else
      block_.alpha = LaneFloats(n * block_.width);
  }

  // Logistic dual variables start a little inside their bounds.
  void start_logistic() {
    const size_t width = block_.width;
    block_.inner_epsilon.fill(1e-2);
    block_.alpha_pairs.resize(problem_.n_rows() * width * 2);
    for (size_t row = 0; row < problem_.n_rows(); ++row) {
      for (size_t p = 0; p < width; ++p) set_pair(row, p, -1.0F, false);
      for (const Positive& positive : problem_.row_positives(row)) {
        const uint32_t p = positive.child - block_.first_child;
        if (p < block_.n_lanes) set_pair(row, p, positive.relevance, true);
      }
      for (const RowEntry& entry : problem_.row_entries(row)) {
        for (size_t p = 0; p < block_.n_lanes; ++p) {
          const auto alpha = static_cast<float>(block_.alpha_pairs[(row * width + p) * 2]);
          const float beta = (block_.positive[row] >> p & 1) != 0 ? alpha : -alpha;
          block_.weights.data()[size_t{entry.feature} * width + p] += beta * entry.value;
        }
      }
    }
  }

  void set_pair(size_t row, size_t position, float relevance, bool positive) {
    const double c =
        static_cast<double>(cost_of(problem_, row, positive ? std::max(relevance, 0.0F) : -1.0F, options_));
    double* pair = block_.alpha_pairs.data() + (row * block_.width + position) * 2;
    pair[0] = std::min(0.001 * c, 1e-8);
    pair[1] = c - pair[0];
  }

  void collect_rows(std::span<const uint32_t> order) {
    visit_.resize(order.size());
    size_t n = 0;
    for (const uint32_t row : order) {
      visit_[n] = {problem_.places[row], row};
      n += (block_.active[row] & block_.live) != 0 ? 1 : 0;
    }
    visit_.resize(n);
  }

  // LIBLINEAR's rule, lane by lane: converged on the shrunk problem = look at all rows once more.
  void finish_pass(size_t p, uint32_t passes) {
    if (options_.loss == Loss::logistic) return finish_logistic_pass(p, passes);
    const float high = block_.pg_max[p];
    const float low = block_.pg_min[p];
    if (!(high - low > options_.epsilon)) {  // also when no row is left (-inf)
      if (block_.n_shrunk[p] == 0) return retire(p, passes);
      for (uint16_t& bits : block_.active) bits = static_cast<uint16_t>(bits | 1U << p);
      block_.n_shrunk[p] = 0;
      block_.pg_max_old[p] = LaneBlock::kInfinity;
      block_.pg_min_old[p] = -LaneBlock::kInfinity;
      return;
    }
    block_.pg_max_old[p] = high <= 0 ? LaneBlock::kInfinity : high;
    block_.pg_min_old[p] = low >= 0 ? -LaneBlock::kInfinity : low;
  }

  void finish_logistic_pass(size_t p, uint32_t passes) {
    if (block_.pg_max[p] < options_.epsilon) return retire(p, passes);
    if (block_.newton_steps[p] > problem_.n_rows() / 10) return;
    const double least = std::min(1e-8, static_cast<double>(options_.epsilon));
    block_.inner_epsilon[p] = std::max(least, 0.1 * block_.inner_epsilon[p]);
  }

  void retire(size_t p, uint32_t passes) {
    block_.live = static_cast<uint16_t>(block_.live & ~(1U << p));
    iterations_[block_.child[p] - block_.first_child] = passes;
  }

  // Moves the live lanes to a narrower block; the others go to the sink.
  void compact(const Sink& sink) {
    const uint32_t all = (1U << block_.n_lanes) - 1;
    sink(block_, all & ~uint32_t{block_.live}, iterations_);
    std::vector<size_t> from;
    for (size_t p = 0; p < block_.n_lanes; ++p) {
      if ((block_.live >> p & 1) != 0) from.push_back(p);
    }
    const size_t width = width_for(from.size());
    block_.weights = narrowed(block_.weights, problem_.n_shared, width, from);
    if (block_.alpha_pairs.empty())
      block_.alpha = narrowed(block_.alpha, problem_.n_rows(), width, from);
    else
      narrow_pairs(width, from);
    narrow_bits(block_.active, from);
    narrow_bits(block_.positive, from);
    block_.position_of.fill(LaneBlock::kNowhere);
    for (size_t p = 0; p < from.size(); ++p) {
      const size_t q = from[p];
      block_.child[p] = block_.child[q];
      block_.position_of[block_.child[p] - block_.first_child] = static_cast<uint8_t>(p);
      block_.n_shrunk[p] = block_.n_shrunk[q];
      block_.inner_epsilon[p] = block_.inner_epsilon[q];
      block_.pg_max_old[p] = block_.pg_max_old[q];
      block_.pg_min_old[p] = block_.pg_min_old[q];
    }
    block_.width = width;
    block_.n_lanes = from.size();
    block_.live = static_cast<uint16_t>((1U << from.size()) - 1);
  }

  LaneFloats narrowed(const LaneFloats& old, size_t rows, size_t width, std::span<const size_t> from) const {
    LaneFloats result(rows * width);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t p = 0; p < from.size(); ++p) {
        result.data()[row * width + p] = old.data()[row * block_.width + from[p]];
      }
    }
    return result;
  }

  void narrow_pairs(size_t width, std::span<const size_t> from) {
    std::vector<double> result(problem_.n_rows() * width * 2);
    for (size_t row = 0; row < problem_.n_rows(); ++row) {
      for (size_t p = 0; p < from.size(); ++p) {
        const double* old = block_.alpha_pairs.data() + (row * block_.width + from[p]) * 2;
        std::copy(old, old + 2, result.data() + (row * width + p) * 2);
      }
    }
    block_.alpha_pairs = std::move(result);
  }

  static void narrow_bits(std::vector<uint16_t>& rows, std::span<const size_t> from) {
    for (uint16_t& bits : rows) {
      uint32_t kept = 0;
      for (size_t p = 0; p < from.size(); ++p) kept |= (bits >> from[p] & 1U) << p;
      bits = static_cast<uint16_t>(kept);
    }
  }

  const ChunkProblem& problem_;
  const SolverOptions& options_;
  std::span<const RowCost> costs_;
  LaneBlock block_;
  std::vector<RowVisit> visit_;
  std::vector<uint32_t> iterations_;  // by child - first_child
};

std::vector<RowCost> row_costs(const ChunkProblem& problem, const SolverOptions& options) {
  std::vector<RowCost> costs(problem.n_rows());
  for (size_t row = 0; row < costs.size(); ++row) costs[row] = row_cost(problem, row, options);
  return costs;
}

}  // namespace

LaneWeights solve_children(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                           const PruneOptions& prune) {
  const uint32_t first = children.first;
  const uint32_t count = children.count;
  check(first + count <= problem.n_children, "children to solve lie in the chunk");
  LaneWeights result;
  result.first_child = first;
  result.bias.resize(count);
  result.iterations.resize(count);
  const std::vector<RowCost> costs = row_costs(problem, options);
  RowOrders orders(problem, options.seed);
  LaneSolver solver(problem, options, costs);
  const auto sink = [&](const LaneBlock& block, uint32_t lanes, std::span<const uint32_t> iterations) {
    const size_t begin = result.weights.size();
    extract_lanes({problem, block, lanes, prune.threshold}, result.weights);
    for (size_t i = begin; i < result.weights.size(); ++i) {
      result.weights[i].feature = problem.features[result.weights[i].feature];
    }
    for (uint32_t bits = lanes; bits != 0; bits &= bits - 1) {
      const auto p = static_cast<size_t>(std::countr_zero(bits));
      result.bias[block.child[p] - first] = block.weights.data()[p] * problem.bias;
      result.iterations[block.child[p] - first] = iterations[block.child[p] - block.first_child];
    }
  };
  for (uint32_t done = 0; done < count;) {
    const uint32_t group = std::min<uint32_t>(count - done, LaneBlock::kMostLanes);
    solver.solve(first + done, group, orders, sink);
    done += group;
  }
  return result;
}

uint64_t solving_bytes(const ChunkProblem& problem, uint32_t n_children, Loss loss) {
  const uint64_t n = problem.n_rows();
  const uint64_t width = width_for(std::min(n_children, LaneWeights::kMostLanes));
  const uint64_t weights = uint64_t{problem.n_shared} * width * sizeof(float);
  const uint64_t alpha = n * width * (loss == Loss::logistic ? 2 * sizeof(double) : sizeof(float));
  // Lanes move to blocks of half the width, first the weights, then the dual variables.
  const uint64_t moving =
      width == LaneWeights::kFewestLanes ? 0 : std::max(weights / 2, alpha / 2 - std::min(alpha, weights) / 2);
  const uint64_t by_row = sizeof(RowCost) + sizeof(RowVisit) + 2 * sizeof(uint16_t) + RowOrders::bytes_per_row(n);
  return weights + alpha + moving + n * by_row;
}

const ChunkSolver& joint_solver() noexcept {
  class JointSolver final : public ChunkSolver {
    LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                      const PruneOptions& prune) const override {
      return solve_children(problem, children, options, prune);
    }
  };
  static const JointSolver solver;
  return solver;
}

std::vector<LaneSolution> solve_children_fully(const ChunkProblem& problem, const SolverOptions& options,
                                               uint32_t lanes_at_once) {
  std::vector<LaneSolution> result(problem.n_children);
  const std::vector<RowCost> costs = row_costs(problem, options);
  RowOrders orders(problem, options.seed);
  const auto sink = [&](const LaneBlock& block, uint32_t lanes, std::span<const uint32_t> iterations) {
    for (uint32_t bits = lanes; bits != 0; bits &= bits - 1) {
      const auto p = static_cast<size_t>(std::countr_zero(bits));
      LaneSolution& solution = result[block.child[p]];
      solution.weights.assign(problem.features.size(), 0.0F);
      solution.weights[0] = block.weights.data()[p];
      solution.iterations = iterations[block.child[p] - block.first_child];
      solution.dual.resize(problem.n_rows());
      for (size_t row = 0; row < problem.n_rows(); ++row) {
        solution.dual[row] = block.alpha_pairs.empty() ? static_cast<double>(block.alpha.data()[row * block.width + p])
                                                       : block.alpha_pairs[(row * block.width + p) * 2];
      }
    }
    std::vector<ChunkWeight> weights;
    extract_lanes({problem, block, lanes, 0.0F}, weights);
    for (const ChunkWeight& weight : weights) result[weight.child].weights[weight.feature] = weight.value;
  };
  for (uint32_t first = 0; first < problem.n_children; first += lanes_at_once) {
    LaneSolver(problem, options, costs).solve(first, std::min(lanes_at_once, problem.n_children - first), orders, sink);
  }
  return result;
}

}  // namespace coppice
