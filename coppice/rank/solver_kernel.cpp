// SPDX-License-Identifier: Apache-2.0
// The inner loops of the joint solver, compiled once per instruction set and chosen at run time.
#include "coppice/rank/solver_lanes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/rank/solver_kernel.cpp"
// Vectors whose size the compiler does not know cannot stand in arrays.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <size_t kWidth>
struct Lanes {
  using D = hn::CappedTag<float, kWidth>;
  using V = hn::Vec<D>;
  using M = hn::Mask<D>;
  static constexpr size_t kPerVector = hn::MaxLanes(D());
  static constexpr size_t kVectors = kWidth / kPerVector;
};

template <class D>
HWY_INLINE hn::Mask<D> mask_at(D d, uint32_t bits, size_t first) {
  uint8_t bytes[8] = {};
  const uint32_t mine = bits >> first;
  bytes[0] = static_cast<uint8_t>(mine);
  bytes[1] = static_cast<uint8_t>(mine >> 8);
  return hn::LoadMaskBits(d, bytes);
}

template <class D>
HWY_INLINE uint32_t bits_of(D d, hn::Mask<D> mask, size_t first) {
  uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  return static_cast<uint32_t>(bytes[0] | bytes[1] << 8) << first;
}

// m[v] = sum over the row's entries of x W[feature]. Entry j goes to partial sum j mod 4; the sums are then added in
// one order: so neither the width nor the instruction set's vector length changes the result of a lane.
template <size_t kWidth>
HWY_INLINE void margins(const RowEntry* HWY_RESTRICT entry, const RowEntry* end, const float* HWY_RESTRICT weights,
                        typename Lanes<kWidth>::V* HWY_RESTRICT m) {
  using L = Lanes<kWidth>;
  static_assert(ChunkProblem::kRowStep == 4);
  const typename L::D d;
  typename L::V sum[4][L::kVectors];
  for (size_t part = 0; part < 4; ++part) {
    for (size_t v = 0; v < L::kVectors; ++v) sum[part][v] = hn::Zero(d);
  }
  for (; entry != end; entry += 4) {
    for (size_t part = 0; part < 4; ++part) {
      const float* HWY_RESTRICT row = weights + size_t{entry[part].feature} * kWidth;
      const auto x = hn::Set(d, entry[part].value);
      for (size_t v = 0; v < L::kVectors; ++v) {
        sum[part][v] = hn::MulAdd(x, hn::Load(d, row + v * L::kPerVector), sum[part][v]);
      }
    }
  }
  for (size_t v = 0; v < L::kVectors; ++v) {
    m[v] = hn::Add(hn::Add(sum[0][v], sum[1][v]), hn::Add(sum[2][v], sum[3][v]));
  }
}

// W[feature] += x delta for the row's entries.
template <size_t kWidth>
HWY_INLINE void update(const RowEntry* HWY_RESTRICT entry, const RowEntry* end,
                       const typename Lanes<kWidth>::V* HWY_RESTRICT delta, float* HWY_RESTRICT weights) {
  using L = Lanes<kWidth>;
  const typename L::D d;
  for (; entry != end; ++entry) {
    float* HWY_RESTRICT row = weights + size_t{entry->feature} * kWidth;
    const auto x = hn::Set(d, entry->value);
    for (size_t v = 0; v < L::kVectors; ++v) {
      float* HWY_RESTRICT w = row + v * L::kPerVector;
      hn::Store(hn::MulAdd(x, delta[v], hn::Load(d, w)), d, w);
    }
  }
}

// Rows come in random order: ask for the memory of a row some visits ahead, first for its entries and its own
// variables, then, once the entries are there, for the weights of its rare features.
constexpr size_t kEntriesAhead = 4;
constexpr size_t kWeightsAhead = 1;

HWY_INLINE void prefetch_entries(const LanePass& pass, const RowVisit& visit, const LaneBlock& block) {
  const RowEntry* begin = pass.problem.entries.data() + visit.place.begin;
  const char* end = reinterpret_cast<const char*>(begin + visit.place.size);
  for (const char* line = reinterpret_cast<const char*>(begin); line < end; line += 64) hwy::Prefetch(line);
  hwy::Prefetch(&pass.costs[visit.row]);
  hwy::Prefetch(block.alpha.data() + visit.row * block.width);
}

HWY_INLINE void prefetch_weights(const LanePass& pass, const RowVisit& visit, const LaneBlock& block) {
  const RowEntry* entry = pass.problem.entries.data() + visit.place.begin;
  for (size_t j = visit.place.cold; j < visit.place.size; ++j) {
    hwy::Prefetch(block.weights.data() + size_t{entry[j].feature} * block.width);
  }
}

// The costs of a row by lane, where labels differ in relevance.
struct LaneCosts {
  alignas(64) float diagonal[LaneBlock::kMostLanes];
  alignas(64) float inverse_q[LaneBlock::kMostLanes];
  alignas(64) float upper[LaneBlock::kMostLanes];
};

inline void spread_costs(const LanePass& pass, size_t row, const LaneBlock& block, LaneCosts& costs) {
  const SideCost& negative = pass.costs[row].negative;
  for (size_t p = 0; p < block.width; ++p) {
    costs.diagonal[p] = negative.diagonal;
    costs.inverse_q[p] = negative.inverse_q;
    costs.upper[p] = negative.upper;
  }
  for (const Positive& positive : pass.problem.row_positives(row)) {
    const uint32_t place = positive.child - block.first_child;
    if (place >= LaneBlock::kMostLanes || block.position_of[place] == LaneBlock::kNowhere) continue;
    const size_t p = block.position_of[place];
    const float c = cost_of(pass.problem, row, positive.relevance, pass.options);
    const SideCost own = side_cost(pass.problem, row, c, pass.options.loss);
    costs.diagonal[p] = own.diagonal;
    costs.inverse_q[p] = own.inverse_q;
    costs.upper[p] = own.upper;
  }
}

// The dual coordinate step of a row for (squared) hinge loss in all lanes; true when any lane's weights change.
template <size_t kWidth, bool kBounded>
HWY_INLINE bool hinge_step(const LanePass& pass, size_t row, LaneBlock& block,
                           typename Lanes<kWidth>::V* HWY_RESTRICT m) {
  using L = Lanes<kWidth>;
  using V = typename L::V;
  const typename L::D d;
  const auto zero = hn::Zero(d);
  const auto one = hn::Set(d, 1.0F);
  const RowCost& cost = pass.costs[row];
  const uint32_t positive_bits = block.positive[row];
  const uint32_t active_bits = block.active[row] & block.live;
  LaneCosts spread;
  const bool by_lane = pass.problem.has_relevance && positive_bits != 0;
  if (by_lane) spread_costs(pass, row, block, spread);
  uint32_t shrunk_bits = 0;
  bool any = false;
  for (size_t v = 0; v < L::kVectors; ++v) {
    const size_t first = v * L::kPerVector;
    const auto positive = mask_at(d, positive_bits, first);
    auto active = mask_at(d, active_bits, first);
    const auto pick = [&](float SideCost::*part, const float* lanes) HWY_ATTR -> V {
      if (by_lane) return hn::Load(d, lanes + first);
      return hn::IfThenElse(positive, hn::Set(d, cost.positive.*part), hn::Set(d, cost.negative.*part));
    };
    float* HWY_RESTRICT alpha = block.alpha.data() + row * kWidth + first;
    const auto a = hn::Load(d, alpha);
    const auto sign = hn::IfThenElse(positive, one, hn::Neg(one));
    const auto diagonal = pick(&SideCost::diagonal, spread.diagonal);
    const auto g = hn::Sub(hn::MulAdd(sign, m[v], hn::Mul(diagonal, a)), one);
    const auto at_zero = hn::Le(a, zero);
    auto pg = hn::IfThenElse(at_zero, hn::Min(g, zero), g);
    auto shrink = hn::And(at_zero, hn::Gt(g, hn::Load(d, block.pg_max_old.data() + first)));
    auto next = hn::Max(hn::NegMulAdd(g, pick(&SideCost::inverse_q, spread.inverse_q), a), zero);
    if (kBounded) {
      const auto upper = pick(&SideCost::upper, spread.upper);
      const auto at_top = hn::Ge(a, upper);
      pg = hn::IfThenElse(at_top, hn::Max(g, zero), pg);
      shrink = hn::Or(shrink, hn::And(at_top, hn::Lt(g, hn::Load(d, block.pg_min_old.data() + first))));
      next = hn::Min(next, upper);
    }
    shrink = hn::And(shrink, active);
    shrunk_bits |= bits_of(d, shrink, first);
    active = hn::AndNot(shrink, active);
    float* HWY_RESTRICT pg_max = block.pg_max.data() + first;
    float* HWY_RESTRICT pg_min = block.pg_min.data() + first;
    const auto infinity = hn::Set(d, LaneBlock::kInfinity);
    hn::Store(hn::Max(hn::Load(d, pg_max), hn::IfThenElse(active, pg, hn::Neg(infinity))), d, pg_max);
    hn::Store(hn::Min(hn::Load(d, pg_min), hn::IfThenElse(active, pg, infinity)), d, pg_min);
    next = hn::IfThenElse(active, next, a);
    hn::Store(next, d, alpha);
    m[v] = hn::Mul(hn::Sub(next, a), sign);
    any |= !hn::AllTrue(d, hn::Eq(m[v], zero));
  }
  if (shrunk_bits != 0) {
    block.active[row] = static_cast<uint16_t>(block.active[row] & ~shrunk_bits);
    for (uint32_t bits = shrunk_bits; bits != 0; bits &= bits - 1) {
      ++block.n_shrunk[hwy::Num0BitsBelowLS1Bit_Nonzero32(bits)];
    }
  }
  return any;
}

// The same for logistic loss: a Newton iteration per lane, in double precision.
template <size_t kWidth>
HWY_INLINE bool logistic_steps(const LanePass& pass, size_t row, LaneBlock& block,
                               typename Lanes<kWidth>::V* HWY_RESTRICT m) {
  using L = Lanes<kWidth>;
  const typename L::D d;
  alignas(64) float lanes[kWidth];
  for (size_t v = 0; v < L::kVectors; ++v) hn::Store(m[v], d, lanes + v * L::kPerVector);
  bool any = false;
  for (size_t p = 0; p < kWidth; ++p) {
    if ((block.live >> p & 1) == 0) {
      lanes[p] = 0.0F;
      continue;
    }
    double* pair = block.alpha_pairs.data() + (row * kWidth + p) * 2;
    const double sign = (block.positive[row] >> p & 1) != 0 ? 1.0 : -1.0;
    const double z = sign * static_cast<double>(lanes[p]) + static_cast<double>(pass.problem.own_norm[row]) * pair[0];
    const LogisticStep step =
        logistic_step(pair, static_cast<double>(pass.problem.norm[row]), z, block.inner_epsilon[p]);
    block.pg_max[p] = std::max(block.pg_max[p], static_cast<float>(step.gradient));
    block.newton_steps[p] += step.newton_steps;
    lanes[p] = static_cast<float>(step.change * sign);
    any |= lanes[p] != 0.0F;
  }
  for (size_t v = 0; v < L::kVectors; ++v) m[v] = hn::Load(d, lanes + v * L::kPerVector);
  return any;
}

template <size_t kWidth, Loss kLoss>
void pass_of(const LanePass& pass, LaneBlock& block) {
  const ChunkProblem& problem = pass.problem;
  const size_t n = pass.visit.size();
  for (size_t k = 0; k < n; ++k) {
    if (k + kEntriesAhead < n) prefetch_entries(pass, pass.visit[k + kEntriesAhead], block);
    if (k + kWeightsAhead < n) prefetch_weights(pass, pass.visit[k + kWeightsAhead], block);
    const auto [place, row] = pass.visit[k];
    const RowEntry* entries = problem.entries.data() + place.begin;
    const size_t padded = (place.size + ChunkProblem::kRowStep - 1) / ChunkProblem::kRowStep * ChunkProblem::kRowStep;
    typename Lanes<kWidth>::V m[Lanes<kWidth>::kVectors];
    margins<kWidth>(entries, entries + padded, block.weights.data(), m);
    bool any;
    if constexpr (kLoss == Loss::logistic) {
      any = logistic_steps<kWidth>(pass, row, block, m);
    } else {
      any = hinge_step<kWidth, kLoss == Loss::hinge>(pass, row, block, m);
    }
    if (any) update<kWidth>(entries, entries + place.size, m, block.weights.data());
  }
}

template <size_t kWidth>
void pass_of_width(const LanePass& pass, LaneBlock& block) {
  switch (pass.options.loss) {
    case Loss::squared_hinge:
      return pass_of<kWidth, Loss::squared_hinge>(pass, block);
    case Loss::hinge:
      return pass_of<kWidth, Loss::hinge>(pass, block);
    case Loss::logistic:
      return pass_of<kWidth, Loss::logistic>(pass, block);
  }
}

void Pass(const LanePass& pass, LaneBlock& block) {
  if (block.width == 4) return pass_of_width<4>(pass, block);
  if (block.width == 8) return pass_of_width<8>(pass, block);
  pass_of_width<16>(pass, block);
}

// Appends the lanes of values[0..kWidth) times `scale` that reach the threshold.
template <size_t kWidth>
HWY_INLINE void append(const LaneExtract& extract, const float* HWY_RESTRICT values, float scale, uint32_t feature,
                       std::vector<ChunkWeight>& weights) {
  using L = Lanes<kWidth>;
  const typename L::D d;
  uint32_t bits = 0;
  for (size_t v = 0; v < L::kVectors; ++v) {
    const auto w = hn::Mul(hn::Load(d, values + v * L::kPerVector), hn::Set(d, scale));
    bits |= bits_of(d, hn::Ge(hn::Abs(w), hn::Set(d, extract.threshold)), v * L::kPerVector);
  }
  for (bits &= extract.lanes; bits != 0; bits &= bits - 1) {
    const size_t p = hwy::Num0BitsBelowLS1Bit_Nonzero32(bits);
    weights.push_back({feature, static_cast<uint16_t>(extract.block.child[p]), values[p] * scale});
  }
}

// alpha y of a row, by lane.
template <size_t kWidth>
HWY_INLINE void signed_alpha(const LaneBlock& block, size_t row, float* HWY_RESTRICT beta) {
  for (size_t p = 0; p < kWidth; ++p) {
    const float alpha = block.alpha_pairs.empty() ? block.alpha.data()[row * kWidth + p]
                                                  : static_cast<float>(block.alpha_pairs[(row * kWidth + p) * 2]);
    beta[p] = (block.positive[row] >> p & 1) != 0 ? alpha : -alpha;
  }
}

template <size_t kWidth>
void extract_of(const LaneExtract& extract, std::vector<ChunkWeight>& weights) {
  const ChunkProblem& problem = extract.problem;
  for (size_t j = 1; j < problem.n_shared; ++j) {
    append<kWidth>(extract, extract.block.weights.data() + j * kWidth, 1.0F, static_cast<uint32_t>(j), weights);
  }
  alignas(64) float beta[kWidth];
  for (size_t row = 0; row < problem.n_rows(); ++row) {
    if (problem.own_begin[row] == problem.own_begin[row + 1]) continue;
    signed_alpha<kWidth>(extract.block, row, beta);
    for (uint64_t j = problem.own_begin[row]; j < problem.own_begin[row + 1]; ++j) {
      const auto feature = static_cast<uint32_t>(problem.n_shared + j);
      append<kWidth>(extract, beta, problem.own_values[j], feature, weights);
    }
  }
}

void Extract(const LaneExtract& extract, std::vector<ChunkWeight>& weights) {
  if (extract.block.width == 4) return extract_of<4>(extract, weights);
  if (extract.block.width == 8) return extract_of<8>(extract, weights);
  extract_of<16>(extract, weights);
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cmath>

namespace coppice {
HWY_EXPORT(Pass);
HWY_EXPORT(Extract);

void run_lane_pass(const LanePass& pass, LaneBlock& block) {
  HWY_DYNAMIC_DISPATCH(Pass)(pass, block);
}

void extract_lanes(const LaneExtract& extract, std::vector<ChunkWeight>& weights) {
  const float threshold = std::max(extract.threshold, std::numeric_limits<float>::denorm_min());
  HWY_DYNAMIC_DISPATCH(Extract)({extract.problem, extract.block, extract.lanes, threshold}, weights);
}

LogisticStep logistic_step(double* pair, double q, double z, double inner_epsilon) {
  constexpr uint32_t kMostSteps = 100;
  constexpr double kShrink = 0.1;  // when Newton leaves the interval
  const double c = pair[0] + pair[1];
  // Work on the variable that is the farther from its bound's loss of precision (algorithm 5 of Yu et al. 2011).
  const bool second = 0.5 * q * (pair[1] - pair[0]) + z < 0;
  double* mine = pair + (second ? 1 : 0);
  double* other = pair + (second ? 0 : 1);
  const double sign = second ? -1.0 : 1.0;
  const double old = *mine;
  double x = c - old < 0.5 * c ? 0.1 * old : old;
  const auto slope = [&](double at) { return q * (at - old) + sign * z + std::log(at / (c - at)); };
  double g = slope(x);
  LogisticStep step;
  step.gradient = std::abs(g);
  while (step.newton_steps <= kMostSteps && std::abs(g) >= inner_epsilon) {
    const double next = x - g / (q + c / (c - x) / x);
    x = next <= 0 ? x * kShrink : next;
    g = slope(x);
    ++step.newton_steps;
  }
  if (step.newton_steps == 0) return step;
  *mine = x;
  *other = c - x;
  step.change = sign * (x - old);
  return step;
}

}  // namespace coppice
#endif  // HWY_ONCE
