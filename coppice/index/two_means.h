// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/core/random.h"
#include "coppice/index/kmeans.h"

namespace coppice {

/// Rows of one node of the cluster tree, their features renumbered 0.. so that they fit a cache.
struct NodeRows {
  std::vector<uint64_t> first{0};
  std::vector<uint32_t> columns;
  std::vector<float> values;
  uint32_t n_columns = 0;

  size_t n_rows() const noexcept { return first.size() - 1; }
  uint64_t n_entries(std::span<const uint32_t> members) const noexcept;
};

/// One balanced split by 2-means, with the memory it needs kept for the next one.
///
/// Threads: one at a time; work inside is spread over `pool`, or runs inline inside a part of it.
class TwoMeans {
 public:
  struct Task {
    const NodeRows& rows;
    std::span<const uint32_t> members;  ///< rows of the node, ascending
    size_t n_left;                      ///< how many of them go left; 0 < n_left < members.size()
    float sample_rate;                  ///< of the members, to find the centres with
    uint32_t starts;                    ///< random ones that are tried
  };

  /// For each member 0 (left) or 1. Valid until the next call.
  std::span<const uint8_t> split(const Task& task, const KmeansOptions& options, Random random, ThreadPool& pool);

 private:
  void iterate(const Task& task, const KmeansOptions& options, Random& random, ThreadPool& pool);
  void choose_start(const Task& task, const KmeansOptions& options, Random& random, ThreadPool& pool);
  void start_direction(const Task& task, Random& random);
  double run_rounds(const Task& task, KmeansDistance distance, uint32_t most, size_t still, ThreadPool& pool);
  void sum_all(const Task& task, ThreadPool& pool);
  double update_direction(size_t n_left, size_t n_right, KmeansDistance distance);
  void score(const Task& task, ThreadPool& pool);
  size_t assign(const Task& task);
  void add_rows(const NodeRows& rows, std::span<const uint32_t> members, float sign, std::vector<float>& sums,
                ThreadPool& pool);

  std::vector<uint8_t> sides_;
  std::vector<uint64_t> keys_;                // score, then member
  std::vector<float> direction_;              // c2 - c1
  std::vector<float> total_;                  // sum of all rows
  std::vector<float> left_;                   // sum of the rows on the left
  std::vector<uint32_t> to_left_, to_right_;  // rows that changed sides
  std::vector<float> best_direction_;
  std::vector<uint32_t> sample_, trial_members_;
  std::vector<std::vector<float>> partial_;
};

}  // namespace coppice
