// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/data/vectorizer_analysis.h"

namespace coppice {

/// One occurrence of a feature on its way from a part of the texts to its shard.
struct FeatureRecord {
  uint64_t hash;
  uint32_t check;
  uint32_t document;  ///< from 1, over all texts added so far
  uint32_t begin;     ///< of its name, as in `NamePlace`, within the part
  uint32_t order;
  uint32_t size;

  /// Whether the same feature of the same text is meant, which counts once.
  bool counts_as(const FeatureRecord& other) const noexcept {
    return hash == other.hash && check == other.check && document == other.document;
  }
};

inline constexpr uint32_t kShardBits = 8;
inline constexpr size_t kShards = size_t{1} << kShardBits;
inline constexpr size_t kMostNameBytes = 1024;

/// A run of texts analysed: the records by shard, and what their names are made of.
struct AnalyzedPart {
  uint32_t shard_bits = kShardBits;  ///< leading bits of a hash that make the shard
  std::string bytes;
  std::vector<uint32_t> token_starts, token_ends;
  std::array<std::vector<FeatureRecord>, kShards> records;

  void clear() noexcept;
  /// Takes over what `scratch` holds for one text.
  void add(const AnalysisScratch& scratch, uint32_t document);
  /// Writes a record's name into `name`, cut to whole characters within `kMostNameBytes`.
  void name_of(const FeatureRecord& record, std::string& name) const;
};

/// The document frequencies of the features whose hash begins with the shard's byte.
///
/// Records come in the order of the texts, so that the table is the same however these were cut into parts.
class FeatureShard {
 public:
  struct Entry {
    uint64_t hash = 0;
    uint32_t check = 0;
    uint32_t document_frequency = 0;  ///< 0 = free
    uint32_t last_document = 0;
    uint32_t name_begin = 0;
    uint32_t name_size = 0;
  };

  /// Throws `ErrorCode::data` when two names have the same hash.
  void add(const AnalyzedPart& part, size_t shard);

  const std::vector<Entry>& entries() const noexcept { return entries_; }
  size_t size() const noexcept { return size_; }
  std::string_view name(const Entry& entry) const noexcept {
    return std::string_view(names_).substr(entry.name_begin, entry.name_size);
  }

 private:
  void insert(Entry& entry, const FeatureRecord& record, const AnalyzedPart& part);
  void grow();

  std::vector<Entry> entries_;  ///< open addressing, linear probing; a power of two
  size_t size_ = 0;
  std::string names_;
  std::string scratch_;
};

}  // namespace coppice
