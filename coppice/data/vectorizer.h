// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"
#include "coppice/data/examples.h"
#include "coppice/math/array.h"
#include "coppice/math/csr.h"

namespace coppice {

/// How text becomes features. (The owner of this file adds the analyzers, weighting and their describe table.)
struct VectorizerOptions {
};

void describe(OptionTable& table, VectorizerOptions& options);

/// The learned tables of a vectorizer: plain arrays, as they lie in the model file.
struct VectorizerTables {
};

/// Text -> sparse features, the one path for training, programs, servers and bindings.
///
/// Immutable once fitted. Threads: const methods are thread-safe, each thread with its own `State`.
class Vectorizer {
 public:
  /// Scratch memory of one thread.
  class State;

  Vectorizer() = default;
  Vectorizer(VectorizerOptions options, VectorizerTables tables);

  uint32_t n_features() const noexcept;
  const VectorizerOptions& options() const noexcept;
  const VectorizerTables& tables() const noexcept;

  /// The features of one text, in `state` until the next call.
  SparseRow transform(std::string_view text, State& state) const;

  /// The features of many texts, one row each.
  Csr transform(const Texts& texts, ThreadPool& pool) const;

  /// The text of a feature ("window manager"), or "" when the names were not kept.
  std::string feature_name(uint32_t feature) const;
};

/// Learns the vocabulary and its weights from blocks of texts; the same tables for any block size and thread count.
class VectorizerBuilder {
 public:
  VectorizerBuilder(VectorizerOptions options, ThreadPool& pool);
  ~VectorizerBuilder();
  void add(const Texts& texts);
  Vectorizer build();
};

}  // namespace coppice
