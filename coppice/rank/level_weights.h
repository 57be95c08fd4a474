// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "coppice/math/array.h"
#include "coppice/rank/chunk.h"

namespace coppice {

/// How the weights of one chunk are laid out in the payload of its level.
enum class ChunkEncoding : uint8_t {
  empty = 0,   ///< biases only
  direct = 1,  ///< n_features rows of n_children floats, padded to a multiple of 4: no lookup at all
  hashed = 2,  ///< buckets of (key, child, float) entries, see below
  masked = 3,  ///< buckets of rows (key, mask of children, floats), see below
  packed = 4,  ///< few bits a weight, see PackedChunk
};

/// The directory entry of one chunk: 32 bytes, as they lie in the model file.
struct ChunkEntry {
  uint64_t offset = 0;      ///< of its payload, in bytes, a multiple of 8
  uint32_t first_node = 0;  ///< of its children, in the level below
  uint32_t n_rows = 0;      ///< features with at least one weight (a count for people; no query reads it)
  uint32_t n_entries = 0;   ///< direct: weights; hashed: entries, zeros included; masked: words of all buckets; packed:
                            ///< bytes of all blocks
  uint16_t n_children = 0;
  ChunkEncoding encoding = ChunkEncoding::empty;
  uint8_t bucket_bits = 0;  ///< hashed, masked: there are 2^bucket_bits buckets; else 0
  uint8_t key_bytes = 0;    ///< hashed, masked: 2 or 4; else 0
  uint8_t child_bytes = 0;  ///< hashed: 1 or 2; masked: bytes of a mask, one for eight children; else 0
  uint8_t low_bits = 0;     ///< packed: of a row's number, those that are stored as they are
  uint8_t value_bits = 0;   ///< packed: of a weight
  uint8_t scaling = 0;      ///< packed: Scaling
  uint8_t rows_bits = 0;    ///< packed: of the number of rows that a block begins with
  uint8_t masks_bits = 0;   ///< packed: of the number of masks behind it
  uint8_t pairs_bits = 0;   ///< packed: of the number of pairs behind that
};
static_assert(sizeof(ChunkEntry) == 32);

/// The arrays of one level: what the model file stores, section by section.
struct LevelArrays {
  uint32_t n_features = 0;
  Array<ChunkEntry> chunks;  ///< one per node of the level above
  Array<float> bias;         ///< one per node of this level
  Array<std::byte> payload;  ///< 8-byte aligned; ends in kPayloadSlack bytes that belong to no chunk
};

/// The weights of one level of the tree, feature-major by chunk, in the form in which they lie in the model file.
///
/// Immutable; const use is thread-safe; nothing is unpacked when a model is opened.
///
/// Layouts `hashed` and `masked`: a feature f has the hash h = f * kHashMultiplier mod 2^k, k the bits of n_features -
/// 1: a bijection, so that bucket and key together give the feature back. The upper bucket_bits of h name a bucket. The
/// payload starts with 2^bucket_bits + 1 headers {uint32 base, uint32 filter}: the bucket's data are
/// [base, next base), and bit i of the filter says whether any of them has i in the 5 bits of h below the bucket's. So
/// a miss mostly costs one header, and a hit one header and the one to three cache lines of a bucket.
///
/// `masked`, for chunks of up to kMostMasked children: bases count words of 4 bytes. A bucket is a word, n keys (the
/// low 16 or 32 bits of h), n masks (bit c of a mask: child c has a weight), zeros up to a multiple of 4, and the
/// weights of all rows; the low 8 bits of its first word are n, at most kMostBucketRows, the others count the words of
/// the keys and masks. A row is added eight lanes at a time, with no branch on what it holds.
///
/// `hashed`, for more children: bases count entries. A bucket is n keys, n children, n weights; entries of one feature
/// are neighbours with children ascending. A feature that (nearly) all children use is stored with all of them, zeros
/// included.
///
/// Source of the feature-major chunk: Etter et al., "Accelerating inference for sparse extreme multi-label ranking
/// trees" (MSCM), WWW 2022. The layouts are ours: quicker than their hash maps, and mappable.
///
/// Invariants checked by the constructor, in O(1): sizes of the arrays against each other and the slack at the end.
/// Checked by `verify`, in O(bytes): all of them, against the tree's child ranges.
/// Clamped by every query: a chunk whose payload range, children or parameters do not fit counts as empty; bucket
/// ranges are cut to the chunk's entries; children index scratch memory that has room for every value of their type.
/// Weights may be any bits; a NaN margin scores worst.
class LevelWeights {
 public:
  static constexpr size_t kPayloadSlack = 704;
  static constexpr uint32_t kMostMasked = 128;     ///< children of a masked chunk
  static constexpr uint32_t kMostBucketRows = 31;  ///< of a masked chunk; the slack has room for what they may say
  static constexpr uint32_t kHashMultiplier = 0x9E3779B1u;
  static constexpr uint32_t kMostNodes = 0xFFFFFFF0u;

  LevelWeights() = default;

  /// Throws `ErrorCode::data` when the arrays do not fit each other.
  explicit LevelWeights(LevelArrays arrays);

  size_t n_chunks() const noexcept { return arrays_.chunks.size(); }
  size_t n_nodes() const noexcept { return arrays_.bias.size(); }
  uint32_t n_features() const noexcept { return arrays_.n_features; }
  const LevelArrays& arrays() const noexcept { return arrays_; }
  size_t size_bytes() const noexcept;

  /// The weights of one chunk, as they went in. Throws `ErrorCode::data` when the chunk breaks an invariant.
  ChunkRows rows(size_t chunk) const;

  /// Throws `ErrorCode::data`, naming chunk and invariant, unless every one holds. `first_child` is the tree's array
  /// for this level; `what` names the level in the message.
  void verify(std::span<const uint32_t> first_child, std::string_view what) const;

 private:
  LevelArrays arrays_;
};

/// One chunk in its final form, ready to be appended. Made by many threads, appended by one.
struct EncodedChunk {
  ChunkEntry entry;
  std::vector<float> bias;
  std::vector<std::byte> payload;
};

/// Chooses the smallest encoding that is quick; zeros are left out. Throws `ErrorCode::internal` when `rows` breaks its
/// invariants. Threads: pure.
EncodedChunk encode_chunk(const ChunkRows& rows, uint32_t n_features);

/// Puts a level together, chunk by chunk in order, without ever copying what is there (the payload grows by page
/// remapping), so that the peak is the level itself.
class LevelWeightsBuilder {
 public:
  explicit LevelWeightsBuilder(uint32_t n_features);
  ~LevelWeightsBuilder();
  LevelWeightsBuilder(LevelWeightsBuilder&&) noexcept;
  LevelWeightsBuilder& operator=(LevelWeightsBuilder&&) noexcept;

  void add(const ChunkRows& rows) { add(encode_chunk(rows, n_features_)); }
  void add(const EncodedChunk& chunk);

  size_t n_chunks() const noexcept { return chunks_.size(); }
  size_t size_bytes() const noexcept;

  /// Leaves the builder empty.
  LevelWeights build();

 private:
  class Payload;

  uint32_t n_features_;
  std::vector<ChunkEntry> chunks_;
  std::vector<float> bias_;
  std::unique_ptr<Payload> payload_;
};

}  // namespace coppice
