// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/tokenizer.h"

namespace coppice {

/// The formats of examples; docs/formats.md has a grammar of each.
enum class Format { automatic, jsonl, labelled_text, svm, fasttext, text, csv, tsv, npz, npy };

enum class SvmHeader { automatic, present, absent };

/// How examples are read.
struct ReadOptions {
  Format format = Format::automatic;
  std::string label_names;  ///< path of a file with one name a line; line number = id, from 0
  std::string labels_path;  ///< npz and npy: path of the label matrix Y
  std::vector<std::string> text_field{"text"};
  std::string labels_field = "labels";
  std::string features_field = "features";
  std::string weight_field = "weight";
  std::string id_field = "id";
  std::string label_prefix = "__label__";
  std::string label_separator = ",";
  bool named_labels = false;
  SvmHeader svm_header = SvmHeader::automatic;
  bool one_based = false;
  uint32_t n_features = 0;
  uint32_t n_labels = 0;
  bool skip_bad_lines = false;
  uint64_t max_line_bytes = LineReader::kDefaultMaxLineBytes;
  // What follows is no option by name.
  uint64_t max_text_bytes = Tokenizer::kMostBytes;  ///< of a row; a longer text is an error
  const Progress* stop = nullptr;                   ///< asked while a pipe keeps us waiting
};

void describe(OptionTable& table, ReadOptions& options);

/// "jsonl", "svm", ...: the name of the option's choice.
std::string_view name(Format format) noexcept;

/// What rows are read for: the labels of queries, if there are any, play no part.
enum class RowsAre { examples, queries };

/// What was read, and what was repaired or left out on the way.
struct ReadReport {
  static constexpr size_t kMessagesKept = 10;

  std::string input;                  ///< the name of the file, or "stdin"
  Format format = Format::automatic;  ///< as told or as recognised
  uint64_t lines = 0;                 ///< 0 for matrices
  uint64_t rows = 0;
  uint64_t bad_lines = 0;             ///< left out, see skip_bad_lines
  std::vector<std::string> messages;  ///< of the first bad lines
  std::vector<uint64_t> bad_labels;   ///< the first lines of the rows left out that only their labels made bad
  uint64_t blank_lines = 0;
  uint64_t repaired_lines = 0;     ///< invalid UTF-8 or lone surrogates were replaced by U+FFFD
  uint64_t label_entries = 0;      ///< labels of all rows, after merging
  uint64_t repeated_labels = 0;    ///< merged with the same label in the same row
  uint64_t repeated_features = 0;  ///< added to the same feature in the same row
  uint64_t rows_without_labels = 0;
  uint64_t unseen_label_entries = 0;  ///< labels of rows that the model does not know
  uint64_t unread_labels = 0;         ///< of queries, as they stand in the rows: nothing was made of them

  /// One remark for each thing that a user should know of, such as "3 bad lines left out"; the messages of the first
  /// bad lines stand under theirs, one a line.
  std::vector<std::string> remarks(RowsAre rows = RowsAre::examples) const;
};

}  // namespace coppice
