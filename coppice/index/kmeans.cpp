// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/kmeans.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/index/two_means.h"

namespace coppice {
namespace {

/// A node of more entries is split by all threads together; a smaller one, with all below it, by one thread.
constexpr uint64_t kBigNodeEntries = 2'000'000;
constexpr size_t kLoadGrain = 4096;
/// So many binary splits from the root down are tried from several starts: there a bad one spoils most.
constexpr uint32_t kTriedDepth = 5;

/// Siblings [lo, hi) of one level, to be split until each stands alone; `depth` binary splits above.
struct Range {
  size_t level;
  uint32_t lo, hi;
  uint32_t depth;
};

/// Memory of one thread.
struct Scratch {
  TwoMeans two_means;
  std::vector<NodeRows> rows;                  // one per depth of the recursion
  std::vector<std::vector<uint32_t>> members;  // likewise
  std::vector<uint32_t> renumbered;
  std::vector<uint32_t> right;
};

class BalancedClustering {
 public:
  BalancedClustering(const TreeShape& shape, const KmeansOptions& options, Job job)
      : shape_(shape), options_(options), pool_(job.pool), progress_(job.progress), order_(shape.n_labels()) {
    std::iota(order_.begin(), order_.end(), 0);
    binary_depth_ = shape.depth() == 0 ? 1 : std::max(1.0, std::ceil(std::log2(shape.width(shape.depth()))));
    scratch_.resize(pool_.threads());
  }

  std::vector<uint32_t> run(const Csr& rows) {
    if (shape_.depth() == 0) return std::move(order_);
    load(rows);
    std::vector<Range> small;
    std::vector<Range> waiting{{1, 0, shape_.width(1), 0}};
    while (!waiting.empty()) {
      std::vector<Range> next;
      for (Range range : waiting) {
        if (!descend(range)) continue;
        if (rows_.n_entries(labels(range)) > kBigNodeEntries) {
          split_big(range, next);
        } else {
          small.push_back(range);
        }
      }
      waiting = std::move(next);
    }
    std::stable_sort(small.begin(), small.end(),
                     [&](const Range& a, const Range& b) { return labels(a).size() > labels(b).size(); });
    pool_.run(small.size(), [&](size_t part, size_t worker) { split_subtree(small[part], scratch_[worker]); });
    return std::move(order_);
  }

 private:
  uint32_t begin(const Range& range) const { return shape_.label_begin(range.level, range.lo); }
  uint32_t end(const Range& range) const { return shape_.label_begin(range.level, range.hi); }
  std::span<uint32_t> labels(const Range& range) {
    return std::span(order_).subspan(begin(range), end(range) - begin(range));
  }

  /// Goes down while a range is a single node; false at a cluster of the last level.
  bool descend(Range& range) const {
    while (range.hi - range.lo == 1) {
      if (range.level == shape_.depth()) return false;
      range.hi = shape_.child_begin(range.level, range.lo + 1);
      range.lo = shape_.child_begin(range.level, range.lo);
      ++range.level;
    }
    return true;
  }

  static uint32_t middle(const Range& range) { return range.lo + (range.hi - range.lo) / 2; }
  static Range left_of(const Range& range) { return {range.level, range.lo, middle(range), range.depth + 1}; }
  static Range right_of(const Range& range) { return {range.level, middle(range), range.hi, range.depth + 1}; }

  /// Low at the top, where a sample suffices, then rising in a line to the last split.
  float sample_rate(uint32_t depth) const {
    const double warm = std::floor(binary_depth_ * options_.sample_warmup);
    if (depth < warm || binary_depth_ <= warm) return options_.min_sample_rate;
    const double rising = std::min(1.0, (depth + 1 - warm) / (binary_depth_ - warm));
    return static_cast<float>(options_.min_sample_rate +
                              (options_.max_sample_rate - options_.min_sample_rate) * rising);
  }

  std::span<const uint8_t> sides(const Range& range, const NodeRows& rows, std::span<const uint32_t> members,
                                 Scratch& scratch) {
    progress_.throw_if_stopped();
    const size_t n_left = shape_.label_begin(range.level, middle(range)) - begin(range);
    // A binary node is known by where it begins and how many labels it has.
    const Random random(options_.seed, uint64_t{begin(range)} << 32 | members.size());
    const uint32_t starts = range.depth < kTriedDepth ? options_.starts : 1;
    return scratch.two_means.split({rows, members, n_left, sample_rate(range.depth), starts}, options_, random, pool_);
  }

  /// Moves the left ones to the front; keeps the order on either side.
  static void partition(std::span<uint32_t> items, std::span<const uint8_t> sides, std::vector<uint32_t>& right) {
    right.clear();
    size_t kept = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (sides[i] == 0) {
        items[kept++] = items[i];
      } else {
        right.push_back(items[i]);
      }
    }
    std::copy(right.begin(), right.end(), items.begin() + static_cast<ptrdiff_t>(kept));
  }

  void split_big(const Range& range, std::vector<Range>& next) {
    partition(labels(range), sides(range, rows_, labels(range), scratch_[0]), scratch_[0].right);
    progress_.advance(labels(range).size());
    next.push_back(left_of(range));
    next.push_back(right_of(range));
  }

  void split_subtree(const Range& range, Scratch& scratch) {
    scratch.rows.resize(65);
    scratch.members.resize(65);
    scratch.members[0].assign(labels(range).begin(), labels(range).end());
    compact(rows_, scratch.members[0], scratch.rows[0], scratch.renumbered);
    split_below(range, 0, scratch);
  }

  /// Splits a node whose rows are scratch.rows[depth], all of them, in the order of labels(range).
  void split_below(Range range, size_t depth, Scratch& scratch) {
    if (!descend(range)) return;
    const NodeRows& rows = scratch.rows[depth];
    std::vector<uint32_t>& members = scratch.members[depth];
    members.resize(rows.n_rows());
    std::iota(members.begin(), members.end(), 0);
    const std::span<const uint8_t> side = sides(range, rows, members, scratch);
    partition(labels(range), side, scratch.right);
    partition(members, side, scratch.right);
    progress_.advance(members.size());
    const size_t n_left = end(left_of(range)) - begin(range);
    for (const bool left : {true, false}) {
      Range child = left ? left_of(range) : right_of(range);
      if (!descend(child)) continue;
      const std::span<const uint32_t> part =
          left ? std::span(members).first(n_left) : std::span(members).subspan(n_left);
      compact(rows, part, scratch.rows[depth + 1], scratch.renumbered);
      split_below(child, depth + 1, scratch);
    }
  }

  /// Copies some rows, leaves out columns that only one of them has, and numbers the others from 0 in their old order.
  static void compact(const NodeRows& rows, std::span<const uint32_t> members, NodeRows& result,
                      std::vector<uint32_t>& counts) {
    counts.assign(rows.n_columns, 0);
    for (const uint32_t row : members) {
      for (uint64_t at = rows.first[row]; at < rows.first[row + 1]; ++at) ++counts[rows.columns[at]];
    }
    uint32_t n_columns = 0;
    for (uint32_t& count : counts) count = count >= 2 ? n_columns++ : UINT32_MAX;
    result.n_columns = n_columns;
    result.first.assign(1, 0);
    result.columns.clear();
    result.values.clear();
    for (const uint32_t row : members) {
      for (uint64_t at = rows.first[row]; at < rows.first[row + 1]; ++at) {
        const uint32_t column = counts[rows.columns[at]];
        if (column == UINT32_MAX) continue;
        result.columns.push_back(column);
        result.values.push_back(rows.values[at]);
      }
      result.first.push_back(result.columns.size());
    }
  }

  /// The root's rows: columns that one row alone has left out, the others numbered from the most frequent down, so
  /// that the hot end of a centre stays in the cache.
  void load(const Csr& rows) {
    const std::vector<uint32_t> ranks = ranks_by_frequency(rows);
    const auto copied = [&](size_t row) {
      size_t count = 0;
      for (const uint32_t column : rows.row(row).columns) count += ranks[column] != UINT32_MAX;
      return count;
    };
    rows_.first.assign(rows.n_rows() + 1, 0);
    pool_.for_ranges(rows.n_rows(), kLoadGrain, [&](size_t begin, size_t end, size_t) {
      for (size_t i = begin; i < end; ++i) rows_.first[i + 1] = copied(i);
    });
    std::partial_sum(rows_.first.begin(), rows_.first.end(), rows_.first.begin());
    rows_.columns.resize(rows_.first.back());
    rows_.values.resize(rows_.first.back());
    pool_.for_ranges(rows.n_rows(), kLoadGrain, [&](size_t begin, size_t end, size_t) {
      uint64_t to = rows_.first[begin];
      for (size_t i = begin; i < end; ++i) {
        const SparseRow row = rows.row(i);
        for (size_t j = 0; j < row.size(); ++j) {
          if (ranks[row.columns[j]] == UINT32_MAX) continue;
          rows_.columns[to] = ranks[row.columns[j]];
          rows_.values[to++] = row.values[j];
        }
      }
    });
  }

  /// For each column its place by falling number of rows, or UINT32_MAX where fewer than two rows have it.
  std::vector<uint32_t> ranks_by_frequency(const Csr& rows) {
    std::vector<uint32_t> counts(rows.n_columns);
    for (const uint32_t column : rows.columns) ++counts[column];
    std::vector<uint32_t> by_count;
    for (uint32_t c = 0; c < rows.n_columns; ++c) {
      if (counts[c] >= 2) by_count.push_back(c);
    }
    std::stable_sort(by_count.begin(), by_count.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
    std::fill(counts.begin(), counts.end(), UINT32_MAX);
    for (uint32_t rank = 0; rank < by_count.size(); ++rank) counts[by_count[rank]] = rank;
    rows_.n_columns = static_cast<uint32_t>(by_count.size());
    return counts;
  }

  const TreeShape& shape_;
  const KmeansOptions& options_;
  ThreadPool& pool_;
  Progress& progress_;
  std::vector<uint32_t> order_;
  NodeRows rows_;
  std::vector<Scratch> scratch_;
  double binary_depth_ = 1;
};

}  // namespace

void describe(OptionTable& table, KmeansOptions& options) {
  table.add("cluster_distance", options.distance,
            {{KmeansDistance::spherical, "spherical"}, {KmeansDistance::euclidean, "euclidean"}},
            "How label vectors are compared. spherical: by angle, centres scaled to length 1; the usual choice for "
            "text. euclidean: plain means. spherical true / false in PECOS.");
  table.add("cluster_starts", options.starts, 1, 1000,
            "From how many random starts each of the five uppermost binary splits of the label clustering is tried, "
            "for two rounds and on 2,048 labels at most; the best goes on. Without, the quality of a tree may depend "
            "on the seed by several points. n_init in scikit-learn.");
  table.add("cluster_iterations", options.max_iterations, 1, 10000,
            "The most rounds of one split of the label clustering; cluster_tolerance may end it earlier. "
            "kmeans_max_iter in PECOS.");
  table.add("cluster_tolerance", options.tolerance, 0, 1,
            "A split of the label clustering also stops once no more than this share of its labels changes sides. 0: "
            "not before none does, which takes more rounds for the last few labels.");
  table.add("cluster_min_sample", options.min_sample_rate, 0.0001, 1,
            "The share of a node's labels that is looked at to find the centres of the uppermost splits; below 1 it "
            "makes the index of millions of labels faster and its upper levels rougher. min_sample_rate in PECOS.");
  table.add("cluster_max_sample", options.max_sample_rate, 0.0001, 1,
            "The share looked at in the lowest splits; from cluster_sample_warmup on, the share rises from "
            "cluster_min_sample to this. max_sample_rate in PECOS.");
  table.add("cluster_sample_warmup", options.sample_warmup, 0, 1,
            "The upper part of the splits (by depth) that is made with cluster_min_sample. warmup_ratio in PECOS.");
}

std::vector<uint32_t> cluster_balanced(const Csr& rows, const TreeShape& shape, const KmeansOptions& options, Job job) {
  if (rows.n_rows() != shape.n_labels()) {
    throw Error(ErrorCode::data,
                "clustering: " + counted(rows.n_rows(), "vector") + " for " + counted(shape.n_labels(), "label"));
  }
  return BalancedClustering(shape, options, job).run(rows);
}

}  // namespace coppice
