// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/data/line_reader.h"

namespace coppice {

/// What a parser throws for a line that is not in its format; the reader adds the file and the line.
struct BadLine {
  size_t column;  ///< in bytes, from 1
  std::string what;
  std::string hint = {};
};

/// A label as it stands in a row: a name or an id.
struct LabelMention {
  static constexpr uint64_t kNamed = std::numeric_limits<uint64_t>::max();

  std::string_view name;
  uint64_t id = kNamed;  ///< kNamed: the label is given by name
  float relevance = 1;
  size_t column = 1;  ///< where it stands in the line, from 1
};

struct FeatureEntry {
  uint32_t column;
  float value;
};

/// One row as parsed. The views point into the line or into the parser, until the next line.
struct Row {
  std::string_view text;
  std::string_view id;
  std::vector<FeatureEntry> features;
  std::vector<LabelMention> labels;
  float weight = 1;
  bool has_text = false;
  bool has_features = false;
  bool has_id = false;
  bool repaired = false;  ///< the parser replaced something that is no text
  std::string scratch;    ///< storage for a text that does not stand in the line as it is

  void clear();
};

/// Turns lines of one format into rows; knows nothing of files, label names or blocks.
///
/// Threads: one at a time.
class RowParser {
 public:
  enum class Outcome {
    row,
    blank,       ///< an empty line where rows are never empty
    header,      ///< the line says something about the file
    incomplete,  ///< the row goes on in the next line, with which `parse` is to be called again, both joined by LF
  };

  virtual ~RowParser() = default;

  /// Fills `row` (cleared before). Throws `BadLine`.
  virtual Outcome parse(Line line, Row& row) = 0;

  /// What stands between fields that quotes (") can carry over a line end, as `QuoteScanner` follows them; nothing
  /// where each line is a row.
  virtual std::optional<char> quoting_separator() const { return std::nullopt; }

  /// Whether the header is still due: what is wrong with it is never left out as one bad line.
  virtual bool in_header() const { return false; }

  /// Told at the end how many rows there were, bad ones included. Throws `BadLine`.
  virtual void finish(uint64_t /*n_rows*/) {}

  /// What the file itself says about its sizes, if it does.
  virtual std::optional<uint32_t> n_features() const { return std::nullopt; }
  virtual std::optional<uint32_t> n_labels() const { return std::nullopt; }

  /// What to say to someone whose rows do not fit those sizes.
  virtual const char* size_hint() const { return "the header or an option says how many there are"; }
};

/// `text` as messages show it: in quotes, cut at 40 bytes, control characters as dots.
std::string shown(std::string_view text);

/// The largest index allowed, and what to say of it to someone who is above it.
struct IndexLimit {
  uint64_t highest;
  const char* hint;
};

/// `size` - 1 if a size is known, else kLargestIndex; `hint` (a size known) or `option_hint` (not) goes with it.
IndexLimit index_limit(uint32_t size, const char* hint, const char* option_hint) noexcept;

/// The number in `text`, all of it, from 0 to the limit. Throws `BadLine` at `column`; `what` names it.
uint64_t parse_index(std::string_view text, size_t column, IndexLimit limit, const char* what);

/// The finite number in `text`, all of it, as float. Throws `BadLine` at `column`; `what` names it.
float parse_value(std::string_view text, size_t column, const char* what);

/// Adds the labels of a list such as `3,17::0.5,4` to the row; an empty list has none. Throws `BadLine`; `column` is
/// that of the list's start. Relevance 0 means that the row does not have the label.
void parse_label_ids(std::string_view list, size_t column, std::string_view separator, Row& row);

/// Throws `BadLine` for a relevance below 0; false for 0.
bool is_relevant(float relevance, size_t column);

/// `text` without spaces and tabs at its ends.
std::string_view trimmed(std::string_view text) noexcept;

/// Throws `BadLine` if the line holds a NUL byte, which no text file does.
void refuse_nul(std::string_view line);

/// An index of features or labels must be below this unless a size is given.
inline constexpr uint64_t kLargestIndex = 99'999'999;

}  // namespace coppice
