// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer_counts.h"

#include <algorithm>
#include <limits>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kSmallest = 256;

void check_places(size_t size) {
  if (size > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::memory, "texts or feature names too large for 32-bit places", {},
                "add texts in smaller blocks, or use feature hashing");
  }
}

}  // namespace

void AnalyzedPart::clear() noexcept {
  bytes.clear();
  token_starts.clear();
  token_ends.clear();
  for (auto& shard : records) shard.clear();
}

void AnalyzedPart::add(const AnalysisScratch& scratch, uint32_t document) {
  const TokenizedText& text = scratch.text;
  const FeatureOccurrences& features = scratch.features;
  const auto text_base = static_cast<uint32_t>(bytes.size());
  const auto token_base = static_cast<uint32_t>(token_starts.size());
  bytes.append(text.bytes.data(), text.size);
  const auto slice_base = static_cast<uint32_t>(bytes.size());
  const bool has_slices = features.block_ends[0] < features.size;
  if (has_slices) bytes.append(scratch.slices.data(), scratch.characters[scratch.n_characters]);
  check_places(bytes.size());
  for (size_t i = 0; i < text.n_tokens; ++i) {
    token_starts.push_back(text_base + text.starts[i]);
    token_ends.push_back(text_base + text.ends[i]);
  }
  for (size_t i = 0; i < features.size; ++i) {
    const NamePlace place = features.places[i];
    const uint32_t base = place.order == NamePlace::kSlice  ? slice_base
                          : place.order == NamePlace::kText ? text_base
                                                            : token_base;
    const uint32_t order = place.order == NamePlace::kText ? NamePlace::kSlice : place.order;
    const FeatureRecord record{features.hashes[i], features.checks[i], document, base + place.begin, order, place.size};
    std::vector<FeatureRecord>& shard = records[record.hash >> (64 - shard_bits)];
    // A text that says the same again and again would fill a few shards, and their memory is kept.
    if (!shard.empty() && shard.back().counts_as(record)) continue;
    shard.push_back(record);
  }
}

void AnalyzedPart::name_of(const FeatureRecord& record, std::string& name) const {
  name.clear();
  if (record.order == NamePlace::kSlice) {
    name.append(bytes, record.begin, std::min<size_t>(record.size, kMostNameBytes + 1));
  } else {
    for (uint32_t i = 0; i < record.order && name.size() <= kMostNameBytes; ++i) {
      const uint32_t token = record.begin + i;
      if (i > 0) name.push_back(' ');
      const size_t size = token_ends[token] - token_starts[token];
      name.append(bytes, token_starts[token], std::min(size, kMostNameBytes + 1));
    }
  }
  if (name.size() <= kMostNameBytes) return;
  size_t end = kMostNameBytes;
  while (end > 0 && (static_cast<uint8_t>(name[end]) & 0xC0) == 0x80) --end;
  name.resize(end);
}

void FeatureShard::add(const AnalyzedPart& part, size_t shard) {
  const std::vector<FeatureRecord>& records = part.records[shard];
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < records.size(); ++i) {
    const FeatureRecord& record = records[i];
    if (i + kAhead < records.size() && !entries_.empty()) {
      __builtin_prefetch(entries_.data() + (records[i + kAhead].hash & (entries_.size() - 1)));
    }
    if (entries_.empty() || size_ * 3 > entries_.size() * 2) grow();
    const size_t mask = entries_.size() - 1;
    size_t at = record.hash & mask;
    while (entries_[at].document_frequency != 0 && entries_[at].hash != record.hash) at = (at + 1) & mask;
    Entry& entry = entries_[at];
    if (entry.document_frequency == 0) insert(entry, record, part);
    if (entry.check != record.check) {
      part.name_of(record, scratch_);
      throw Error(ErrorCode::data,
                  "the features '" + std::string(name(entry)) + "' and '" + scratch_ + "' have the same 64-bit hash",
                  {}, "train again with another hash_seed");
    }
    if (entry.last_document == record.document) continue;
    entry.last_document = record.document;
    ++entry.document_frequency;
  }
}

void FeatureShard::insert(Entry& entry, const FeatureRecord& record, const AnalyzedPart& part) {
  part.name_of(record, scratch_);
  check_places(names_.size() + scratch_.size());
  entry = {
      record.hash, record.check, 0, 0, static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(scratch_.size())};
  names_ += scratch_;
  ++size_;
}

void FeatureShard::grow() {
  std::vector<Entry> old = std::move(entries_);
  entries_ = std::vector<Entry>(std::max(kSmallest, old.size() * 2));
  const size_t mask = entries_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.document_frequency == 0) continue;
    size_t at = entry.hash & mask;
    while (entries_[at].document_frequency != 0) at = (at + 1) & mask;
    entries_[at] = entry;
  }
}

}  // namespace coppice
