// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/rank/chunk.h"
#include "coppice/rank/chunk_problem.h"
#include "coppice/rank/prune.h"

namespace coppice {

/// What a mistake costs, as a function of z = y (w.x + b), y = +1 or -1.
enum class Loss : uint8_t {
  squared_hinge = 0,  ///< max(0, 1 - z)^2
  hinge = 1,          ///< max(0, 1 - z)
  logistic = 2,       ///< log(1 + exp(-z))
};

/// Counts the changes to training after which the same data and options give other weights: raise it with each, so that
/// an interrupted training is not gone on with by a program that would train the other levels differently.
inline constexpr uint32_t kSolverRevision = 1;

/// How the one-versus-rest problem of each child is solved: min over (w, b) of
/// 1/2 |w|^2 + 1/2 b^2 + sum_i C_i loss(y_i (w.x_i + bias * b)), where C_i is the row's weight times c_positive and the
/// label's relevance, or times c_negative. The bias is one more feature of value `bias`, and regularised like the rest.
struct SolverOptions {
  Loss loss = Loss::squared_hinge;
  float c_positive = 1.0F;
  float c_negative = 1.0F;
  float bias = 1.0F;
  float epsilon = 0.1F;
  uint32_t max_iterations = 100;
  uint64_t seed = 0;
  const Progress* stop = nullptr;  ///< asked between passes whether to stop; not an option by name

  static constexpr float kSmallestCost = 1e-6F;  ///< lower C_i (a relevance of 0, say) count as this
  static constexpr float kLargestCost = 1e12F;   ///< higher ones as this: products beyond it overflow single precision
};
void describe(OptionTable& table, SolverOptions& options);

/// One weight that survived pruning.
struct ChunkWeight {
  uint32_t feature;
  uint16_t child;
  float value;
};

/// The weights of some children of a chunk, in no particular order, and their biases (already times the bias value).
struct LaneWeights {
  static constexpr uint32_t kMostLanes = 16;   ///< children that are solved together at most
  static constexpr uint32_t kFewestLanes = 4;  ///< that have room; there are 4, 8 or 16 places

  uint32_t first_child = 0;
  std::vector<ChunkWeight> weights;
  std::vector<float> bias;
  std::vector<uint32_t> iterations;  ///< passes each child took; max_iterations = not converged
};

/// Everything about one child's solution, for tests and reports: weights by the problem's local feature numbers
/// (entry 0 is the bias feature), dual variables by row.
struct LaneSolution {
  std::vector<float> weights;
  std::vector<double> dual;
  uint32_t iterations = 0;
};

/// The memory that packing needs; one per thread, reused from chunk to chunk.
struct PackScratch {
  std::vector<uint32_t> slots;  ///< by global feature; all 0 between calls
};

/// Children [first, first + count) of a chunk.
struct ChildRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

/// Solves some children of a chunk together, up to 16 at a time in SIMD lanes, by dual coordinate
/// descent with LIBLINEAR's shrinking, and prunes.
///
/// A child's weights do not depend, by a single bit, on which others are solved with it: rows are visited in an order
/// given by (seed, chunk, pass), each sum has one fixed structure, and shrinking and stopping are per child.
/// Cost: passes x nonzeros x ceil(count / 8) vector operations on AVX2; 64 B of scratch per feature and row.
/// Threads: pure.
/// Source: Hsieh et al., "A dual coordinate descent method for large-scale linear SVM", ICML 2008, algorithm 3; Yu,
/// Huang, Lin, "Dual coordinate descent methods for logistic regression", 2011, algorithms 4 and 5. Ours: all children
/// at once; features of one row folded into the diagonal (their weight is alpha y x, so no memory of its own is needed
/// while solving).
LaneWeights solve_children(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                           const PruneOptions& prune);

/// The most memory that one thread takes in `solve_children`, beside the problem and the weights it finds.
uint64_t solving_bytes(const ChunkProblem& problem, uint32_t n_children, Loss loss);

/// The ranking stage of training: finds the weights of a chunk's children. Implement it to plug in a ranker of your
/// own: anything that gives a row a score by a sum of weights.
///
/// Threads: `solve` is const and thread-safe. A child's weights must depend neither on the other children that are
/// asked for nor on the thread, or training gives other bytes for another number of threads.
class ChunkSolver {
 public:
  virtual ~ChunkSolver() = default;

  /// The weights of children [first, first + count), by global feature (`problem.features`), pruned; a bias each.
  virtual LaneWeights solve(const ChunkProblem& problem, ChildRange children, const SolverOptions& options,
                            const PruneOptions& prune) const = 0;
};

/// Ours: `solve_children`.
const ChunkSolver& joint_solver() noexcept;

/// The same computation, unpruned, with `lanes_at_once` (1 to 16) children solved together.
std::vector<LaneSolution> solve_children_fully(const ChunkProblem& problem, const SolverOptions& options,
                                               uint32_t lanes_at_once);

/// The plain solver, one child at a time in double precision: what the joint one is tested against.
LaneSolution solve_child_plainly(const ChunkProblem& problem, uint32_t child, const SolverOptions& options);

/// The value of the primal problem at a solution, and of the dual (their difference bounds the distance to the best).
struct Objective {
  double primal = 0;
  double dual = 0;
};
Objective objective(const ChunkProblem& problem, uint32_t child, const LaneSolution& solution,
                    const SolverOptions& options);

/// Puts parts that cover all children of a chunk together, feature-major, and applies `prune.max_weights`.
ChunkRows pack_children(std::span<const LaneWeights> parts, const PruneOptions& prune, PackScratch& scratch);

}  // namespace coppice
