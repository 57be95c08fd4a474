// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/progress.h"
#include "coppice/tag/tags.h"

namespace coppice {

/// A text and its slots, ascending and apart from each other.
struct TaggedText {
  std::string text;
  std::vector<Slot> slots;
  std::string intent;  ///< of a comment "# intent=NAME" above it; "" = none
};

/// How texts with tags are read.
struct BioOptions {
  bool repair_tags = false;
  // What follows is no option by name.
  const Progress* stop = nullptr;  ///< asked while a pipe keeps us waiting
};

void describe(OptionTable& table, BioOptions& options);

/// What was read, and what was repaired on the way.
struct BioReport {
  std::string input;  ///< the name of the file, or "stdin"
  uint64_t lines = 0;
  uint64_t tokens = 0;
  uint64_t repaired_lines = 0;  ///< invalid UTF-8 was replaced by U+FFFD
  uint64_t repaired_tags = 0;   ///< I tags that begin a slot, see repair_tags

  /// One remark for each thing that a user should know of.
  std::vector<std::string> remarks() const;
};

/// Texts with their slots, whose types are numbers of `slot_names`.
struct TaggedTexts {
  std::vector<std::string> slot_names;
  std::vector<TaggedText> rows;
  BioReport report;

  uint64_t n_slots() const noexcept;
};

/// Is a file of that name one of tags (.bio, .iob, .iob2, .conll; .gz or .zst may follow)?
bool has_bio_name(std::string_view path);

/// Reads texts with tags: a line holds a token and, in its last column, its tag: O, B-NAME or I-NAME (IOB2). Columns
/// are separated by tabs, in a line without one by blanks; those in between are not looked at. A blank line ends a
/// text. Above its first token, lines that begin with # and do not end in a tag are comments. The text is its tokens
/// with a space between each two; "-" is standard input; gzip and zstd.
///
/// `slot_names`: those that have a number already; new ones follow them.
/// Throws `ErrorCode::io`, `ErrorCode::cancelled`; `ErrorCode::data` with file, line and column for what is no such
/// line, for an I tag that continues nothing (unless repaired), and for an input without a text.
TaggedTexts read_bio(const std::string& path, std::vector<std::string> slot_names, const BioOptions& options);

}  // namespace coppice
