// SPDX-License-Identifier: Apache-2.0
// Reads levels as plainly as can be: to check them, and to give back what went in.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/level_weights.h"
#include "coppice/rank/packed_chunk.h"

namespace coppice {
namespace {

[[noreturn]] void refuse_level(const std::string& where, const std::string& why) {
  throw Error(ErrorCode::data, where + ": " + why);
}

struct Weight {
  uint32_t feature;
  uint16_t child;
  float value;
};

/// Reads the payload of one chunk as plainly as can be, and refuses whatever the writer would not have written.
class ChunkReader {
 public:
  /// `level_name`: for messages, to be kept by the caller.
  ChunkReader(const LevelWeights& level, size_t chunk, std::string_view level_name)
      : entry_(level.arrays().chunks[chunk]),
        view_(view_chunk(level, chunk)),
        n_features_(level.n_features()),
        level_name_(level_name),
        chunk_(chunk) {
    const LevelArrays& arrays = level.arrays();
    if (!has_known_encoding(entry_)) refuse("an unknown encoding");
    if (!payload_fits(entry_, arrays)) refuse("its payload does not lie inside the level's");
    if (uint64_t{entry_.first_node} + entry_.n_children > arrays.bias.size()) refuse("children out of range");
    if (entry_.encoding != ChunkEncoding::empty && view_.encoding != entry_.encoding) refuse("unreadable");
    if (has_buckets() && entry_.key_bytes == 2 && hash_bits(n_features_) > 16U + entry_.bucket_bits) {
      refuse("keys too short for its features");
    }
    check_unused_fields();
  }

  /// Only checks.
  void check() {
    read();
    if (n_rows_ != entry_.n_rows) refuse("a wrong count of rows");
  }

  /// Ascending by feature, then child; padding zeros left out.
  std::vector<Weight> weights() {
    keeps_weights_ = true;
    read();
    std::stable_sort(weights_.begin(), weights_.end(), [](const Weight& a, const Weight& b) {
      return a.feature != b.feature ? a.feature < b.feature : a.child < b.child;
    });
    return std::move(weights_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    const std::string chunk = "chunk " + std::to_string(chunk_);
    refuse_level(level_name_.empty() ? chunk : std::string(level_name_) + ", " + chunk, why);
  }

  void read() {
    if (entry_.encoding == ChunkEncoding::direct) read_direct();
    if (has_buckets()) read_buckets();
    if (entry_.encoding == ChunkEncoding::packed) read_packed();
  }

  bool has_buckets() const noexcept {
    return entry_.encoding == ChunkEncoding::hashed || entry_.encoding == ChunkEncoding::masked;
  }

  void check_unused_fields() const {
    if (!has_buckets() && (entry_.bucket_bits != 0 || entry_.key_bytes != 0 || entry_.child_bytes != 0)) {
      refuse("sizes of buckets that it does not have");
    }
    if (entry_.encoding != ChunkEncoding::packed &&
        (entry_.low_bits != 0 || entry_.value_bits != 0 || entry_.scaling != 0 || entry_.rows_bits != 0 ||
         entry_.masks_bits != 0 || entry_.pairs_bits != 0)) {
      refuse("widths of bits that it does not have");
    }
    if (entry_.encoding == ChunkEncoding::empty && entry_.n_entries != 0) refuse("a wrong count of weights");
  }

  void keep(uint32_t feature, uint32_t child, float value) {
    if (!std::isfinite(value)) refuse("a weight is not finite");
    if (value == 0) return;
    n_rows_ += static_cast<uint32_t>(n_weights_++ == 0 || feature != last_feature_);  // those of a row are neighbours
    last_feature_ = feature;
    if (keeps_weights_) weights_.push_back({feature, static_cast<uint16_t>(child), value});
  }

  void read_direct() {
    for (uint32_t feature = 0; feature < n_features_; ++feature) {
      for (uint32_t child = 0; child < view_.stride; ++child) {
        const auto value = read_at<float>(view_.data, size_t{feature} * view_.stride + child);
        if (child >= view_.n_children && value != 0) refuse("padding that is not zero");
        keep(feature, child, value);
      }
    }
    if (n_weights_ != entry_.n_entries) refuse("a wrong count of weights");
  }

  void read_packed() {
    if (entry_.value_bits == PackOptions::kHalf && entry_.scaling != 0) refuse("scales that halves do not have");
    const PackedChunk chunk = packed_chunk(view_);
    for (uint64_t i = 0; i < chunk.n_scales(); ++i) {
      check_scale(chunk.sum_scale(static_cast<uint32_t>(i)));
    }
    uint64_t n_rows = 0, end = 0;
    for (uint64_t index = 0; index < chunk.n_blocks; ++index) {
      if (chunk.block_begin(index) != end) refuse("a block that does not follow the one before");
      PackedBlockRows rows(chunk, index);
      for (int64_t last = -1; rows.next(); last = rows.number(), ++n_rows) {
        if (rows.number() <= last) refuse("rows do not ascend");
        read_packed_row(chunk, rows);
      }
      if (!rows.is_sound()) refuse("a block with other rows than it says");
      end = check_packed_padding(chunk, index, rows.end());
      if (end == chunk.block_begin(index)) refuse("a block of no bytes");
    }
    if (n_rows != entry_.n_rows || end != chunk.blocks_bytes) refuse("rows that do not add up");
    for (uint64_t i = chunk.size_bytes(); i < payload_bytes(entry_, n_features_); ++i) {
      if (view_.data[i] != std::byte{0}) refuse("padding that is not zero");
    }
  }

  void read_packed_row(const PackedChunk& chunk, const PackedBlockRows& rows) {
    const uint32_t feature = feature_of(rows.number() << chunk.hash_shift);
    if (feature >= n_features_) refuse("a row that is no feature");
    check_scale(rows.row().scale);
    if (chunk.in_groups() && rows.row().has_mask) {
      check_groups(chunk, rows.row().values, rows.row().n, chunk.value_bits);
    }
    uint64_t next_child = 0;
    chunk.for_each_weight(rows.row(), [&](uint32_t child, float weight) {
      if (child >= chunk.n_children) refuse("a child out of range");
      if (child < next_child) refuse("children do not ascend");
      next_child = child + 1;
      keep(feature, child, chunk.sum_scale(child) * weight);
    });
    if (next_child == 0) refuse("a row without weights");
  }

  void check_scale(float scale) const {
    if (!(scale >= 0) || !std::isfinite(scale)) refuse("a scale that is no number from 0 on");
  }

  /// The scales of `n` weights that take `width` bits each, from a bit on.
  void check_groups(const PackedChunk& chunk, uint64_t at, uint64_t n, uint32_t width) const {
    for (uint64_t i = 0; i < n; i += PackedChunk::kWeightsOfGroup) {
      check_scale(chunk.scale_at(at));
      at += PackedChunk::kScaleBits + PackedChunk::kWeightsOfGroup * width;
    }
  }

  /// The bits between the pairs and the values of a block and those behind its end: returns the byte where that is.
  uint64_t check_packed_padding(const PackedChunk& chunk, uint64_t index, uint64_t end_bit) const {
    const PackedBlock block = chunk.block_at(chunk.block_begin(index));
    const uint64_t pairs_end = block.pairs + chunk.bits_of_pairs(block.n_pairs);
    const uint64_t end = bytes_of_bits(end_bit);
    if (chunk.in_groups()) check_groups(chunk, block.pairs, block.n_pairs, chunk.child_bits + chunk.value_bits);
    if (count_flags(chunk.blocks, pairs_end, block.values - pairs_end) != 0 ||
        count_flags(chunk.blocks, end_bit, 8 * end - end_bit) != 0) {
      refuse("padding that is not zero");
    }
    return end;
  }

  void read_buckets() {
    const uint32_t n_buckets = 1U << entry_.bucket_bits;
    if (view_.headers[0].base != 0) refuse("the first bucket does not start at 0");
    for (uint32_t index = 0; index < n_buckets; ++index) {
      if (view_.headers[index].base > view_.headers[index + 1].base) refuse("buckets do not ascend");
      entry_.encoding == ChunkEncoding::hashed ? read_bucket(index) : read_masked_bucket(index);
    }
    if (view_.headers[n_buckets].base != view_.n_entries || view_.headers[n_buckets].filter != 0) {
      refuse("the last bucket does not end at the last entry");
    }
  }

  void read_bucket(uint32_t index) {
    const Bucket bucket = view_.bucket(index);
    uint32_t filter = 0;
    uint32_t last_hash = 0;
    uint32_t last_child = 0;
    for (uint32_t i = 0; i < bucket.n; ++i) {
      const uint32_t child = bucket_child(view_, bucket, i);
      const uint32_t hash = checked_hash(index, bucket_key(view_, bucket.keys, i));
      if (child >= view_.n_children) refuse("a child out of range");
      if (i > 0 && (hash < last_hash || (hash == last_hash && child <= last_child))) {
        refuse("entries do not ascend");
      }
      filter |= 1U << ((hash >> view_.filter_shift) & 31);
      last_hash = hash;
      last_child = child;
      keep(feature_of(hash), child, read_at<float>(bucket.values, i));
    }
    if (filter != view_.headers[index].filter) refuse("a filter that does not match its bucket");
  }

  void read_masked_bucket(uint32_t index) {
    const MaskedBucket bucket = view_.masked_bucket(index);
    const size_t mask_bytes = view_.child_bytes;
    check_masked_size(index, bucket);
    for (const std::byte* pad = bucket.masks + bucket.n * mask_bytes; pad < bucket.values; ++pad) {
      if (*pad != std::byte{0}) refuse("padding that is not zero");
    }
    uint32_t filter = 0;
    uint32_t last_hash = 0;
    uint32_t place = 0;
    for (uint32_t i = 0; i < bucket.n; ++i) {
      const uint32_t hash = checked_hash(index, bucket_key(view_, bucket.keys, i));
      if (i > 0 && hash <= last_hash) refuse("rows do not ascend");
      place = read_masked_row(bucket, i, feature_of(hash), place);
      filter |= 1U << ((hash >> view_.filter_shift) & 31);
      last_hash = hash;
    }
    if (place != bucket.n_values) refuse("masks that do not match the weights");
    if (filter != view_.headers[index].filter) refuse("a filter that does not match its bucket");
  }

  void check_masked_size(uint32_t index, const MaskedBucket& bucket) const {
    const uint64_t words = uint64_t{view_.headers[index + 1].base} - view_.headers[index].base;
    if (words == 0) return;
    const uint64_t row_words =
        (bucket.n * (uint64_t{view_.key_bytes} + view_.child_bytes) + kWordBytes - 1) / kWordBytes;
    const auto first = read_at<uint32_t>(view_.data, view_.headers[index].base);
    if (bucket.n == 0 || first != (bucket.n | row_words << 8) || words <= 1 + row_words) {
      refuse("a bucket that does not fit its place");
    }
  }

  /// Keeps the weights of one row, from `place` on, and returns the place behind them.
  uint32_t read_masked_row(const MaskedBucket& bucket, uint32_t row, uint32_t feature, uint32_t place) {
    const std::byte* mask = bucket.masks + size_t{row} * view_.child_bytes;
    for (uint32_t child = 0; child < 8U * view_.child_bytes; ++child) {
      if (!has_flag(mask, child)) continue;
      if (child >= view_.n_children) refuse("a child out of range");
      if (place == bucket.n_values) refuse("masks that do not match the weights");
      const auto value = read_at<float>(bucket.values, place++);
      if (value == 0) refuse("a weight of zero");
      keep(feature, child, value);
    }
    return place;
  }

  uint32_t feature_of(uint32_t hash) const noexcept { return unhash_feature(hash, hash_bits(n_features_)); }

  /// The hash that bucket and key make, refused unless it is a feature's.
  uint32_t checked_hash(uint32_t bucket, uint32_t key) const {
    const uint32_t hash = view_.hash_of(bucket, key);
    if (feature_of(hash) >= n_features_) refuse("a key that is no feature");
    if (key_of(hash) != key || hash >> view_.bucket_shift != bucket) refuse("a key in the wrong bucket");
    return hash;
  }

  uint32_t key_of(uint32_t hash) const noexcept {
    const uint32_t key = hash >> view_.key_shift;
    return entry_.key_bytes == 2 ? key & 0xFFFF : key;
  }

  const ChunkEntry& entry_;
  ChunkView view_;
  uint32_t n_features_;
  std::string_view level_name_;
  size_t chunk_;
  bool keeps_weights_ = false;
  std::vector<Weight> weights_;
  uint64_t n_weights_ = 0;
  uint32_t n_rows_ = 0;
  uint32_t last_feature_ = 0;
};

}  // namespace

ChunkRows LevelWeights::rows(size_t chunk) const {
  const std::vector<Weight> weights = ChunkReader(*this, chunk, "").weights();
  const ChunkEntry& entry = arrays_.chunks[chunk];
  ChunkRows rows;
  const auto bias = arrays_.bias.subspan(entry.first_node, entry.n_children);
  rows.bias.assign(bias.begin(), bias.end());
  for (const Weight& weight : weights) {
    if (rows.features.empty() || rows.features.back() != weight.feature) {
      rows.features.push_back(weight.feature);
      rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
    }
    rows.children.push_back(weight.child);
    rows.values.push_back(weight.value);
  }
  rows.first_entry.push_back(static_cast<uint32_t>(rows.values.size()));
  return rows;
}

void LevelWeights::verify(std::span<const uint32_t> first_child, std::string_view what) const {
  const std::string level(what);
  if (first_child.size() != n_chunks() + 1 || first_child.back() != n_nodes()) {
    refuse_level(level, counted(n_chunks(), "chunk") + " of " + counted(n_nodes(), "node") + " do not match the tree");
  }
  uint64_t end = 0;
  for (size_t chunk = 0; chunk < n_chunks(); ++chunk) {
    const auto refuse_chunk = [&](const char* why) { refuse_level(level + ", chunk " + std::to_string(chunk), why); };
    const ChunkEntry& entry = arrays_.chunks[chunk];
    if (entry.first_node != first_child[chunk] || entry.n_children != first_child[chunk + 1] - first_child[chunk]) {
      refuse_chunk("its children are not those of the tree");
    }
    if (entry.offset != end) refuse_chunk("its payload does not follow that of the chunk before");
    ChunkReader(*this, chunk, level).check();
    end += payload_bytes(entry, arrays_.n_features);
  }
  if (end + kPayloadSlack != arrays_.payload.size())
    refuse_level(level, "its payload does not end with its last chunk");
  for (size_t i = 0; i < kPayloadSlack; ++i) {
    if (arrays_.payload[end + i] != std::byte{0}) refuse_level(level, "payload behind the last chunk is not zero");
  }
  for (const float bias : arrays_.bias) {
    if (!std::isfinite(bias)) refuse_level(level, "a bias is not finite");
  }
}

}  // namespace coppice
