// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/job.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_index.h"
#include "coppice/data/read_options.h"
#include "coppice/data/vectorizer.h"
#include "coppice/net/log_mel.h"
#include "coppice/net/net_examples.h"
#include "coppice/net/network_options.h"
#include "coppice/train/training_set.h"

namespace coppice {

/// How input becomes what a network takes. A network is of no use without it, so it is saved with it.
struct NetFeatures {
  NetTask task = NetTask::text;
  LogMelOptions log_mel;                 ///< of speech
  std::optional<Vectorizer> vectorizer;  ///< of texts
  uint32_t n_features = 0;               ///< of texts and features: d

  /// Numbers of a frame, or of a row.
  uint32_t n_inputs() const noexcept { return task == NetTask::speech ? log_mel.n_bands : n_features; }
};

/// Where rows come from. Speech: a folder of recordings (see `find_recordings`), one recording, or JSON lines with
/// {"audio": path, "labels": [...]}, paths from their file's folder on. Texts and features: docs/formats.md.
/// `annotated`: more rows to train on, behind the others; of speech JSON lines.
struct NetInput {
  std::string path;
  ReadOptions read;
  RowsAre rows = RowsAre::examples;  ///< queries: labels are not looked at, and names of recordings need not say any
  AnnotatedInput annotated = {};
};

/// Rows with all that is known of them.
struct NetRows {
  NetExamples examples;
  std::vector<std::string> speakers;  ///< of speech, "" = unknown; else empty
  std::vector<std::string> ids;       ///< or empty
  Examples asked;                     ///< of queries: the rows as they stood there; recordings by path, as texts
  ReadReport report;
  std::optional<ReadReport> annotated;  ///< of the annotated rows, the last ones
};

/// What a network is trained on.
struct NetSet {
  NetRows rows;
  LabelNames label_names;  ///< or empty: labels are numbers
  uint32_t n_labels = 0;
  NetFeatures features;
};

struct NetReadOptions {
  VectorizerOptions vectorizer;
  LogMelOptions log_mel;
};

/// Reads rows to train on, and learns how the like of them become numbers: the vocabulary, the sample rate. Throws
/// `ErrorCode::data` with the place of what is wrong, and when no row has a label.
NetSet read_net_set(NetTask task, const NetInput& input, const NetReadOptions& options, Job job);

/// Reads more rows of that kind: to evaluate, to predict. Labels that `labels` does not know get the numbers behind
/// those that it does; of queries all rows are without labels.
NetRows read_net_rows(const NetFeatures& features, const NetInput& input, LabelIndex& labels, Job job);

/// XXH3-128 of all that training depends on, so that workers can see that they have the same. In hexadecimal.
std::string fingerprint(const NetSet& set);

}  // namespace coppice
