// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_resolver.h"

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

/// Are labels named 0, 1, 2, ..., as those of an imported model without a label-name file?
bool names_are_numbers(const LabelIndex& labels) {
  for (uint32_t label = 0; label < labels.n_known(); ++label) {
    if (labels.name(label) != std::to_string(label)) return false;
  }
  return true;
}

bool holds_all(const LabelIndex& labels, const LabelNames& names) {
  for (uint32_t label = 0; label < names.size(); ++label) {
    if (!labels.find(names.name(label))) return false;
  }
  return true;
}

std::string named_among_numbers(std::string_view name) {
  return "the label " + shown(name) + " is a name, expected a number as labels have been so far";
}

std::string number_among_names(uint64_t id) {
  return "label is " + std::to_string(id) + ", expected a name as labels have been so far";
}

}  // namespace

LabelNames read_label_names(const std::string& path) {
  LineReader reader(InputStream::open(path));
  LabelIndex names;
  while (const std::optional<Line> line = reader.next()) {
    if (!is_valid_utf8(line->text)) {
      throw Error(ErrorCode::data, "the label name is not valid UTF-8", reader.where());
    }
    const size_t nul = line->text.find('\0');
    if (nul != std::string_view::npos) {
      throw Error(ErrorCode::data, "a NUL byte, expected a label name", reader.where() + ":" + std::to_string(nul + 1),
                  "is this a binary file?");
    }
    names.append(line->text);
  }
  if (names.size() == 0) throw Error(ErrorCode::data, "the file is empty, expected one label name a line", path);
  return names.names();
}

LabelResolver::LabelResolver(LabelIndex& index, const ReadOptions& options)
    : index_(index), file_path_(options.label_names), option_labels_(options.n_labels) {
  if (file_path_.empty()) return;
  file_names_ = read_label_names(file_path_);
  lines_are_labels_ = lines_are_labels();
  if (index_.size() > 0) return;
  for (uint32_t label = 0; label < file_names_.size(); ++label) index_.append(file_names_.name(label));
}

bool LabelResolver::lines_are_labels() const {
  if (index_.n_known() == 0) return false;
  const bool has_names = index_.has_names() && (!names_are_numbers(index_) || holds_all(index_, file_names_));
  if (has_names) return false;
  if (file_names_.size() >= index_.n_known()) return true;
  throw Error(ErrorCode::data,
              "the file names " + counted(file_names_.size(), "label") + ", the model has " +
                  std::to_string(index_.n_known()) + " and knows them by number alone",
              file_path_, "the line numbers of this file are then the model's labels: give that of the training data");
}

std::span<const std::pair<uint32_t, float>> LabelResolver::resolve(const Row& row, ReadReport& report) {
  check_one_kind(row);
  for (const LabelMention& label : row.labels) check(label);
  note_farthest(row, report.lines);
  resolved_.clear();
  for (const LabelMention& label : row.labels) resolved_.emplace_back(id_of(label), label.relevance);
  // Equal ids: the largest relevance first, so that it is the one kept.
  std::sort(resolved_.begin(), resolved_.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first < b.first : a.second > b.second; });
  const auto repeats =
      std::unique(resolved_.begin(), resolved_.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  report.repeated_labels += static_cast<uint64_t>(resolved_.end() - repeats);
  resolved_.erase(repeats, resolved_.end());
  report.label_entries += resolved_.size();
  if (resolved_.empty()) ++report.rows_without_labels;
  if (index_.n_known() > 0) {
    for (const auto& entry : resolved_) report.unseen_label_entries += entry.first >= index_.n_known() ? 1 : 0;
  }
  return resolved_;
}

void LabelResolver::check(const LabelMention& label) const {
  if (label.id == LabelMention::kNamed) {
    check_name(label);
  } else {
    check_id(label);
  }
}

/// In training the labels of a row, too, are all names or all numbers: the index holds one of them.
void LabelResolver::check_one_kind(const Row& row) const {
  if (file_names_.size() > 0 || index_.n_known() > 0) return;
  for (const LabelMention& label : row.labels) {
    const bool is_named = label.id == LabelMention::kNamed;
    if (is_named == (row.labels.front().id == LabelMention::kNamed)) continue;
    throw BadLine{label.column, is_named ? named_among_numbers(label.name) : number_among_names(label.id),
                  "give all labels as names, or all as numbers"};
  }
}

void LabelResolver::check_name(const LabelMention& label) const {
  if (label.name.empty()) throw BadLine{label.column, "the label's name is empty, expected at least one character"};
  if (file_names_.size() > 0) {
    if (!file_names_.find(label.name)) {
      throw BadLine{label.column, "the label " + shown(label.name) + " is not in " + file_path_ +
                                      ", expected one of its " + counted(file_names_.size(), "name")};
    }
    return;
  }
  const bool bare_ids = ids_seen_ || (index_.n_known() > 0 && !index_.has_names());
  if (bare_ids) {
    throw BadLine{label.column, named_among_numbers(label.name),
                  "give all labels as names, or a label-name file by label_names"};
  }
}

void LabelResolver::check_id(const LabelMention& label) const {
  if (file_names_.size() > 0) {
    if (label.id < file_names_.size()) return;
    throw BadLine{label.column, "label is " + std::to_string(label.id) + ", expected a number below " +
                                    std::to_string(file_names_.size()) + ", the lines of " + file_path_};
  }
  if (header_labels_ == 0U && option_labels_ == 0) {
    throw BadLine{label.column, "the row has a label, expected none: the header says that there are 0", header_hint_};
  }
  const IndexLimit limit = limit_of_ids();
  if (label.id > limit.highest) {
    throw BadLine{
        label.column,
        "label is " + std::to_string(label.id) + ", expected a whole number from 0 to " + std::to_string(limit.highest),
        limit.hint};
  }
  if (!index_.has_names()) return;
  if (index_.n_known() == 0) {
    throw BadLine{label.column, number_among_names(label.id), "a name that looks like a number needs quotes"};
  }
  if (label.id >= index_.n_known()) {
    throw BadLine{label.column,
                  "label is " + std::to_string(label.id) + ", expected a number below " +
                      std::to_string(index_.n_known()) + ", the labels of the model",
                  "ids mean the model's own labels; give the label-name file of this input by label_names"};
  }
}

IndexLimit LabelResolver::limit_of_ids() const {
  const uint32_t bound = option_labels_ > 0 ? option_labels_ : header_labels_.value_or(0);
  if (bound == 0 && index_.n_known() > 0 && id_limit(index_.n_known()) < kLargestIndex) {
    return {id_limit(index_.n_known()),
            "that is far above the labels of the model; set n_labels if such ids are meant"};
  }
  const char* const hint = option_labels_ > 0 || bound == 0 ? "n_labels says how many there are" : header_hint_;
  return index_limit(bound, hint, "set n_labels if such ids are meant");
}

/// Nothing to note where names, a header, an option or the labels of a model say how many there are.
void LabelResolver::note_farthest(const Row& row, uint64_t line) {
  if (file_names_.size() > 0 || option_labels_ > 0 || header_labels_ || index_.n_known() > 0) return;
  for (const LabelMention& label : row.labels) {
    if (label.id != LabelMention::kNamed && label.id > farthest_.id) farthest_ = {label.id, line, label.column};
  }
}

void LabelResolver::expect_plausible_ids(const ReadReport& report) const {
  const uint64_t most = id_limit(report.label_entries);
  if (farthest_.id <= most) return;
  throw Error(ErrorCode::data,
              "label is " + std::to_string(farthest_.id) + ", far above the number of labels that rows have (" +
                  std::to_string(report.label_entries) + "), expected at most " + std::to_string(most),
              report.input + ":" + std::to_string(farthest_.line) + ":" + std::to_string(farthest_.column),
              "set n_labels if such ids are meant");
}

uint32_t LabelResolver::id_of(const LabelMention& label) {
  const bool is_named = label.id == LabelMention::kNamed;
  if (is_named && !lines_are_labels_) return index_.add(label.name);
  // The check before found the name in the file.
  const auto id = is_named ? file_names_.find(label.name).value() : static_cast<uint32_t>(label.id);
  if (lines_are_labels_) {
    index_.add_id(id);
    return id;
  }
  if (file_names_.size() == 0) {
    ids_seen_ = true;
    if (!index_.has_names()) index_.add_id(id);
    return id;
  }
  // Names may repeat in the file: the same name at the same place is the same label.
  const std::string name = file_names_.name(id);
  if (index_.name(id) == name && id < index_.size()) return id;
  return index_.add(name);
}

}  // namespace coppice
