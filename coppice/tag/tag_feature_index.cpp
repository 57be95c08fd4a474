// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tag_feature_index.h"

#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {

TagFeatureIndex::TagFeatureIndex(KeyIndex index, Array<uint64_t> hashes)
    : index_(std::move(index)), hashes_(std::move(hashes)) {
  if (hashes_.empty() || (hashes_.size() % 2 == 0 && hashes_.size() / 2 == index_.size())) return;
  throw Error(ErrorCode::data, std::to_string(hashes_.size()) + " halves of hashes for " +
                                   counted(index_.size(), "feature") + " of the tagger");
}

TagFeatureIndex TagFeatureIndex::build(std::span<const KeyHash> hashes, ThreadPool& pool) {
  KeyIndexOptions options;
  options.fingerprint_bits = 0;  // the hashes tell more
  KeyIndex index = KeyIndex::build(hashes, pool, options);
  std::vector<uint64_t> halves(2 * hashes.size());
  for (const KeyHash hash : hashes) {
    const size_t number = index.find(hash);
    halves[2 * number] = hash.low;
    halves[2 * number + 1] = hash.high;
  }
  return {std::move(index), std::move(halves)};
}

void TagFeatureIndex::find(std::span<const KeyHash> keys, uint32_t* numbers) const noexcept {
  index_.find(keys, numbers);
  if (!has_hashes()) return;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (numbers[i] != KeyIndex::kNone && hash(numbers[i]) != keys[i]) numbers[i] = KeyIndex::kNone;
  }
}

void TagFeatureIndex::verify() const {
  index_.verify();
  if (!has_hashes()) return;
  for (uint32_t feature = 0; feature < size(); ++feature) {
    if (index_.find(hash(feature)) == feature) continue;
    throw Error(ErrorCode::data, "feature " + std::to_string(feature) + " of the tagger is not found by its hash");
  }
}

}  // namespace coppice
