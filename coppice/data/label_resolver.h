// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/data/label_index.h"
#include "coppice/data/read_options.h"
#include "coppice/data/row.h"

namespace coppice {

/// Reads a file of label names: one a line, the line number (from 0) is the id; names may repeat, and be empty.
/// Throws `ErrorCode::io`, `ErrorCode::data` (no line at all, invalid UTF-8, a NUL byte).
LabelNames read_label_names(const std::string& path);

/// Turns the labels of rows, names or ids, into ids of a `LabelIndex`.
///
/// With a label-name file, an id of the input means a line of that file, and the set of names is closed. Training
/// (an empty index) takes the file's names over, so that ids stay what they are; evaluation finds the model's label
/// of the same name. A model that knows its labels by number alone has no name to find: the line is the label's number.
/// Without a file, a name gets the next free id, and an id is taken as it is.
class LabelResolver {
 public:
  /// Throws as `read_label_names`; `ErrorCode::data` for a file that cannot be that of a model without names.
  LabelResolver(LabelIndex& index, const ReadOptions& options);

  /// The row's labels, ascending, each once with its largest relevance, until the next call; counts repeats and
  /// labels unknown to the model in `report`, whose `lines` is the line of the row. Throws `BadLine` without having
  /// changed the index.
  std::span<const std::pair<uint32_t, float>> resolve(const Row& row, ReadReport& report);

  /// What a header says of the number of labels, 0 too: ids from there on are refused, with `hint`, a literal.
  void set_header_labels(uint32_t n_labels,
                         const char* hint = "the header or n_labels says how many there are") noexcept {
    header_labels_ = n_labels;
    header_hint_ = hint;
  }

  /// To be called at the end of the input. Throws `ErrorCode::data` with the place of the largest id when nothing but
  /// that id itself says that there are so many labels: it is above `id_limit` of the labels that rows have. One
  /// damaged number would otherwise cost the memory and time of a hundred million labels.
  void expect_plausible_ids(const ReadReport& report) const;

  /// The largest id that is believed for `n_known` labels, or for so many labels of rows: a million, and ten for each.
  static constexpr uint64_t id_limit(uint64_t n_known) noexcept { return 1'000'000 + 10 * n_known; }

 private:
  bool lines_are_labels() const;

  /// The largest id that nothing bounds, and where it stands.
  struct FarthestId {
    uint64_t id = 0;
    uint64_t line = 0;
    size_t column = 0;
  };

  void check(const LabelMention& label) const;
  void check_one_kind(const Row& row) const;
  void check_name(const LabelMention& label) const;
  void check_id(const LabelMention& label) const;
  IndexLimit limit_of_ids() const;
  void note_farthest(const Row& row, uint64_t line);
  uint32_t id_of(const LabelMention& label);

  LabelIndex& index_;
  LabelNames file_names_;
  std::string file_path_;
  uint32_t option_labels_;
  bool lines_are_labels_ = false;  ///< a line of the file is the model's label of that number
  std::optional<uint32_t> header_labels_;
  const char* header_hint_ = nullptr;
  bool ids_seen_ = false;
  FarthestId farthest_;
  std::vector<std::pair<uint32_t, float>> resolved_;
};

}  // namespace coppice
