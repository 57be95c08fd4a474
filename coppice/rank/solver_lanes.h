// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "coppice/rank/chunk_problem.h"
#include "coppice/rank/solver.h"

// Internal to the joint solver: the state of a group of lanes and the SIMD kernels that work on it.
namespace coppice {

/// Floats on a cache line's border, zero at first.
class LaneFloats {
 public:
  LaneFloats() = default;
  explicit LaneFloats(size_t count)
      : data_(static_cast<float*>(::operator new (count * sizeof(float) + 64, std::align_val_t{64}))) {
    std::memset(static_cast<void*>(data_.get()), 0, count * sizeof(float));
  }
  float* data() noexcept { return data_.get(); }
  const float* data() const noexcept { return data_.get(); }

 private:
  struct Free {
    void operator()(float* p) const noexcept { ::operator delete (p, std::align_val_t{64}); }
  };
  std::unique_ptr<float, Free> data_;
};

/// What one row costs with a given C.
struct SideCost {
  float diagonal;   ///< multiplies alpha in the gradient: the loss's own part and the row's folded features
  float inverse_q;  ///< 1 / second derivative
  float upper;      ///< bound of alpha
};
SideCost side_cost(const ChunkProblem& problem, size_t row, float c, Loss loss);

/// What one row costs as a negative, and as a positive of relevance 1.
struct RowCost {
  SideCost negative, positive;
};
RowCost row_cost(const ChunkProblem& problem, size_t row, const SolverOptions& options);

/// C_i of a row for a label it has (with this relevance) or, with relevance < 0, has not.
float cost_of(const ChunkProblem& problem, size_t row, float relevance, const SolverOptions& options);

/// Up to 16 children in the lanes of SIMD vectors. `width` (4, 8 or 16) lanes are stored side by side; a lane at
/// position p < n_lanes stands for child[p].
struct LaneBlock {
  static constexpr size_t kMostLanes = LaneWeights::kMostLanes;
  static constexpr float kInfinity = std::numeric_limits<float>::infinity();

  size_t width = 0;
  size_t n_lanes = 0;
  uint32_t first_child = 0;                       ///< of the group: position_of is indexed from here
  std::array<uint32_t, kMostLanes> child{};       ///< by position
  std::array<uint8_t, kMostLanes> position_of{};  ///< child - first_child -> position; kNowhere once it is gone
  LaneFloats weights;                             ///< n_shared x width
  LaneFloats alpha;                               ///< n x width
  std::vector<double> alpha_pairs;                ///< logistic: n x width x {alpha, C - alpha}
  std::vector<uint16_t> active;                   ///< n: bit p = position p is not shrunk there
  std::vector<uint16_t> positive;                 ///< n: bit p = the row belongs to the child
  uint16_t live = 0;                              ///< positions still being solved
  std::array<uint32_t, kMostLanes> n_shrunk{};
  std::array<uint32_t, kMostLanes> newton_steps{};  ///< logistic
  std::array<double, kMostLanes> inner_epsilon{};   ///< logistic
  alignas(64) std::array<float, kMostLanes> pg_max_old{};
  alignas(64) std::array<float, kMostLanes> pg_min_old{};
  alignas(64) std::array<float, kMostLanes> pg_max{};
  alignas(64) std::array<float, kMostLanes> pg_min{};

  static constexpr uint8_t kNowhere = 255;
};

/// A row to be visited, with what is needed to ask for its memory ahead of time.
struct RowVisit {
  RowPlace place;
  uint32_t row;
};

/// One pass over the rows of `visit`: coordinate steps of all active lanes, in order.
struct LanePass {
  const ChunkProblem& problem;
  const SolverOptions& options;
  std::span<const RowCost> costs;
  std::span<const RowVisit> visit;
};
void run_lane_pass(const LanePass& pass, LaneBlock& block);

/// Adds the weights w of the lanes in `lanes` with |w| >= threshold (and w != 0), folded features included.
struct LaneExtract {
  const ChunkProblem& problem;
  const LaneBlock& block;
  uint32_t lanes;
  float threshold;
};
void extract_lanes(const LaneExtract& extract, std::vector<ChunkWeight>& weights);

/// The step of logistic regression on one dual variable; returns the change of alpha.
/// `pair` = {alpha, C - alpha}; `q` = |x|^2; `z` = y w.x.
struct LogisticStep {
  double change = 0;
  double gradient = 0;
  uint32_t newton_steps = 0;
};
LogisticStep logistic_step(double* pair, double q, double z, double inner_epsilon);

}  // namespace coppice
