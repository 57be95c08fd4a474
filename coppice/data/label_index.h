// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "coppice/data/label_names.h"

namespace coppice {

/// The hash of a label's name in every table of names: XXH3-64, seed 0.
uint64_t hash_of_name(std::string_view name) noexcept;

/// The labels met while reading: names get ids in the order in which they first appear.
///
/// For training it starts empty. For evaluation it starts with the labels that the model knows: `n_known()` of them,
/// ids 0..n_known()-1. A label that is not among them is no error: it gets an id from n_known() on, so rows still tell
/// how many of their labels the model cannot find (they count as positives when recall is computed).
/// Labels may also be given by number (`add_id`) when no names are used; one index holds names or bare ids, not both.
/// Cost: a name costs its bytes and about 24 more. Threads: one at a time.
class LabelIndex {
 public:
  LabelIndex() = default;

  /// Starts with the labels of a model. A model trained on bare ids has no names, but `n_labels` labels.
  explicit LabelIndex(const LabelNames& known, uint32_t n_labels = 0);

  /// The id of `name`, a new one if it was not met before. Throws `ErrorCode::data` beyond 2^31 labels.
  uint32_t add(std::string_view name);

  /// Adds a label even if its name exists already (label files may repeat names); `find` gives the first one.
  /// Throws `ErrorCode::internal` where known labels have no names: a name would get the id of one of them.
  uint32_t append(std::string_view name);

  /// Notes that a label was given by its number.
  void add_id(uint32_t id);

  /// Says that labels are numbers below `n_labels`, whether they appear or not.
  void reserve_ids(uint32_t n_labels) noexcept { n_ids_ = n_labels > n_ids_ ? n_labels : n_ids_; }

  std::optional<uint32_t> find(std::string_view name) const noexcept;
  std::string_view name(uint32_t label) const noexcept;

  /// Labels known or met so far: the number of columns of a label matrix.
  uint32_t size() const noexcept;

  /// Labels that were there before reading.
  uint32_t n_known() const noexcept { return n_known_; }

  /// Different labels met that were not known before.
  uint64_t n_unseen() const noexcept;

  bool has_names() const noexcept { return offsets_.size() > 1; }

  /// The names so far; empty when labels were given by number.
  LabelNames names() const;

 private:
  void insert(uint32_t label, uint64_t hash) noexcept;
  void reserve_slot();

  std::vector<char> bytes_;
  std::vector<uint64_t> offsets_{0};
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> slots_;
  uint32_t n_known_ = 0;
  uint32_t n_ids_ = 0;  ///< one more than the largest id given by number
  std::unordered_set<uint32_t> unseen_ids_;
};

}  // namespace coppice
