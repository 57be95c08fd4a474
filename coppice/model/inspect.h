// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coppice/model/format.h"
#include "coppice/model/model.h"

namespace coppice {

/// What one section costs.
struct SectionReport {
  std::string name;
  uint32_t index = 0;
  bool required = false;
  std::string element_type;
  uint64_t count = 0;
  uint64_t size_bytes = 0;
};

/// The shape and weights of one level: the chunks of its parents and the nodes they hold.
struct LevelReport {
  uint64_t n_nodes = 0;
  uint64_t n_chunks = 0;
  uint32_t fewest_children = 0;
  uint32_t most_children = 0;
  double mean_children = 0;
  uint64_t n_rows = 0;     ///< (chunk, feature) pairs with a weight
  uint64_t n_weights = 0;  ///< stored, zeros for padding included
  uint64_t size_bytes = 0;
  uint64_t n_empty = 0;  ///< chunks without a weight
  uint64_t n_direct = 0;
  uint64_t n_hashed = 0;
  uint64_t n_masked = 0;
  uint64_t n_packed = 0;

  /// Of the whole level, biases and rows included.
  double bits_per_weight() const noexcept { return n_weights == 0 ? 0 : 8 * double(size_bytes) / double(n_weights); }
};

/// What a slot tagger is made of.
struct TaggerReport {
  std::vector<std::string> slots;
  std::vector<std::string> gazetteers;  ///< by name
  uint64_t n_features = 0;
  uint64_t n_weights = 0;
  double bits_per_key = 0;     ///< what a feature is known by, on average
  double bits_per_weight = 0;  ///< with the indices
  uint64_t size_bytes = 0;     ///< of all
};

/// Which domains the labels belong to.
struct DomainsReport {
  std::vector<std::string> names;
  uint64_t n_labels = 0;  ///< that belong to one
};

/// The texts that the labels stand for.
struct PassagesReport {
  uint64_t n_passages = 0;
  uint64_t size_bytes = 0;  ///< of texts and what is known of them
};

/// All that `coppice inspect` shows.
struct ModelReport {
  std::string path;
  std::string producer;
  std::string uuid;
  uint32_t format_version = 0;
  uint64_t file_bytes = 0;
  uint32_t n_labels = 0;
  uint32_t n_features = 0;
  uint64_t n_training_rows = 0;
  std::string post_processor;
  bool takes_text = false;
  uint32_t n_dense = 0;  ///< of the features, those from a file beside the examples
  double bits_per_key =
      0;  ///< by which a feature of the text is known: its name and hash table, or hash and fingerprint
  std::string fingerprint;
  std::string options_json = "{}";
  std::string metrics_json = "{}";
  std::string network_json = "{}";  ///< of a network: its task and layers
  bool has_ranker = true;
  std::vector<LevelReport> levels;
  std::optional<DomainsReport> domains;
  std::optional<PassagesReport> passages;
  std::optional<TaggerReport> tagger;
  std::vector<SectionReport> sections;
};

/// Cost: reads the tree and the directories of the chunks, not the weights.
ModelReport inspect(const ModelFile& file, const Model& model);

/// Of a file that holds a network; LibTorch is not needed for it. Throws `ErrorCode::data` for a damaged one.
ModelReport inspect_network(const ModelFile& file);

nlohmann::ordered_json to_json(const ModelReport& report);

/// Tables for people.
std::string to_text(const ModelReport& report);

}  // namespace coppice
