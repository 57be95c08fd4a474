// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>

#include "coppice/core/error.h"
#include "coppice/data/idf_codes.h"
#include "coppice/data/vectorizer.h"
#include "coppice/data/vectorizer_analysis.h"
#include "coppice/data/vectorizer_hash.h"
#include "coppice/data/vectorizer_table.h"

namespace coppice {
namespace {

/// Finds the hashes of features again: from their names, of which the table says whose they are.
class FeatureHashes {
 public:
  explicit FeatureHashes(const Vectorizer& vectorizer)
      : vectorizer_(vectorizer), analysis_(vectorizer.options()), hash_bits_(vectorizer.options().hash_bits) {}

  /// Nothing when the name does not tell.
  std::optional<uint64_t> of(uint32_t feature) const {
    if (hash_bits_ > 0) return uint64_t{feature} << (64 - hash_bits_);
    const std::string name = vectorizer_.feature_name(feature);
    using Analyzer = ImportedFeature::Analyzer;
    for (const Analyzer analyzer : {Analyzer::word, Analyzer::character, Analyzer::character_wb, Analyzer::compound}) {
      const uint64_t hash = analysis_.hash_of({analyzer, name}).hash;
      if (is_known_as(hash, feature)) return hash;
    }
    return std::nullopt;
  }

 private:
  bool is_known_as(uint64_t hash, uint32_t feature) const {
    const VectorizerTables& tables = vectorizer_.tables();
    uint32_t found = 0;
    const std::span<const uint64_t> one(&hash, 1);
    return feature_table::find(tables.buckets, tables.bucket_seed, tables.n_features, one, &found) == 1 &&
           found == feature;
  }

  const Vectorizer& vectorizer_;
  Analysis analysis_;
  uint32_t hash_bits_;
};

void expect_names(const Vectorizer& vectorizer) {
  if (vectorizer.tables().keys) {
    throw Error(ErrorCode::unsupported, "the features are known by a perfect hash alone already", {},
                "start from the model that was compressed");
  }
  if (vectorizer.options().hash_bits > 0 || !vectorizer.tables().name_offsets.empty()) return;
  throw Error(ErrorCode::unsupported, "the names of the features were not kept, without which they cannot be hashed",
              {}, "train with feature_names");
}

std::vector<float> select_idf(std::span<const float> idf, std::span<const uint32_t> numbers, size_t n_kept) {
  std::vector<float> kept(n_kept);
  for (size_t feature = 0; feature < numbers.size(); ++feature) {
    if (numbers[feature] != KeyIndex::kNone) kept[numbers[feature]] = idf[feature];
  }
  return kept;
}

std::shared_ptr<const PackedNames> select_names(const Vectorizer& vectorizer, std::span<const uint32_t> numbers,
                                                size_t n_kept) {
  std::vector<std::string> names(n_kept);
  for (uint32_t feature = 0; feature < numbers.size(); ++feature) {
    if (numbers[feature] != KeyIndex::kNone) names[numbers[feature]] = vectorizer.feature_name(feature);
  }
  return std::make_shared<const PackedNames>(PackedNames::pack(names));
}

}  // namespace

SelectedFeatures select_features(const Vectorizer& vectorizer, const std::vector<bool>& wanted,
                                 const SelectOptions& options, ThreadPool& pool) {
  check(wanted.size() == vectorizer.n_features(), "an entry for each feature");
  expect_names(vectorizer);
  const uint32_t hash_bits = vectorizer.options().hash_bits;
  const FeatureHashes hashes(vectorizer);
  SelectedFeatures selected;
  std::vector<uint32_t> features;
  std::vector<KeyHash> keys;
  for (uint32_t feature = 0; feature < wanted.size(); ++feature) {
    if (!wanted[feature]) continue;
    if (const std::optional<uint64_t> hash = hashes.of(feature)) {
      features.push_back(feature);
      keys.push_back(feature_key(*hash, hash_bits));
    } else {
      ++selected.n_lost;
    }
  }
  if (keys.empty()) throw Error(ErrorCode::usage, "no feature is left", {}, "too many weights were dropped");

  VectorizerTables tables;
  tables.keys = KeyIndex::build(keys, pool, options.keys);
  tables.n_features = static_cast<uint32_t>(keys.size());
  std::vector<uint32_t> slots(keys.size());
  tables.keys->find(keys, slots.data());
  selected.numbers.assign(wanted.size(), SelectedFeatures::kNone);
  for (size_t i = 0; i < features.size(); ++i) selected.numbers[features[i]] = slots[i];
  if (!vectorizer.tables().idf.empty()) {
    const std::vector<float> idf = select_idf(vectorizer.tables().idf, selected.numbers, keys.size());
    IdfCodes codes = code_idf(idf);
    for (size_t i = 0; i < idf.size(); ++i) {
      const float coded = codes.values[IdfCodes::code_at(codes.codes.data(), i)];
      selected.weight_factors.push_back(coded > 0 ? idf[i] / coded : 1);
    }
    tables.idf = std::vector<float>(codes.values.begin(), codes.values.end());
    tables.idf_codes = std::move(codes.codes);
  }
  if (options.keep_names && hash_bits == 0) tables.names = select_names(vectorizer, selected.numbers, keys.size());
  selected.vectorizer = Vectorizer(vectorizer.options(), std::move(tables));
  return selected;
}

}  // namespace coppice
