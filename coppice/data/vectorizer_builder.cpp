// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_set>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/feature_names.h"
#include "coppice/data/stop_words.h"
#include "coppice/data/vectorizer.h"
#include "coppice/data/vectorizer_analysis.h"
#include "coppice/data/vectorizer_counts.h"
#include "coppice/data/vectorizer_table.h"

namespace coppice {
namespace {

constexpr size_t kPartBytes = size_t{64} << 10;
constexpr size_t kRoundParts = 32;

/// A feature on its way to its number.
struct Candidate {
  uint64_t prefix = 0;  ///< the name's first 8 bytes, big-endian: orders as the name does, mostly
  uint64_t hash = 0;
  std::string_view name;
  uint32_t document_frequency = 0;
};

uint64_t prefix_of(std::string_view name) noexcept {
  char bytes[8] = {};
  std::memcpy(bytes, name.data(), std::min<size_t>(8, name.size()));
  uint64_t prefix;
  std::memcpy(&prefix, bytes, 8);
  return __builtin_bswap64(prefix);
}

bool comes_before(const Candidate& a, const Candidate& b) noexcept {
  if (a.document_frequency != b.document_frequency) return a.document_frequency > b.document_frequency;
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  const int names = a.name.compare(b.name);
  return names != 0 ? names < 0 : a.hash < b.hash;
}

/// Sorts in parallel: splitters from a sample, one bucket between two of them. The order is total, so the result
/// does not depend on the buckets.
void sort_candidates(std::vector<Candidate>& candidates, ThreadPool& pool) {
  constexpr size_t kBuckets = 128;
  constexpr size_t kGrain = 16384;
  if (candidates.size() < 4 * kGrain) {
    std::sort(candidates.begin(), candidates.end(), comes_before);
    return;
  }
  std::vector<Candidate> sample;
  for (size_t i = 0; i < candidates.size(); i += candidates.size() / (kBuckets * 32)) sample.push_back(candidates[i]);
  std::sort(sample.begin(), sample.end(), comes_before);
  std::vector<Candidate> splitters;
  for (size_t b = 1; b < kBuckets; ++b) splitters.push_back(sample[b * sample.size() / kBuckets]);
  const size_t ranges = (candidates.size() + kGrain - 1) / kGrain;
  std::vector<uint8_t> bucket_of(candidates.size());
  std::vector<uint32_t> counts(ranges * kBuckets);
  pool.for_ranges(candidates.size(), kGrain, [&](size_t begin, size_t end, size_t) {
    for (size_t i = begin; i < end; ++i) {
      const auto place = std::upper_bound(splitters.begin(), splitters.end(), candidates[i], comes_before);
      bucket_of[i] = static_cast<uint8_t>(place - splitters.begin());
      ++counts[begin / kGrain * kBuckets + bucket_of[i]];
    }
  });
  std::vector<size_t> starts(ranges * kBuckets);
  std::vector<size_t> bucket_begins;
  size_t total = 0;
  for (size_t b = 0; b < kBuckets; ++b) {
    bucket_begins.push_back(total);
    for (size_t r = 0; r < ranges; ++r) {
      starts[r * kBuckets + b] = total;
      total += counts[r * kBuckets + b];
    }
  }
  bucket_begins.push_back(total);
  std::vector<Candidate> sorted(candidates.size());
  pool.for_ranges(candidates.size(), kGrain, [&](size_t begin, size_t end, size_t) {
    size_t* const next = starts.data() + begin / kGrain * kBuckets;
    for (size_t i = begin; i < end; ++i) sorted[next[bucket_of[i]]++] = candidates[i];
  });
  pool.run(kBuckets, [&](size_t b, size_t) {
    std::sort(sorted.begin() + static_cast<ptrdiff_t>(bucket_begins[b]),
              sorted.begin() + static_cast<ptrdiff_t>(bucket_begins[b + 1]), comes_before);
  });
  candidates.swap(sorted);
}

float idf_of(const VectorizerOptions& options, double documents, double frequency) {
  if (options.idf == InverseDocumentFrequency::smooth) {
    return static_cast<float>(std::log((1 + documents) / (1 + frequency)) + 1);
  }
  const double base = frequency + (options.pecos_idf_smooth ? 1 : 0);
  const double add = options.pecos_idf_add_one ? 1 : 0;
  return static_cast<float>((base > 0 ? std::max(std::log(documents / base), 0.0) : 0.0) + add);
}

/// The document frequencies that the options let in.
struct FrequencyLimits {
  double lowest, highest;

  FrequencyLimits(const VectorizerOptions& options, double documents)
      : lowest(std::max<double>(options.min_df, options.min_df_share * documents)),
        highest(std::min(options.max_df == 0 ? documents : options.max_df, options.max_df_share * documents)) {}
};

}  // namespace

struct VectorizerBuilder::Work {
  Work(VectorizerOptions given, ThreadPool& threads)
      : options(std::move(given)), pool(threads), analysis(options), scratches(threads.threads()) {
    if (options.hash_bits > 0 && options.idf != InverseDocumentFrequency::none) {
      const size_t buckets = size_t{1} << options.hash_bits;
      hashed_frequencies.resize(buckets);
      hashed_last.resize(buckets);
    }
  }

  bool counts_nothing() const { return options.hash_bits > 0 && hashed_frequencies.empty(); }
  void add_round(const Texts& texts, size_t begin, size_t end);
  void count_shard(size_t shard, size_t n_parts);
  void count_hashed(size_t shard, size_t n_parts);
  std::vector<Candidate> candidates();
  VectorizerTables build_vocabulary();
  VectorizerTables build_hashed();

  VectorizerOptions options;
  ThreadPool& pool;
  Analysis analysis;
  std::vector<std::unique_ptr<AnalysisScratch>> scratches;
  std::vector<AnalyzedPart> parts;
  std::vector<FeatureShard> shards{kShards};
  std::vector<uint32_t> hashed_frequencies, hashed_last;
  uint64_t documents = 0;
};

// Cuts the texts into parts, analyses these in parallel, then lets each shard take its records, part after part.
void VectorizerBuilder::Work::add_round(const Texts& texts, size_t begin, size_t end) {
  std::vector<size_t> cuts{begin};
  for (size_t i = begin; i < end; ++i) {
    if (texts.offsets[i + 1] - texts.offsets[cuts.back()] >= kPartBytes) cuts.push_back(i + 1);
  }
  if (cuts.back() != end) cuts.push_back(end);
  const size_t n_parts = cuts.size() - 1;
  if (parts.size() < n_parts) parts.resize(n_parts);
  pool.run(n_parts, [&](size_t part, size_t worker) {
    auto& scratch = scratches[worker];
    if (!scratch) scratch = std::make_unique<AnalysisScratch>(options.tokenizer.normalization);
    parts[part].clear();
    if (options.hash_bits > 0) parts[part].shard_bits = std::min(kShardBits, options.hash_bits);
    for (size_t i = cuts[part]; i < cuts[part + 1]; ++i) {
      analysis.analyze_with_names(texts[i], *scratch);
      parts[part].add(*scratch, static_cast<uint32_t>(documents + i - begin + 1));
    }
  });
  pool.run(kShards, [&](size_t shard, size_t) {
    options.hash_bits > 0 ? count_hashed(shard, n_parts) : count_shard(shard, n_parts);
  });
  documents += end - begin;
}

void VectorizerBuilder::Work::count_shard(size_t shard, size_t n_parts) {
  for (size_t part = 0; part < n_parts; ++part) shards[shard].add(parts[part], shard);
}

// A shard is a range of hashes, so of buckets; no two shards share one.
void VectorizerBuilder::Work::count_hashed(size_t shard, size_t n_parts) {
  const uint32_t shift = 64 - options.hash_bits;
  for (size_t part = 0; part < n_parts; ++part) {
    for (const FeatureRecord& record : parts[part].records[shard]) {
      const size_t bucket = record.hash >> shift;
      if (hashed_last[bucket] == record.document) continue;
      hashed_last[bucket] = record.document;
      ++hashed_frequencies[bucket];
    }
  }
}

std::vector<Candidate> VectorizerBuilder::Work::candidates() {
  const FrequencyLimits limits(options, static_cast<double>(documents));
  std::vector<std::vector<Candidate>> kept(kShards);
  pool.run(kShards, [&](size_t shard, size_t) {
    for (const FeatureShard::Entry& entry : shards[shard].entries()) {
      const double frequency = entry.document_frequency;
      if (frequency == 0 || frequency < limits.lowest || frequency > limits.highest) continue;
      const std::string_view name = shards[shard].name(entry);
      kept[shard].push_back({prefix_of(name), entry.hash, name, entry.document_frequency});
    }
  });
  std::vector<Candidate> all;
  for (auto& shard : kept) {
    all.insert(all.end(), shard.begin(), shard.end());
    std::vector<Candidate>().swap(shard);
  }
  sort_candidates(all, pool);
  if (options.max_features > 0 && all.size() > options.max_features) all.resize(options.max_features);
  if (all.size() > feature_table::kMostFeatures) {
    throw Error(ErrorCode::unsupported, counted(all.size(), "feature") + ", at most 2^31 - 2 expected", {},
                "raise min_df, or set max_features or hash_bits");
  }
  return all;
}

VectorizerTables VectorizerBuilder::Work::build_vocabulary() {
  const std::vector<Candidate> features = candidates();
  VectorizerTables tables;
  tables.n_features = static_cast<uint32_t>(features.size());
  std::vector<uint64_t> hashes(features.size());
  std::vector<std::string_view> names(options.feature_names ? features.size() : 0);
  for (size_t i = 0; i < features.size(); ++i) {
    hashes[i] = features[i].hash;
    if (options.feature_names) names[i] = features[i].name;
  }
  feature_table::Built built = feature_table::build(hashes);
  tables.buckets = std::move(built.buckets);
  tables.bucket_seed = built.seed;
  if (options.idf != InverseDocumentFrequency::none) {
    std::vector<float> idf(features.size());
    for (size_t i = 0; i < features.size(); ++i) {
      const bool repeats = i > 0 && features[i].document_frequency == features[i - 1].document_frequency;
      idf[i] = repeats ? idf[i - 1] : idf_of(options, static_cast<double>(documents), features[i].document_frequency);
    }
    tables.idf = std::move(idf);
  }
  if (options.feature_names) {
    FeatureNames encoded = encode_feature_names(names, pool);
    tables.name_offsets = std::move(encoded.offsets);
    tables.name_bytes = std::move(encoded.bytes);
  }
  return tables;
}

VectorizerTables VectorizerBuilder::Work::build_hashed() {
  VectorizerTables tables;
  tables.n_features = uint32_t{1} << options.hash_bits;
  std::vector<float> idf(hashed_frequencies.size());
  for (size_t i = 0; i < idf.size(); ++i) {
    idf[i] = idf_of(options, static_cast<double>(documents), hashed_frequencies[i]);
  }
  tables.idf = std::move(idf);
  return tables;
}

VectorizerBuilder::VectorizerBuilder(VectorizerOptions options, ThreadPool& pool) {
  validate(options);
  if (!options.stop_words_file.empty()) {
    for (std::string& word : read_stop_words(options.stop_words_file)) options.stop_words.push_back(std::move(word));
    options.stop_words_file.clear();
  }
  work_ = std::make_unique<Work>(std::move(options), pool);
}

VectorizerBuilder::~VectorizerBuilder() = default;
VectorizerBuilder::VectorizerBuilder(VectorizerBuilder&&) noexcept = default;

void VectorizerBuilder::add(const Texts& texts) {
  Work& work = *work_;
  if (work.documents + texts.size() >= std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::unsupported, "more than 2^32 - 2 texts");
  }
  if (work.counts_nothing()) {
    work.documents += texts.size();
    return;
  }
  size_t begin = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const bool full = texts.offsets[i + 1] - texts.offsets[begin] >= kPartBytes * kRoundParts;
    if (!full && i + 1 < texts.size()) continue;
    work.add_round(texts, begin, i + 1);
    begin = i + 1;
  }
}

Vectorizer VectorizerBuilder::build() {
  VectorizerTables tables = work_->options.hash_bits > 0 ? work_->build_hashed() : work_->build_vocabulary();
  return Vectorizer(work_->options, std::move(tables));
}

Vectorizer make_vectorizer(VectorizerOptions options, std::span<const ImportedFeature> features) {
  validate(options);
  const Analysis analysis(options);
  std::vector<uint64_t> hashes;
  std::vector<float> idf;
  std::vector<std::string_view> names;
  std::unordered_set<uint64_t> seen;
  for (const ImportedFeature& feature : features) {
    hashes.push_back(analysis.hash_of(feature).hash);
    idf.push_back(feature.idf);
    names.push_back(feature.name);
    if (!seen.insert(hashes.back()).second) {
      throw Error(ErrorCode::data, "the feature '" + feature.name + "' occurs twice in the vocabulary");
    }
  }
  VectorizerTables tables;
  check(features.size() <= feature_table::kMostFeatures, "a vocabulary has at most 2^31 - 2 features");
  tables.n_features = static_cast<uint32_t>(features.size());
  feature_table::Built built = feature_table::build(hashes);
  tables.buckets = std::move(built.buckets);
  tables.bucket_seed = built.seed;
  tables.idf = std::move(idf);
  ThreadPool pool(1);
  FeatureNames encoded = encode_feature_names(names, pool);
  tables.name_offsets = std::move(encoded.offsets);
  tables.name_bytes = std::move(encoded.bytes);
  return Vectorizer(std::move(options), std::move(tables));
}

}  // namespace coppice
