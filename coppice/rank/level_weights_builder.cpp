// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/rank/chunk_view.h"
#include "coppice/rank/level_weights.h"

namespace coppice {
namespace {

/// A feature's row, with the hash that decides its place.
struct PlacedRow {
  uint32_t hash;
  uint32_t row;
};

/// Rows used by this share of the children are stored whole, so that they are added in vector lanes.
bool store_whole(uint32_t count, size_t n_children) {
  return n_children >= 4 && count < n_children && uint64_t{count} * 4 >= uint64_t{n_children} * 3;
}

/// Buckets of about four rows; more where that lets keys take two bytes and pays for `n_keys` of them.
void choose_buckets(ChunkEntry& entry, uint32_t n_features, uint64_t n_keys) {
  const uint32_t bits = hash_bits(n_features);
  uint32_t bucket_bits = 1;
  while (bucket_bits < 24 && (uint64_t{entry.n_rows} >> bucket_bits) > 5) ++bucket_bits;
  entry.key_bytes = 4;
  if (bits <= 16 + bucket_bits) {
    entry.key_bytes = 2;
  } else if (bits - 16 <= 24) {
    const uint64_t more_bytes = ((uint64_t{1} << (bits - 16)) - (uint64_t{1} << bucket_bits)) * sizeof(BucketHeader);
    if (more_bytes < n_keys * 2) {
      bucket_bits = bits - 16;
      entry.key_bytes = 2;
    }
  }
  entry.bucket_bits = static_cast<uint8_t>(bucket_bits);
}

/// The rows of a chunk in the order of their hashes.
std::vector<PlacedRow> place_rows(const ChunkRows& rows, uint32_t n_features) {
  const uint32_t bits = hash_bits(n_features);
  std::vector<PlacedRow> placed;
  placed.reserve(rows.features.size());
  for (uint32_t r = 0; r < rows.features.size(); ++r) placed.push_back({hash_feature(rows.features[r], bits), r});
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.hash < b.hash; });
  return placed;
}

/// Calls `write(bucket, rows)` for each bucket in order.
template <class Write>
void for_each_bucket(const std::vector<PlacedRow>& placed, uint32_t bucket_bits, const Write& write) {
  size_t next = 0;
  for (uint32_t bucket = 0; bucket < 1U << bucket_bits; ++bucket) {
    const size_t begin = next;
    while (next < placed.size() && placed[next].hash >> (32U - bucket_bits) == bucket) ++next;
    write(bucket, std::span(placed.data() + begin, next - begin));
  }
}

uint32_t filter_bit(const ChunkEntry& entry, uint32_t hash) {
  return 1U << ((hash >> (32U - entry.bucket_bits - 5)) & 31);
}

/// Writes the buckets of one chunk.
class BucketWriter {
 public:
  BucketWriter(const ChunkRows& rows, const ChunkEntry& entry, uint32_t n_features, std::vector<std::byte>& payload)
      : rows_(rows), entry_(entry), n_features_(n_features), payload_(payload) {}

  void write() {
    for_each_bucket(place_rows(rows_, n_features_), entry_.bucket_bits,
                    [&](uint32_t bucket, std::span<const PlacedRow> rows) { write_bucket(bucket, rows); });
    put(uint64_t{1} << entry_.bucket_bits, BucketHeader{n_written_, 0});
    check(n_written_ == entry_.n_entries, "as many entries written as counted");
  }

 private:
  template <class T>
  void put(uint64_t index, T value) {
    std::memcpy(payload_.data() + index * sizeof(T), &value, sizeof(T));
  }

  template <class T>
  void append(T value) {
    std::memcpy(payload_.data() + end_, &value, sizeof(T));
    end_ += sizeof(T);
  }

  void write_bucket(uint32_t bucket, std::span<const PlacedRow> placed) {
    BucketHeader header{n_written_, 0};
    keys_.clear();
    children_.clear();
    values_.clear();
    for (const PlacedRow& place : placed) {
      header.filter |= filter_bit(entry_, place.hash);
      gather_row(place);
    }
    put(bucket, header);
    if (end_ == 0) end_ = ((size_t{1} << entry_.bucket_bits) + 1) * sizeof(BucketHeader);
    for (const uint32_t key : keys_) entry_.key_bytes == 2 ? append(static_cast<uint16_t>(key)) : append(key);
    for (const uint16_t child : children_) {
      entry_.child_bytes == 1 ? append(static_cast<uint8_t>(child)) : append(child);
    }
    for (const float value : values_) append(value);
    n_written_ += static_cast<uint32_t>(keys_.size());
  }

  void gather_row(const PlacedRow& place) {
    const uint32_t begin = rows_.first_entry[place.row];
    const uint32_t end = rows_.first_entry[place.row + 1];
    const size_t n_children = rows_.bias.size();
    const bool whole = store_whole(end - begin, n_children);
    const size_t first = values_.size();
    const size_t count = whole ? n_children : end - begin;
    keys_.insert(keys_.end(), count, place.hash >> (32 - hash_bits(n_features_)));
    values_.resize(first + count);
    for (size_t i = 0; i < count; ++i)
      children_.push_back(whole ? static_cast<uint16_t>(i) : rows_.children[begin + i]);
    for (uint32_t i = begin; i < end; ++i) values_[first + (whole ? rows_.children[i] : i - begin)] = rows_.values[i];
  }

  const ChunkRows& rows_;
  const ChunkEntry& entry_;
  uint32_t n_features_;
  std::vector<std::byte>& payload_;
  std::vector<uint32_t> keys_;
  std::vector<uint16_t> children_;
  std::vector<float> values_;
  uint32_t n_written_ = 0;
  size_t end_ = 0;
};

/// Words of a masked bucket of so many rows and weights.
uint32_t masked_words(const ChunkEntry& entry, size_t n_rows, size_t n_values) {
  if (n_rows == 0) return 0;
  const size_t row_words = (n_rows * (size_t{entry.key_bytes} + entry.child_bytes) + kWordBytes - 1) / kWordBytes;
  return static_cast<uint32_t>(1 + row_words + n_values);
}

void write_masked_bucket(const ChunkRows& rows, const ChunkEntry& entry, uint32_t key_shift,
                         std::span<const PlacedRow> placed, std::byte* words) {
  const auto n = static_cast<uint32_t>(placed.size());
  const uint32_t first = n | (masked_words(entry, n, 0) - 1) << 8;
  std::memcpy(words, &first, sizeof first);
  std::byte* keys = words + kWordBytes;
  std::byte* masks = keys + size_t{n} * entry.key_bytes;
  std::byte* values = words + kWordBytes * masked_words(entry, n, 0);
  for (const PlacedRow& place : placed) {
    const uint32_t key = place.hash >> key_shift;
    std::memcpy(keys, &key, entry.key_bytes);  // little-endian: the lower bytes
    for (uint32_t i = rows.first_entry[place.row]; i < rows.first_entry[place.row + 1]; ++i) {
      masks[rows.children[i] / 8] |= std::byte{1} << rows.children[i] % 8;
      std::memcpy(values, &rows.values[i], sizeof(float));
      values += sizeof(float);
    }
    keys += entry.key_bytes;
    masks += entry.child_bytes;
  }
}

size_t count_values(const ChunkRows& rows, std::span<const PlacedRow> placed) {
  size_t count = 0;
  for (const PlacedRow& place : placed) count += rows.first_entry[place.row + 1] - rows.first_entry[place.row];
  return count;
}

void write_masked(const ChunkRows& rows, const ChunkEntry& entry, uint32_t n_features,
                  std::vector<std::byte>& payload) {
  const size_t headers_bytes = ((size_t{1} << entry.bucket_bits) + 1) * sizeof(BucketHeader);
  BucketHeader header{0, 0};
  const auto put_header = [&](uint32_t bucket) {
    std::memcpy(payload.data() + bucket * sizeof header, &header, sizeof header);
  };
  for_each_bucket(place_rows(rows, n_features), entry.bucket_bits,
                  [&](uint32_t bucket, std::span<const PlacedRow> placed) {
                    header.filter = 0;
                    for (const PlacedRow& place : placed) header.filter |= filter_bit(entry, place.hash);
                    put_header(bucket);
                    if (placed.empty()) return;
                    write_masked_bucket(rows, entry, 32 - hash_bits(n_features), placed,
                                        payload.data() + headers_bytes + size_t{header.base} * kWordBytes);
                    header.base += masked_words(entry, placed.size(), count_values(rows, placed));
                  });
  header.filter = 0;
  put_header(1U << entry.bucket_bits);
  check(header.base == entry.n_entries, "as many words written as counted");
}

void write_direct(const ChunkRows& rows, std::vector<std::byte>& payload) {
  const uint32_t stride = direct_stride(static_cast<uint32_t>(rows.bias.size()));
  for (size_t r = 0; r < rows.features.size(); ++r) {
    for (uint32_t i = rows.first_entry[r]; i < rows.first_entry[r + 1]; ++i) {
      const uint64_t place = uint64_t{rows.features[r]} * stride + rows.children[i];
      std::memcpy(payload.data() + place * sizeof(float), &rows.values[i], sizeof(float));
    }
  }
}

ChunkEntry common_entry(const ChunkRows& rows, ChunkEncoding encoding) {
  ChunkEntry entry;
  entry.n_children = static_cast<uint16_t>(rows.bias.size());
  entry.n_rows = static_cast<uint32_t>(rows.features.size());
  entry.encoding = encoding;
  return entry;
}

uint32_t checked_count(uint64_t count) {
  check(count <= std::numeric_limits<uint32_t>::max(), "a chunk has fewer than 2^32 weights");
  return static_cast<uint32_t>(count);
}

ChunkEntry direct_entry(const ChunkRows& rows) {
  ChunkEntry entry = common_entry(rows, ChunkEncoding::direct);
  entry.n_entries = checked_count(rows.values.size());
  return entry;
}

ChunkEntry hashed_entry(const ChunkRows& rows, uint32_t n_features) {
  ChunkEntry entry = common_entry(rows, ChunkEncoding::hashed);
  uint64_t n_entries = 0;
  for (size_t r = 0; r < rows.features.size(); ++r) {
    const uint32_t count = rows.first_entry[r + 1] - rows.first_entry[r];
    n_entries += store_whole(count, rows.bias.size()) ? rows.bias.size() : count;
  }
  entry.n_entries = checked_count(n_entries);
  entry.child_bytes = entry.n_children <= 256 ? 1 : 2;
  choose_buckets(entry, n_features, n_entries);
  return entry;
}

/// Nothing when a bucket would have more rows than it may.
std::optional<ChunkEntry> masked_entry(const ChunkRows& rows, uint32_t n_features) {
  if (rows.bias.size() > LevelWeights::kMostMasked) return std::nullopt;
  ChunkEntry entry = common_entry(rows, ChunkEncoding::masked);
  entry.child_bytes = static_cast<uint8_t>((entry.n_children + 7) / 8);
  choose_buckets(entry, n_features, entry.n_rows);
  uint64_t words = 0;
  size_t most_rows = 0;
  for_each_bucket(place_rows(rows, n_features), entry.bucket_bits, [&](uint32_t, std::span<const PlacedRow> placed) {
    words += masked_words(entry, placed.size(), count_values(rows, placed));
    most_rows = std::max(most_rows, placed.size());
  });
  if (most_rows > LevelWeights::kMostBucketRows) return std::nullopt;
  entry.n_entries = checked_count(words);
  return entry;
}

/// By bytes, but for a quarter that the quicker layout may cost more.
ChunkEntry choose_encoding(const ChunkRows& rows, uint32_t n_features) {
  if (rows.values.empty()) return common_entry(rows, ChunkEncoding::empty);
  const auto quicker = [&](const ChunkEntry& quick, const ChunkEntry& other) {
    const uint64_t bytes = payload_bytes(other, n_features);
    return payload_bytes(quick, n_features) <= bytes + bytes / 4 ? quick : other;
  };
  const ChunkEntry hashed = hashed_entry(rows, n_features);
  const std::optional<ChunkEntry> masked = masked_entry(rows, n_features);
  return quicker(direct_entry(rows), masked ? quicker(*masked, hashed) : hashed);
}

}  // namespace

EncodedChunk encode_chunk(const ChunkRows& rows, uint32_t n_features) {
  check_rows(rows, n_features);
  if (std::find(rows.values.begin(), rows.values.end(), 0.0F) != rows.values.end()) {
    return encode_chunk(without_zeros(rows), n_features);
  }
  EncodedChunk chunk;
  chunk.bias = rows.bias;
  chunk.entry = choose_encoding(rows, n_features);
  chunk.payload.resize(payload_bytes(chunk.entry, n_features));
  if (chunk.entry.encoding == ChunkEncoding::direct) write_direct(rows, chunk.payload);
  if (chunk.entry.encoding == ChunkEncoding::hashed) {
    BucketWriter(rows, chunk.entry, n_features, chunk.payload).write();
  }
  if (chunk.entry.encoding == ChunkEncoding::masked) write_masked(rows, chunk.entry, n_features, chunk.payload);
  return chunk;
}

/// Bytes in pages of their own, which the kernel moves without copying when they grow.
class LevelWeightsBuilder::Payload {
 public:
  ~Payload() {
    if (data_ != nullptr) munmap(data_, room_);
  }

  uint64_t size() const noexcept { return size_; }

  void append(std::span<const std::byte> bytes) {
    reserve(size_ + bytes.size());
    if (!bytes.empty()) std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// Hands the pages over, zeros of `slack` bytes behind them.
  Array<std::byte> release(size_t slack) {
    reserve(size_ + slack);
    const size_t room = room_;
    const std::span<const std::byte> bytes(data_, size_ + slack);
    std::shared_ptr<const void> keeper(data_, [room](const void* data) { munmap(const_cast<void*>(data), room); });
    data_ = nullptr;
    size_ = room_ = 0;
    return {bytes, std::move(keeper)};
  }

 private:
  void reserve(size_t wanted) {
    if (wanted <= room_) return;
    constexpr size_t kStep = size_t{2} << 20;
    const size_t room = (std::max(wanted, room_ + room_ / 2) + kStep - 1) / kStep * kStep;
    void* data = data_ == nullptr
                     ? mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                     : mremap(data_, room_, room, MREMAP_MAYMOVE);
    if (data == MAP_FAILED) {
      throw Error(ErrorCode::memory,
                  "no memory for " + counted(wanted, "byte") + " of weights: " + std::strerror(errno));
    }
    data_ = static_cast<std::byte*>(data);
    room_ = room;
  }

  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t room_ = 0;
};

LevelWeightsBuilder::LevelWeightsBuilder(uint32_t n_features)
    : n_features_(n_features), payload_(std::make_unique<Payload>()) {}
LevelWeightsBuilder::~LevelWeightsBuilder() = default;
LevelWeightsBuilder::LevelWeightsBuilder(LevelWeightsBuilder&&) noexcept = default;
LevelWeightsBuilder& LevelWeightsBuilder::operator=(LevelWeightsBuilder&&) noexcept = default;

void LevelWeightsBuilder::add(const EncodedChunk& chunk) {
  if (bias_.size() + chunk.bias.size() > LevelWeights::kMostNodes) {
    throw Error(ErrorCode::data, "more than 4,294,967,279 nodes in one level of the tree");
  }
  ChunkEntry entry = chunk.entry;
  entry.offset = payload_->size();
  entry.first_node = static_cast<uint32_t>(bias_.size());
  chunks_.push_back(entry);
  bias_.insert(bias_.end(), chunk.bias.begin(), chunk.bias.end());
  payload_->append(chunk.payload);
}

size_t LevelWeightsBuilder::size_bytes() const noexcept {
  return chunks_.size() * sizeof(ChunkEntry) + bias_.size() * sizeof(float) + payload_->size();
}

LevelWeights LevelWeightsBuilder::build() {
  LevelArrays arrays;
  arrays.n_features = n_features_;
  arrays.chunks = std::exchange(chunks_, {});
  arrays.bias = std::exchange(bias_, {});
  arrays.payload = payload_->release(LevelWeights::kPayloadSlack);
  return LevelWeights(std::move(arrays));
}

}  // namespace coppice
