// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "coppice/data/label_domains.h"
#include "coppice/data/label_names.h"
#include "coppice/data/passages.h"
#include "coppice/data/vectorizer.h"
#include "coppice/math/packed_numbers.h"
#include "coppice/model/format.h"
#include "coppice/rank/ranker.h"
#include "coppice/tag/tagger.h"

namespace coppice {

/// What a model is made of.
struct ModelParts {
  LabelNames label_names;                ///< or empty: labels are known by their numbers
  LabelDomains domains;                  ///< of the labels; or empty: there are none
  Passages passages;                     ///< that the labels stand for; or empty: they stand for none
  std::optional<Vectorizer> vectorizer;  ///< none: the model takes features, no text
  Ranker ranker;                         ///< or one without levels, where there is a tagger
  std::optional<Tagger> tagger;          ///< finds the slots of texts
  std::string options_json = "{}";       ///< all options as resolved for training
  std::string metrics_json = "{}";       ///< what was measured, such as P@1 on held-out rows
  std::string fingerprint;               ///< of the training data and options
  PackedNumbers label_counts;            ///< L: training rows with the label; or empty when unknown
  uint64_t n_training_rows = 0;          ///< with the counts, what propensities are made of
  uint32_t n_dense = 0;                  ///< the last of the ranker's features: those of a file beside the examples
};

/// What opening looks at: how the parts fit each other; every checksum too, which finds what was damaged by accident;
/// or the values of all arrays besides, for files whose maker is not trusted.
enum class Verify { structure, checksums, everything };
/// Mapped, or read into memory: for a file that another program may cut short while it is in use.
enum class LoadMode { map, read };

struct LoadOptions {
  Verify verify = Verify::structure;
  LoadMode mode = LoadMode::map;
};

/// A trained model: text or features in, ranked label names out, and the slots of a text where it has a tagger. One
/// file holds all of it.
///
/// Its constructor is the only way in, and checks how the parts fit each other; what it does not check (the
/// values inside large arrays) every query clamps, so that no query reads out of bounds whatever they hold.
/// Immutable; copies share the storage. Threads: const methods are thread-safe.
class Model {
 public:
  /// Throws `ErrorCode::data` naming the parts that do not fit. Cost: a few values per level.
  explicit Model(ModelParts parts);

  /// Opens a file written by `save`. Throws `io`, `data` for a damaged file or none of ours, `unsupported` for one
  /// that needs a later program. Cost: O(sections), under a millisecond whatever the size; with
  /// `Verify::checksums` the file is read once, at several GB/s; `Verify::everything` decodes every weight.
  static Model load(const std::string& path, const LoadOptions& options = {});
  static Model load(const ModelFile& file, Verify verify);
  /// By its structure alone; what the runtime links.
  static Model load(const ModelFile& file);

  /// Writes the model to `path`, whole or not at all; "-" is standard output. The bytes depend on the parts and
  /// `producer` alone.
  void save(const std::string& path, std::string_view producer = default_producer()) const;

  /// The size of the file that `save` writes. Cost: hashes all bytes.
  uint64_t saved_bytes() const;

  /// Checks every invariant of every part. Throws `ErrorCode::data` naming the first that does not hold.
  void verify() const;

  const LabelNames& label_names() const noexcept { return parts_.label_names; }
  const LabelDomains& domains() const noexcept { return parts_.domains; }
  const Passages& passages() const noexcept { return parts_.passages; }
  const Vectorizer* vectorizer() const noexcept { return parts_.vectorizer ? &*parts_.vectorizer : nullptr; }
  /// Throws `ErrorCode::usage` for a model that has a tagger alone.
  const Ranker& ranker() const;
  bool has_ranker() const noexcept { return parts_.ranker.tree.depth() > 0; }
  /// Null when it has none.
  const Tagger* tagger() const noexcept { return parts_.tagger ? &*parts_.tagger : nullptr; }
  const std::string& options_json() const noexcept { return parts_.options_json; }
  const std::string& metrics_json() const noexcept { return parts_.metrics_json; }
  const std::string& fingerprint() const noexcept { return parts_.fingerprint; }
  const PackedNumbers& label_counts() const noexcept { return parts_.label_counts; }
  uint64_t n_training_rows() const noexcept { return parts_.n_training_rows; }
  const ModelParts& parts() const noexcept { return parts_; }

  uint32_t n_labels() const noexcept { return parts_.ranker.tree.n_labels; }
  uint32_t n_features() const noexcept { return parts_.ranker.n_features; }
  uint32_t n_dense() const noexcept { return parts_.n_dense; }

  /// "coppice 0.1.0".
  static std::string_view default_producer() noexcept;

 private:
  ModelParts parts_;
};

}  // namespace coppice
