// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/chunk_scorer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <iterator>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/rank/chunk_scorer.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include <hwy/cache_control.h>

#include "coppice/rank/packed_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE const BucketHeader* header_of(const ChunkView& chunk, uint32_t hash) {
  return chunk.headers + (hash >> chunk.bucket_shift);
}

/// Asks for the heads of the blocks in which the rows are looked up.
HWY_INLINE HWY_ATTR void PrefetchBlocks(const PackedChunk& chunk, const HashedQuery& query) {
  for (size_t j = 0; j < query.size; ++j) {
    const uint64_t number = query.hashes[j] >> chunk.hash_shift;
    const std::byte* const block =
        chunk.blocks + chunk.block_begin((number >> chunk.low_bits) / PackedChunk::kGroupsOfBlock);
    touch(block);
    touch(block + 64);
    for (size_t line = 2; line < 4; ++line) hwy::Prefetch(block + 64 * line);
  }
}

HWY_ATTR void PrefetchHeaders(const ChunkView& chunk, const HashedQuery& query) {
  if (chunk.encoding == ChunkEncoding::packed) return PrefetchBlocks(packed_chunk(chunk), query);
  if (chunk.headers == nullptr) return;
  for (size_t j = 0; j < query.size; ++j) hwy::Prefetch(header_of(chunk, query.hashes[j]));
}

/// Asks for the first two cache lines of each bucket.
HWY_INLINE HWY_ATTR void PrefetchBuckets(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits) {
  const uint64_t base_bytes = chunk.base_bytes();
  for (const Hit& hit : hits) {
    const uint32_t base = std::min(header_of(chunk, query.hashes[hit.place])->base, chunk.n_entries);
    const std::byte* bucket = chunk.data + base * base_bytes;
    hwy::Prefetch(bucket);
    hwy::Prefetch(bucket + 64);
  }
}

#if HWY_TARGET == HWY_SCALAR
/// As below, in little code.
HWY_ATTR size_t FindPackedRows(const PackedChunk& chunk, const HashedQuery& query, Hit* HWY_RESTRICT hits) {
  size_t n = 0;
  for (size_t j = 0; j < query.size; ++j) {
    hits[n].place = static_cast<uint32_t>(j);
    n += static_cast<size_t>(chunk.find_row(query.hashes[j], hits[n].row));
  }
  return n;
}
#else
/// First the places of the rows, without a branch, so that many are under way at a time; then, for those that there
/// are, where their weights are, whose lines it asks for.
HWY_ATTR size_t FindPackedRows(const PackedChunk& chunk, const HashedQuery& query, Hit* HWY_RESTRICT hits) {
  size_t n = 0;
  for (size_t j = 0; j < query.size; ++j) {
    const uint64_t number = query.hashes[j] >> chunk.hash_shift;
    const uint64_t group = number >> chunk.low_bits;
    const uint64_t block = chunk.block_begin(group / PackedChunk::kGroupsOfBlock);
    Hit& hit = hits[n];
    hit.place = static_cast<uint32_t>(j);
    hit.row.children = block;
    n += static_cast<size_t>(
        chunk.find_in_block<FastSelect>(block, group % PackedChunk::kGroupsOfBlock, number, hit.row.n));
  }
  const uint32_t width = chunk.child_bits + chunk.value_bits;
  for (size_t i = 0; i < n; ++i) {
    PackedRow& row = hits[i].row;
    const PackedBlock block = chunk.block_at(row.children);
    if (row.n >= block.n_rows) [[unlikely]] {  // only where the bytes are damaged
      row = {};
      continue;
    }
    chunk.take_row<FastSelect>(block, row.n, row);
    const uint64_t begin = row.has_mask ? row.values : row.children + row.values * width;
    touch(chunk.blocks + begin / 8);
    hwy::Prefetch(chunk.blocks + (begin + row.n * width) / 8);
  }
  return n;
}
#endif

HWY_ATTR size_t FindHits(const ChunkView& chunk, const HashedQuery& query, Hit* HWY_RESTRICT hits) {
  if (chunk.encoding == ChunkEncoding::direct) {
    for (size_t j = 0; j < query.size; ++j) {
      hwy::Prefetch(chunk.data + uint64_t{query.features[j]} * chunk.stride * sizeof(float));
    }
    return 0;
  }
  if (chunk.encoding == ChunkEncoding::packed) return FindPackedRows(packed_chunk(chunk), query, hits);
  if (chunk.headers == nullptr) return 0;
  size_t n = 0;
  for (size_t j = 0; j < query.size; ++j) {
    const uint32_t hash = query.hashes[j];
    const uint32_t filter = header_of(chunk, hash)->filter;
    hits[n].place = static_cast<uint32_t>(j);
    n += (filter >> ((hash >> chunk.filter_shift) & 31)) & 1;
  }
  PrefetchBuckets(chunk, query, {hits, n});
  return n;
}

/// margins[i] += value * weights[i], as many vectors as it takes; the last may run over the count.
HWY_INLINE HWY_ATTR void AddRow(const float* HWY_RESTRICT weights, size_t count, float value,
                                float* HWY_RESTRICT margins) {
  const hn::CappedTag<float, 8> d;
  const auto x = hn::Set(d, value);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::StoreU(hn::MulAdd(x, hn::LoadU(d, weights + i), hn::LoadU(d, margins + i)), d, margins + i);
  }
  for (; i < count; ++i) {
    float weight;
    std::memcpy(&weight, weights + i, sizeof weight);
    margins[i] = multiply_add(value, weight, margins[i]);
  }
}

/// The entries of one feature: neighbours in their bucket.
template <class Child>
HWY_INLINE HWY_ATTR void AddRun(const Bucket& bucket, size_t first, size_t count, float value, uint32_t n_children,
                                float* HWY_RESTRICT margins) {
  const std::byte* values = bucket.values + first * sizeof(float);
  if (count == n_children && count >= 4) {  // all children, in order
    AddRow(reinterpret_cast<const float*>(values), count, value, margins);
    return;
  }
  const std::byte* children = bucket.children + first * sizeof(Child);
  for (size_t i = 0; i < count; ++i) {
    float& margin = margins[read_at<Child>(children, i)];
    margin = multiply_add(value, read_at<float>(values, i), margin);
  }
}

/// The first entry with this key, and how many follow it.
template <class Key>
HWY_INLINE HWY_ATTR size_t FindRun(const Bucket& bucket, Key key, size_t& count) {
  const hn::CappedTag<Key, 32 / sizeof(Key)> d;
  const size_t lanes = hn::Lanes(d);
  const auto wanted = hn::Set(d, key);
  const auto* keys = reinterpret_cast<const Key*>(bucket.keys);
  count = 0;
  size_t first = 0;
  for (size_t i = 0; i < bucket.n; i += lanes) {
    // Reads past the bucket stay inside the payload: its slack is longer than a vector.
    const auto equal =
        hn::And(hn::Eq(hn::LoadU(d, keys + i), wanted), hn::FirstN(d, std::min<size_t>(lanes, bucket.n - i)));
    const size_t found = hn::CountTrue(d, equal);
    if (found == 0) {
      if (count != 0) break;
      continue;
    }
    if (count == 0) first = i + static_cast<size_t>(hn::FindFirstTrue(d, equal));
    count += found;
  }
  count = std::min<size_t>(count, bucket.n - first);
  return first;
}

/// The first place of the key among n, or n.
template <class Key>
HWY_INLINE HWY_ATTR size_t FindKey(const std::byte* place, size_t n, Key key) {
  const hn::CappedTag<Key, 32 / sizeof(Key)> d;
  const size_t lanes = hn::Lanes(d);
  const auto wanted = hn::Set(d, key);
  const auto* keys = reinterpret_cast<const Key*>(place);
  for (size_t i = 0; i < n; i += lanes) {
    // Reads past the bucket stay inside the payload: its slack is longer than a vector.
    const auto found = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, keys + i), wanted));
    if (found >= 0) return std::min(n, i + static_cast<size_t>(found));
  }
  return n;
}

template <class Key, class Child>
HWY_ATTR void SumHashed(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits,
                        float* HWY_RESTRICT margins) {
  for (const Hit& hit : hits) {
    const uint32_t hash = query.hashes[hit.place];
    const Bucket bucket = chunk.bucket(hash >> chunk.bucket_shift);
    size_t count;
    const size_t first = FindRun<Key>(bucket, static_cast<Key>(hash >> chunk.key_shift), count);
    AddRun<Child>(bucket, first, count, query.values[hit.place], chunk.n_children, margins);
  }
}

/// margins[c] += value * weight for each child c of the mask, whose weights lie packed at `weights`. Up to eight
/// weights behind them are read, and margins up to the next multiple of eight.
template <class MaskBytes>
HWY_INLINE HWY_ATTR void AddMasked(const std::byte* mask, MaskBytes mask_bytes, const float* HWY_RESTRICT weights,
                                   float value, float* HWY_RESTRICT margins) {
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
  for (size_t child = 0; child < 8 * mask_bytes; ++child) {
    if ((std::to_integer<uint32_t>(mask[child / 8]) >> (child % 8) & 1) == 0) continue;
    margins[child] = multiply_add(value, *weights++, margins[child]);
  }
#else
  const hn::CappedTag<float, 8> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  const auto x = hn::Set(d, value);
  for (size_t i = 0; i < mask_bytes; ++i) {
    for (size_t lane = 0; lane < 8; lane += kLanes, margins += kLanes) {
      const uint32_t bits = std::to_integer<uint32_t>(mask[i]) >> lane & ((1U << kLanes) - 1);
      const auto places = PlacesOf(d, bits);
      const auto margin = hn::LoadU(d, margins);
      const auto sum = hn::MulAdd(x, TakePlaces(d, weights, places), margin);
      hn::StoreU(hn::IfThenElse(IsTaken(d, places), sum, margin), d, margins);
      weights += std::popcount(bits);
    }
  }
#endif
}

/// `mask_bytes`: a number, or a constant as a type, for which the compiler unrolls what it can.
template <class Key, class MaskBytes>
HWY_ATTR void SumMasked(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits,
                        MaskBytes mask_bytes, float* HWY_RESTRICT margins) {
  for (const Hit& hit : hits) {
    const uint32_t hash = query.hashes[hit.place];
    const MaskedBucket bucket = chunk.masked_bucket(hash >> chunk.bucket_shift);
    const size_t row = FindKey<Key>(bucket.keys, bucket.n, static_cast<Key>(hash >> chunk.key_shift));
    if (row == bucket.n) continue;
    const std::byte* mask = bucket.masks + row * mask_bytes;
    const size_t place = std::min(count_bits(bucket.masks, row * mask_bytes), bucket.n_values);
    AddMasked(mask, mask_bytes, reinterpret_cast<const float*>(bucket.values) + place, query.values[hit.place],
              margins);
  }
}

template <class Key>
HWY_INLINE HWY_ATTR void SumAnyMasked(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits,
                                      float* HWY_RESTRICT margins) {
  switch (chunk.child_bytes) {
    case 1:
      return SumMasked<Key>(chunk, query, hits, std::integral_constant<size_t, 1>(), margins);
    case 2:
      return SumMasked<Key>(chunk, query, hits, std::integral_constant<size_t, 2>(), margins);
    case 8:
      return SumMasked<Key>(chunk, query, hits, std::integral_constant<size_t, 8>(), margins);
    default:
      return SumMasked<Key>(chunk, query, hits, size_t{chunk.child_bytes}, margins);
  }
}

/// Without biases and the scales of sums: margins[c] += value * weight.
HWY_ATTR void SumPackedRows(const PackedChunk& chunk, const HashedQuery& query, std::span<const Hit> hits,
                            float* HWY_RESTRICT margins) {
  for (const Hit& hit : hits) AddPackedRow(chunk, hit.row, query.values[hit.place], margins);
}

/// margins[c] = bias + scale * margins[c].
HWY_ATTR void ScaleMargins(const ChunkView& view, float* HWY_RESTRICT margins) {
  const PackedChunk chunk = packed_chunk(view);
  const hn::CappedTag<float, 8> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  const bool has_scales = chunk.scales_sums() && chunk.scaling == Scaling::children;
  auto scale = hn::Set(d, chunk.sum_scale(0));
  uint32_t i = 0;
  for (; i + hn::Lanes(d) <= chunk.n_children; i += static_cast<uint32_t>(hn::Lanes(d))) {
    if (has_scales) {
      const auto stored = hn::LoadU(d16, reinterpret_cast<const uint16_t*>(chunk.scales) + i);
      scale = hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, stored)));
    }
    hn::StoreU(hn::MulAdd(scale, hn::LoadU(d, margins + i), hn::LoadU(d, view.bias + i)), d, margins + i);
  }
  for (; i < chunk.n_children; ++i) margins[i] = multiply_add(chunk.sum_scale(i), margins[i], view.bias[i]);
}

HWY_ATTR void SumDirect(const ChunkView& chunk, const HashedQuery& query, float* HWY_RESTRICT margins) {
  const auto* rows = reinterpret_cast<const float*>(chunk.data);
  for (size_t j = 0; j < query.size; ++j) {
    AddRow(rows + uint64_t{query.features[j]} * chunk.stride, chunk.stride, query.values[j], margins);
  }
}

HWY_ATTR void SumHits(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits,
                      float* HWY_RESTRICT margins) {
  if (chunk.n_children == 0) return;
  if (chunk.encoding == ChunkEncoding::packed) {
    const PackedChunk packed = packed_chunk(chunk);
    std::fill(margins, margins + std::max(std::bit_ceil(packed.n_children), 8U), 0.0F);
    SumPackedRows(packed, query, hits, margins);
    return ScaleMargins(chunk, margins);
  }
  std::memcpy(margins, chunk.bias, chunk.n_children * sizeof(float));
  if (chunk.encoding == ChunkEncoding::direct) {
    std::fill(margins + chunk.n_children, margins + chunk.stride, 0.0F);
    SumDirect(chunk, query, margins);
  } else if (chunk.encoding == ChunkEncoding::masked) {
    std::fill(margins + chunk.n_children, margins + 8 * chunk.child_bytes, 0.0F);
    chunk.key_bytes == 2 ? SumAnyMasked<uint16_t>(chunk, query, hits, margins)
                         : SumAnyMasked<uint32_t>(chunk, query, hits, margins);
  } else if (chunk.encoding == ChunkEncoding::hashed) {
    if (chunk.key_bytes == 2) {
      chunk.child_bytes == 1 ? SumHashed<uint16_t, uint8_t>(chunk, query, hits, margins)
                             : SumHashed<uint16_t, uint16_t>(chunk, query, hits, margins);
    } else {
      chunk.child_bytes == 1 ? SumHashed<uint32_t, uint8_t>(chunk, query, hits, margins)
                             : SumHashed<uint32_t, uint16_t>(chunk, query, hits, margins);
    }
  }
}

#if !(HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR)
/// kVectors vectors of margins, kept in registers over all features. `column`: the first of them.
template <size_t kVectors>
HWY_ATTR void SumColumns(const DenseRows& rows, size_t column, const uint32_t* HWY_RESTRICT numbers,
                         std::span<const float> values, float* HWY_RESTRICT margins) {
  const hn::CappedTag<float, 8> d;
  constexpr size_t kWidth = hn::MaxLanes(d);
  hn::Vec<decltype(d)> sums[kVectors];
  for (size_t k = 0; k < kVectors; ++k) sums[k] = hn::LoadU(d, margins + column + k * kWidth);
  const float* weights = rows.weights + column;
  for (size_t j = 0; j < values.size(); ++j) {
    const float* row = weights + size_t{rows.rows[numbers[j]]} * rows.stride;
    const auto x = hn::Set(d, values[j]);
    for (size_t k = 0; k < kVectors; ++k) sums[k] = hn::MulAdd(x, hn::Load(d, row + k * kWidth), sums[k]);
  }
  for (size_t k = 0; k < kVectors; ++k) hn::StoreU(sums[k], d, margins + column + k * kWidth);
}
#endif

HWY_ATTR void SumDense(const DenseRows& rows, const uint32_t* HWY_RESTRICT numbers, std::span<const float> values,
                       float* HWY_RESTRICT margins) {
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
  for (size_t j = 0; j < values.size(); ++j) {
    AddRow(rows.weights + size_t{rows.rows[numbers[j]]} * rows.stride, rows.stride, values[j], margins);
  }
#else
  constexpr size_t k = 8 / hn::MaxLanes(hn::CappedTag<float, 8>());  // vectors of eight floats
  using Sum = void (*)(const DenseRows&, size_t, const uint32_t*, std::span<const float>, float*);
  constexpr Sum kSums[] = {SumColumns<1 * k>, SumColumns<2 * k>, SumColumns<3 * k>, SumColumns<4 * k>,
                           SumColumns<5 * k>, SumColumns<6 * k>, SumColumns<7 * k>, SumColumns<8 * k>};
  for (size_t column = 0; column < rows.stride;) {
    const size_t eights = std::min<size_t>((rows.stride - column) / 8, std::size(kSums));
    kSums[eights - 1](rows, column, numbers, values, margins);
    column += 8 * eights;
  }
#endif
}

HWY_ATTR size_t SelectMargins(const float* HWY_RESTRICT margins, size_t count, float cut,
                              uint32_t* HWY_RESTRICT above) {
  const hn::CappedTag<float, 8> d;
  const auto limit = hn::Set(d, cut);
  size_t n = 0;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto keep = hn::Not(hn::Lt(hn::LoadU(d, margins + i), limit));
    if (hn::AllFalse(d, keep)) continue;
    for (size_t lane = i; lane < i + hn::Lanes(d); ++lane) {
      above[n] = static_cast<uint32_t>(lane);
      n += !(margins[lane] < cut);
    }
  }
  for (; i < count; ++i) {
    above[n] = static_cast<uint32_t>(i);
    n += !(margins[i] < cut);
  }
  return n;
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coppice {

HWY_EXPORT(PrefetchHeaders);
HWY_EXPORT(FindHits);
HWY_EXPORT(SumHits);
HWY_EXPORT(ScaleMargins);
HWY_EXPORT(SumDense);
HWY_EXPORT(SelectMargins);

size_t known_features(SparseRow query, uint32_t n_features) noexcept {
  return static_cast<size_t>(std::lower_bound(query.columns.begin(), query.columns.end(), n_features) -
                             query.columns.begin());
}

void hash_features(std::span<const uint32_t> features, uint32_t n_features, uint32_t* hashes) noexcept {
  const uint32_t bits = hash_bits(n_features);
  for (size_t j = 0; j < features.size(); ++j) hashes[j] = hash_feature(features[j], bits);
}

void prefetch_headers(const ChunkView& chunk, const HashedQuery& query) noexcept {
  HWY_DYNAMIC_DISPATCH(PrefetchHeaders)(chunk, query);
}

size_t find_hits(const ChunkView& chunk, const HashedQuery& query, Hit* hits) noexcept {
  return HWY_DYNAMIC_DISPATCH(FindHits)(chunk, query, hits);
}

void sum_hits(const ChunkView& chunk, const HashedQuery& query, std::span<const Hit> hits, float* margins) noexcept {
  HWY_DYNAMIC_DISPATCH(SumHits)(chunk, query, hits, margins);
}

void scale_margins(const ChunkView& chunk, float* margins) noexcept {
  HWY_DYNAMIC_DISPATCH(ScaleMargins)(chunk, margins);
}

void sum_dense(const DenseRows& rows, const uint32_t* numbers, std::span<const float> values, float* margins) noexcept {
  HWY_DYNAMIC_DISPATCH(SumDense)(rows, numbers, values, margins);
}

size_t select_margins(const float* margins, size_t count, float cut, uint32_t* above) noexcept {
  return HWY_DYNAMIC_DISPATCH(SelectMargins)(margins, count, cut, above);
}

void score_chunk_naive(const ChunkView& chunk, const HashedQuery& query, std::span<double> margins) {
  for (uint32_t child = 0; child < chunk.n_children; ++child) {
    margins[child] = chunk.bias[child];
    for (size_t j = 0; j < query.size; ++j) {
      margins[child] += double{query.values[j]} * weight_at(chunk, query.features[j], query.hashes[j], child);
    }
  }
}

}  // namespace coppice
#endif  // HWY_ONCE
