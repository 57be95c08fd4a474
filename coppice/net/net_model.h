// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/data/label_names.h"
#include "coppice/math/array.h"
#include "coppice/model/format.h"
#include "coppice/net/net_input.h"
#include "coppice/net/network_options.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {

/// What a trained network is made of.
struct NetModelParts {
  NetworkOptions network;
  NetFeatures features;
  LabelNames label_names;  ///< or empty: labels are numbers
  uint32_t n_labels = 0;
  Array<float> parameters;  ///< all, one behind the other
  Array<float> buffers;     ///< what else a user's module keeps; or empty
  Array<char> module;       ///< the TorchScript file of a user's own; or empty
  std::string options_json = "{}";
  std::string metrics_json = "{}";
  std::string fingerprint;  ///< of the training data
};

/// A trained network: recordings, texts or features in, ranked labels out. One file holds all of it, in the format of
/// the linear models (docs/model_format.md).
///
/// Immutable. Threads: const methods are thread-safe.
class NetModel {
 public:
  /// Throws `ErrorCode::data` where the parts do not fit each other.
  explicit NetModel(NetModelParts parts);
  ~NetModel();
  NetModel(NetModel&&) noexcept;
  NetModel& operator=(NetModel&&) noexcept;

  /// Opens a file written by `save`; checksums are compared. Throws as `Model::load`, and `ErrorCode::unsupported` for
  /// a file that holds no network.
  static NetModel load(const std::string& path);
  static NetModel load(const ModelFile& file);

  /// Writes the file, whole or not at all. The bytes depend on the parts alone.
  void save(const std::string& path) const;

  /// The `top_k` best labels of each row, best first, ties by label. Scores are probabilities, but for the squared
  /// loss. Cost: a batch of rows for each thread at a time.
  Predictions predict(const NetExamples& examples, uint32_t top_k, Job job) const;

  const NetModelParts& parts() const noexcept { return parts_; }

 private:
  class Networks;
  NetModelParts parts_;
  std::unique_ptr<Networks> networks_;
};

}  // namespace coppice
