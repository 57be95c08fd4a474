// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/compress.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/rank/prune.h"
#include "coppice/tag/tagger_weights.h"

namespace coppice {
namespace {

/// Which features have a weight.
std::vector<bool> used_features(const Ranker& ranker) {
  std::vector<bool> used(ranker.n_features);
  for (const LevelWeights& level : ranker.levels) {
    for (size_t chunk = 0; chunk < level.n_chunks(); ++chunk) {
      for (const uint32_t feature : level.rows(chunk).features) used[feature] = true;
    }
  }
  return used;
}

/// The number of each feature from now on.
struct Renumbering {
  std::vector<uint32_t> numbers;  ///< or SelectedFeatures::kNone
  uint32_t n_features = 0;
  std::vector<float> factors;  ///< of the weights, by the new numbers of the first features; others' stay
};

Renumbering unchanged(uint32_t n_features) {
  Renumbering same{std::vector<uint32_t>(n_features), n_features, {}};
  std::iota(same.numbers.begin(), same.numbers.end(), 0U);
  return same;
}

ChunkRows renumbered(const ChunkRows& rows, const Renumbering& renumbering) {
  ChunkRows result = renumber_rows(rows, renumbering.numbers);
  for (size_t r = 0; r < result.features.size() && result.features[r] < renumbering.factors.size(); ++r) {
    const float factor = renumbering.factors[result.features[r]];
    for (uint32_t i = result.first_entry[r]; i < result.first_entry[r + 1]; ++i) result.values[i] *= factor;
  }
  return result;
}

/// By size.
float largest_weight(const Ranker& ranker, const Renumbering& renumbering) {
  float largest = 0;
  for (const LevelWeights& level : ranker.levels) {
    for (size_t chunk = 0; chunk < level.n_chunks(); ++chunk) {
      for (const float weight : renumbered(level.rows(chunk), renumbering).values)
        largest = std::max(largest, std::abs(weight));
    }
  }
  return largest;
}

LevelWeights pack_level(const LevelWeights& level, const Renumbering& renumbering, const PackOptions& options,
                        ThreadPool& pool) {
  std::vector<EncodedChunk> chunks(level.n_chunks());
  pool.run(chunks.size(), [&](size_t chunk, size_t) {
    chunks[chunk] = pack_chunk(renumbered(level.rows(chunk), renumbering), renumbering.n_features, options);
  });
  LevelWeightsBuilder builder(renumbering.n_features);
  for (const EncodedChunk& chunk : chunks) builder.add(chunk);
  return builder.build();
}

void expect_names(const Vectorizer& vectorizer) {
  const VectorizerTables& tables = vectorizer.tables();
  if (tables.names || !tables.name_offsets.empty()) return;
  throw Error(ErrorCode::usage, "the model has no words of its features that could be kept", {},
              vectorizer.options().hash_bits > 0 ? "with feature hashing there are none"
              : tables.keys                      ? "compress the model as trained, with keep_strings"
                                                 : "leave keep_strings out");
}

Vectorizer without_names(const Vectorizer& vectorizer) {
  VectorizerTables tables = vectorizer.tables();
  tables.names.reset();
  return Vectorizer(vectorizer.options(), std::move(tables));
}

/// Puts the vectorizer of `parts` in a few bits a feature; features that rows bring themselves follow those of the text
/// as before.
Renumbering shrink_vectorizer(ModelParts& parts, const CompressOptions& options, ThreadPool& pool) {
  const uint32_t n_features = parts.ranker.n_features;
  if (!parts.vectorizer) return unchanged(n_features);
  if (options.keep_strings) expect_names(*parts.vectorizer);
  if (parts.vectorizer->tables().keys) {
    if (!options.keep_strings) parts.vectorizer = without_names(*parts.vectorizer);
    return unchanged(n_features);
  }
  const uint32_t n_text = parts.vectorizer->n_features();
  std::vector<bool> wanted = used_features(parts.ranker);
  wanted.resize(n_text);
  SelectedFeatures selected = select_features(*parts.vectorizer, wanted, {options.keys, options.keep_strings}, pool);
  parts.vectorizer = std::move(selected.vectorizer);
  Renumbering renumbering{std::move(selected.numbers), parts.vectorizer->n_features(),
                          std::move(selected.weight_factors)};
  for (uint32_t feature = n_text; feature < n_features; ++feature) {
    renumbering.numbers.push_back(renumbering.n_features++);
  }
  return renumbering;
}

}  // namespace

void describe(OptionTable& table, CompressOptions& options) {
  table.add("threshold", options.prune.threshold, 0, 1e6,
            "Weights nearer to zero are dropped. Training drops some by a threshold of its own, 0.1 by default.");
  table.add("tagger_threshold", options.tagger_threshold, 0, 1e6,
            "Of a slot tagger: weights nearer to zero are dropped. What that costs, evaluate says on a .bio file.");
  table.add("tagger_value_bits", options.tagger_value_bits, 0, PackOptions::kHalf,
            "Of a slot tagger: bits of a weight, as value_bits. 0 = as value_bits.");
  table.add("max_weights", options.prune.max_weights, 0, 0xFFFFFFFF,
            "The most weights a label or inner node keeps, largest first. 0 = no limit.");
  table.add("value_bits", options.pack.value_bits, 2, PackOptions::kHalf,
            "Bits of a weight: 2 to 8, of which 8 are 256 even intervals of its range; or 16, halves.");
  table.add("scales", options.pack.scaling,
            {{Scaling::children, "children"},
             {Scaling::model, "model"},
             {Scaling::rows, "rows"},
             {Scaling::groups, "groups"}},
            "What shares a range of weights: each child of a tree node (a label, where there is no tree); the whole "
            "model, as in the article this follows; each row, the weights of a feature below a node; or groups of 32 "
            "weights. With 4 bits and fewer, rows and groups keep more, where a row has many weights.");
  table.add(
      "perfect_hash", options.keys.perfect_hash, {{PerfectHash::pilots, "pilots"}, {PerfectHash::levels, "levels"}},
      "How features are known without their names: pilots (PtrHash: about 2.6 bits a feature), or levels (an array "
      "of bits for each of several hash functions, as BBHash).");
  table.add("gamma", options.keys.gamma, 1, 10, "Of perfect_hash levels: bits of an array by keys; more are quicker.");
  table.add(
      "fingerprint_bits", options.keys.fingerprint_bits, 0, 16,
      "By which features that were never seen are told: 0, 4, 8 or 16. One in 2^bits of them is taken for another "
      "all the same.");
  table.add("keep_strings", options.keep_strings,
            "Keep the words of the features, packed, so that explain can name them; answers do not need them.");
}

void validate(const CompressOptions& options) {
  const auto expect_width = [](const char* name, uint32_t bits) {
    if (PackOptions::is_width(bits)) return;
    throw Error(ErrorCode::usage, std::string(name) + " is " + std::to_string(bits) + ", expected 2 to 8 or 16");
  };
  expect_width("value_bits", options.pack.value_bits);
  if (options.tagger_value_bits > 0) expect_width("tagger_value_bits", options.tagger_value_bits);
  const uint32_t bits = options.keys.fingerprint_bits;
  if (bits == 0 || bits == 4 || bits == 8 || bits == 16) return;
  throw Error(ErrorCode::usage, "fingerprint_bits is " + std::to_string(bits) + ", expected 0, 4, 8 or 16");
}

namespace {

/// What was measured is true of the model as it was: as it was trained, and as it was when searches made it smaller.
std::string metrics_before(const std::string& metrics_json) {
  nlohmann::json metrics = parse_json(metrics_json);
  if (!metrics.is_object() || metrics.empty()) return "{}";
  if (!metrics.contains("as_trained") && !metrics.contains("compression")) {
    return nlohmann::json{{"as_trained", std::move(metrics)}}.dump();
  }
  if (metrics.contains("compression")) {
    nlohmann::json& earlier = metrics["earlier_compressions"];
    if (!earlier.is_array()) earlier = nlohmann::json::array();
    earlier.push_back(std::move(metrics["compression"]));
    metrics.erase("compression");
    metrics.erase("rows");
  }
  return metrics.dump();
}

}  // namespace

bool is_compressed(const Model& model) noexcept {
  if (model.vectorizer() != nullptr && model.vectorizer()->tables().keys) return true;
  return model.tagger() != nullptr && !model.tagger()->parts().features.has_hashes();
}

Model compress(const Model& model, const CompressOptions& options, ThreadPool& pool) {
  ModelParts parts = model.parts();
  parts.label_names = parts.label_names.packed();
  if (drops_any(options.prune)) parts.ranker = prune_ranker(parts.ranker, options.prune, pool);
  const Renumbering renumbering = shrink_vectorizer(parts, options, pool);
  PackOptions pack = options.pack;
  if (pack.scaling == Scaling::model) pack.largest = largest_weight(parts.ranker, renumbering);
  for (LevelWeights& level : parts.ranker.levels) level = pack_level(level, renumbering, pack, pool);
  parts.ranker.n_features = renumbering.n_features;
  if (parts.tagger) {
    PackOptions tagger_pack = options.pack;
    if (options.tagger_value_bits > 0) tagger_pack.value_bits = options.tagger_value_bits;
    parts.tagger = compress_tagger(*parts.tagger, {options.tagger_threshold, tagger_pack, options.keys}, pool);
  }
  parts.metrics_json = metrics_before(parts.metrics_json);
  return Model(std::move(parts));
}

}  // namespace coppice
