// SPDX-License-Identifier: Apache-2.0
#include "coppice/rank/dense_chunk.h"

#include <algorithm>
#include <bit>

#include "coppice/rank/chunk_view.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "coppice/rank/dense_chunk.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set
#include <hwy/highway.h>

#include "coppice/rank/packed_row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace coppice {
namespace HWY_NAMESPACE {

HWY_ATTR void FindNumbers(const BlockFeatures& features, const uint32_t* HWY_RESTRICT hashes, size_t count,
                          uint32_t* HWY_RESTRICT numbers) {
  for (size_t i = 0; i < count; ++i) numbers[i] = features.find(hashes[i]);
}

template <class Key, class MaskBytes>
HWY_ATTR void UnpackMaskedRows(const ChunkView& chunk, const BlockFeatures& features, MaskBytes mask_bytes,
                               DenseChunk& dense) {
  for (uint32_t index = 0; index < chunk.n_buckets() && chunk.ascends(index); ++index) {
    const MaskedBucket bucket = chunk.masked_bucket(index);
    const std::byte* mask = bucket.masks;
    uint32_t place = 0;
    for (uint32_t i = 0; i < bucket.n && place <= bucket.n_values; ++i, mask += mask_bytes) {
      const uint32_t number = features.find(chunk.hash_of(index, read_at<Key>(bucket.keys, i)));
      if (number != 0) {
        SpreadMasked(mask, mask_bytes, reinterpret_cast<const float*>(bucket.values) + place, dense.add_row(number));
      }
      place += count_bits(mask, mask_bytes);
    }
  }
}

template <class Key>
HWY_ATTR void UnpackMaskedKeys(const ChunkView& chunk, const BlockFeatures& features, DenseChunk& dense) {
  switch (chunk.child_bytes) {
    case 1:
      return UnpackMaskedRows<Key>(chunk, features, std::integral_constant<size_t, 1>(), dense);
    case 2:
      return UnpackMaskedRows<Key>(chunk, features, std::integral_constant<size_t, 2>(), dense);
    default:
      return UnpackMaskedRows<Key>(chunk, features, size_t{chunk.child_bytes}, dense);
  }
}

HWY_ATTR void UnpackMasked(const ChunkView& chunk, const BlockFeatures& features, DenseChunk& dense) {
  chunk.key_bytes == 2 ? UnpackMaskedKeys<uint16_t>(chunk, features, dense)
                       : UnpackMaskedKeys<uint32_t>(chunk, features, dense);
}

template <class Key, class Child>
HWY_ATTR void UnpackEntries(const ChunkView& chunk, const BlockFeatures& features, DenseChunk& dense) {
  for (uint32_t index = 0; index < chunk.n_buckets() && chunk.ascends(index); ++index) {
    const Bucket bucket = chunk.bucket(index);
    for (uint32_t i = 0; i < bucket.n;) {
      const Key key = read_at<Key>(bucket.keys, i);
      const uint32_t number = features.find(chunk.hash_of(index, key));
      float* row = nullptr;
      if (number != 0 && !dense.has_row(number)) std::fill_n(dense.add_row(number), dense.stride(), 0.0F);
      if (number != 0) row = dense.row(number);
      for (; i < bucket.n && read_at<Key>(bucket.keys, i) == key; ++i) {
        const Child child = read_at<Child>(bucket.children, i);
        if (row != nullptr && child < chunk.n_children) row[child] = read_at<float>(bucket.values, i);
      }
    }
  }
}

HWY_ATTR void UnpackHashed(const ChunkView& chunk, const BlockFeatures& features, DenseChunk& dense) {
  if (chunk.key_bytes == 2) {
    chunk.child_bytes == 1 ? UnpackEntries<uint16_t, uint8_t>(chunk, features, dense)
                           : UnpackEntries<uint16_t, uint16_t>(chunk, features, dense);
  } else {
    chunk.child_bytes == 1 ? UnpackEntries<uint32_t, uint8_t>(chunk, features, dense)
                           : UnpackEntries<uint32_t, uint16_t>(chunk, features, dense);
  }
}

HWY_ATTR void UnpackPacked(const ChunkView& view, const BlockFeatures& features, DenseChunk& dense) {
  const PackedChunk chunk = packed_chunk(view);
  for (uint64_t index = 0; index < chunk.n_blocks && chunk.ascends(index); ++index) {
    for (PackedRowNumbers numbers(chunk, index); numbers.next();) {
      const uint32_t number = features.find(numbers.number() << chunk.hash_shift);
      if (number == 0) continue;
      PackedRow row;
      chunk.take_row<FastSelect>(numbers.block(), numbers.place(), row);
      float* const weights = dense.add_row(number);
      std::fill_n(weights, dense.stride(), 0.0F);
      AddPackedRow(chunk, row, 1, weights);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace coppice
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace coppice {

HWY_EXPORT(FindNumbers);
HWY_EXPORT(UnpackMasked);
HWY_EXPORT(UnpackHashed);
HWY_EXPORT(UnpackPacked);

namespace {

/// A lookup of one feature in a packed chunk costs about as much as unpacking this many entries: a masked row is
/// spread eight at a time, a hashed entry alone and into a row of mostly zeros.
constexpr size_t kMaskedPerLookup = 4;
constexpr size_t kHashedPerLookup = 1;
constexpr size_t kPackedPerLookup = 20;  // bytes of blocks: one or two rows, of which many are passed over

}  // namespace

void BlockFeatures::reset(uint32_t n_features) {
  const uint32_t bits = hash_bits(n_features);
  shift_ = 32 - bits;
  present_.assign(((size_t{1} << bits) + 63) / 64, 0);
  end_ = 1;
}

void BlockFeatures::add(std::span<const uint32_t> hashes) noexcept {
  for (const uint32_t hash : hashes) present_[(hash >> shift_) / 64] |= uint64_t{1} << (hash >> shift_) % 64;
}

void BlockFeatures::number() {
  before_.resize(present_.size());
  end_ = 1;
  for (size_t i = 0; i < present_.size(); ++i) {
    before_[i] = end_;
    end_ += static_cast<uint32_t>(std::popcount(present_[i]));
  }
}

void BlockFeatures::find(std::span<const uint32_t> hashes, uint32_t* numbers) const noexcept {
  HWY_DYNAMIC_DISPATCH(FindNumbers)(*this, hashes.data(), hashes.size(), numbers);
}

size_t DenseChunk::entries_per_lookup(ChunkEncoding encoding) noexcept {
  switch (encoding) {
    case ChunkEncoding::masked:
      return kMaskedPerLookup;
    case ChunkEncoding::hashed:
      return kHashedPerLookup;
    case ChunkEncoding::packed:
      return kPackedPerLookup;
    default:
      return 0;
  }
}

bool DenseChunk::pays(const ChunkView& chunk, size_t n_features) noexcept {
  const size_t n_buckets = chunk.encoding == ChunkEncoding::packed ? 0 : chunk.n_buckets();
  return chunk.n_children > 0 && chunk.n_children <= kMostChildren &&
         chunk.n_entries + n_buckets <= n_features * entries_per_lookup(chunk.encoding);
}

void DenseChunk::unpack(const ChunkView& chunk, const BlockFeatures& features) {
  chunk_ = &chunk;
  stride_ = row_floats(chunk.n_children);
  rows_.assign(features.end(), 0);
  n_rows_ = 0;
  // A row for each feature that the block and the chunk may share, and one of zeros.
  const uint32_t n_rows = chunk.packed != nullptr ? chunk.packed->n_rows : chunk.n_entries;
  reserve(1 + std::min<size_t>(features.end(), n_rows));
  std::fill_n(add_row(0), stride_, 0.0F);
  if (chunk.encoding == ChunkEncoding::masked) {
    HWY_DYNAMIC_DISPATCH(UnpackMasked)(chunk, features, *this);
  } else if (chunk.encoding == ChunkEncoding::packed) {
    HWY_DYNAMIC_DISPATCH(UnpackPacked)(chunk, features, *this);
  } else {
    HWY_DYNAMIC_DISPATCH(UnpackHashed)(chunk, features, *this);
  }
}

void DenseChunk::reserve(size_t n_rows) {
  most_rows_ = n_rows;
  // A damaged row may name children behind the last: they fall into the rows behind it, or the room behind these.
  const size_t n_lines = (n_rows * stride_ + kMostChildren + kLineFloats - 1) / kLineFloats;
  if (n_lines <= n_lines_) return;
  weights_.reset();
  n_lines_ = 0;
  weights_ = std::make_unique_for_overwrite<Line[]>(n_lines);
  n_lines_ = n_lines;
}

void DenseChunk::sum(const HashedQuery& query, const uint32_t* numbers, float* margins) const noexcept {
  const bool scaled = chunk_->encoding == ChunkEncoding::packed;
  if (!scaled) std::copy_n(chunk_->bias, chunk_->n_children, margins);
  std::fill(margins + (scaled ? 0 : chunk_->n_children), margins + stride_, 0.0F);
  sum_dense({floats(), stride_, rows_.data()}, numbers, {query.values, query.size}, margins);
  if (scaled) scale_margins(*chunk_, margins);
}

}  // namespace coppice
#endif  // HWY_ONCE
