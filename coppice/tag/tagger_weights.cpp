// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tagger_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "coppice/rank/prune.h"
#include "coppice/tag/tagger_training.h"

namespace coppice {
namespace {

/// Adds weights to rows, row by row.
class RowsWriter {
 public:
  RowsWriter(std::span<const double> weights, float threshold) : weights_(weights), threshold_(threshold) {
    rows_.first_entry.push_back(0);
  }

  void add(uint32_t child, size_t place) {
    const auto weight = static_cast<float>(weights_[place]);
    if (weight == 0 || std::abs(weight) < threshold_) return;
    rows_.children.push_back(static_cast<uint16_t>(child));
    rows_.values.push_back(weight);
  }

  void end_row(uint32_t feature) {
    if (rows_.values.size() == rows_.first_entry.back()) return;
    rows_.features.push_back(feature);
    rows_.first_entry.push_back(static_cast<uint32_t>(rows_.values.size()));
  }

  ChunkRows take(std::vector<float> bias) {
    rows_.bias = std::move(bias);
    return std::move(rows_);
  }

 private:
  std::span<const double> weights_;
  float threshold_;
  ChunkRows rows_;
};

/// All weights as rows of one chunk: features, then tags.
ChunkRows rows_of(const CrfProblem& problem, std::span<const double> weights, float threshold) {
  RowsWriter writer(weights, threshold);
  const auto n_features = static_cast<uint32_t>(problem.n_features());
  for (uint32_t feature = 0; feature < n_features; ++feature) {
    for (uint64_t i = problem.row_begin[feature]; i < problem.row_begin[feature + 1]; ++i) {
      writer.add(problem.row_tags[i], i);
    }
    writer.end_row(feature);
  }
  const Tags tags = problem.tags;
  for (uint32_t before = 0; before < tags.count(); ++before) {
    for (uint32_t tag = 0; tag < tags.count(); ++tag) {
      if (!tags.may_follow(before, tag)) continue;
      writer.add(tag, problem.transitions_begin() + TransitionView<double>::place(tags, before, tag));
    }
    writer.end_row(n_features + before);
  }
  const auto bias = weights.subspan(problem.bias_begin(), tags.count());
  return writer.take({bias.begin(), bias.end()});
}

/// The features below `n_features` that have a row; one at least, as there is no index of none.
std::vector<uint32_t> used_features(const ChunkRows& rows, uint32_t n_features) {
  const auto end = std::ranges::lower_bound(rows.features, n_features);
  std::vector<uint32_t> used(rows.features.begin(), end);
  if (used.empty()) used.push_back(0);
  return used;
}

/// Numbers as an index gives them, and the tags' rows behind; KeyIndex::kNone for features that are not used.
std::vector<uint32_t> renumbering(const KeyIndex& index, std::span<const uint32_t> used,
                                  std::span<const KeyHash> hashes, uint32_t n_rows) {
  const auto n_features = n_rows - static_cast<uint32_t>(hashes.size());
  std::vector<uint32_t> numbers(n_rows, KeyIndex::kNone);
  for (const uint32_t feature : used) numbers[feature] = index.find(hashes[feature]);
  std::iota(numbers.end() - n_features, numbers.end(), static_cast<uint32_t>(index.size()));
  return numbers;
}

std::vector<KeyHash> hashes_of(std::span<const uint32_t> used, std::span<const KeyHash> hashes) {
  std::vector<KeyHash> result;
  for (const uint32_t feature : used) result.push_back(hashes[feature]);
  return result;
}

std::vector<KeyHash> all_hashes(const TagFeatureIndex& features) {
  std::vector<KeyHash> hashes;
  for (uint32_t feature = 0; feature < features.size(); ++feature) hashes.push_back(features.hash(feature));
  return hashes;
}

LevelWeights one_chunk(const EncodedChunk& chunk, uint32_t n_features) {
  LevelWeightsBuilder builder(n_features);
  builder.add(chunk);
  return builder.build();
}

}  // namespace

void assemble(const TaggerProblem& problem, std::span<const double> weights, float threshold, TaggerParts& parts,
              ThreadPool& pool) {
  const ChunkRows rows = rows_of(problem.crf, weights, threshold);
  const auto n_rows = static_cast<uint32_t>(problem.features.size()) + problem.crf.tags.count();
  const std::vector<uint32_t> used = used_features(rows, static_cast<uint32_t>(problem.features.size()));
  parts.features = TagFeatureIndex::build(hashes_of(used, problem.features), pool);
  const uint32_t n_features = parts.features.size() + problem.crf.tags.count();
  const auto numbers = renumbering(parts.features.index(), used, problem.features, n_rows);
  parts.weights = one_chunk(encode_chunk(renumber_rows(rows, numbers), n_features), n_features);
}

Tagger compress_tagger(const Tagger& tagger, const TaggerCompression& options, ThreadPool& pool) {
  TaggerParts parts = tagger.parts();
  ChunkRows rows = prune_rows(parts.weights.rows(0), {.threshold = options.threshold});
  if (parts.features.has_hashes()) {
    const std::vector<KeyHash> hashes = all_hashes(parts.features);
    const std::vector<uint32_t> used = used_features(rows, parts.features.size());
    KeyIndex index = KeyIndex::build(hashes_of(used, hashes), pool, options.keys);
    rows = renumber_rows(rows, renumbering(index, used, hashes, parts.weights.n_features()));
    parts.features = TagFeatureIndex(std::move(index), {});
  }
  const uint32_t n_features = parts.features.size() + tagger.tags().count();
  parts.weights = one_chunk(pack_chunk(rows, n_features, options.pack), n_features);
  return Tagger(std::move(parts));
}

}  // namespace coppice
